"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import click

from xds.control import settings
from xds.control.settings import Settings

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

paths: Final[Decorator] = click.argument("paths", nargs=-1, metavar="[PATH]...")

config: Final[Decorator] = click.option(
    "--config",
    metavar="FILE",
    help="Settings, as YAML. Flags win over it.",
)


def examples(*lines: str) -> str:
    """The end of a command's help: lines to copy."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


admin: Final[Decorator] = click.option(
    "--admin",
    metavar="URL",
    default="http://127.0.0.1:19000",
    show_default=True,
    help="The admin service of the running legation.",
)


def output(*formats: str) -> Decorator:
    """`-o`: the first format is the default."""
    return click.option(
        "-o", "--output", type=click.Choice(formats), default=formats[0], show_default=True, help="What to print."
    )


def to_read(paths: tuple[str, ...], config: str | None) -> Settings:
    """The settings of a command that reads objects and starts nothing. Raises UsageError when there is nothing to read."""
    return something(settings.load(config, paths=paths, flags={"runner": "none"}))


def something(loaded: Settings) -> Settings:
    """The same settings, which must name a provider."""
    if not loaded.providers:
        raise click.UsageError("there is nothing to read: give a PATH, or --config with a section 'providers'")
    return loaded

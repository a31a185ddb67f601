"""The command `legation`: one module for each command, or pair of them, loaded when it is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from importlib import import_module
from importlib.metadata import entry_points
from typing import Final

import click

from xds.control.cli.screen import Failure, printable
from xds.model import LegationError

COMMANDS: Final[Mapping[str, str]] = {
    "run": "run",
    "serve": "run",
    "check": "check",
    "translate": "translate",
    "diff": "diff",
    "status": "status",
    "proxies": "proxies",
    "bootstrap": "bootstrap",
    "version": "version",
}
"""Command -> its module, in the order in which a person meets them."""

PLUGINS: Final = "legation.commands"
"""The entry point group of more commands."""


class Commands(click.Group):
    """A group that imports a command when it is needed, and tells errors without a traceback."""

    def list_commands(self, _: click.Context) -> list[str]:
        """The commands, in the order of the table; then those of plug-ins."""
        return [*COMMANDS, *sorted(entry_points(group=PLUGINS).names)]

    def get_command(self, _: click.Context, name: str) -> click.Command | None:
        """The command of this name, if there is one."""
        if name not in COMMANDS:
            return next((plugin.load() for plugin in entry_points(group=PLUGINS, name=name)), None)
        command: click.Command = getattr(import_module(f"{__name__}.{COMMANDS[name]}"), name)
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that the first argument names; the nearest one is offered for a name that is none."""
        known = self.list_commands(ctx)
        if args[0] not in known and (close := get_close_matches(args[0], known, n=1)):
            ctx.fail(f"There is no command {args[0]!r}. Did you mean {close[0]}?")
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> object:
        """Runs the command; what is not a bug ends as one line."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise
        except (LegationError, OSError) as error:
            raise Failure(in_words(error)) from error
        except BaseExceptionGroup as group:
            expected, bugs = group.split((LegationError, OSError))
            if expected is None or bugs is not None:
                raise
            raise Failure("\n".join(map(in_words, leaves(expected)))) from group


def in_words(error: BaseException) -> str:
    """An error as a person reads it: where, what, and on its own line what to do."""
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    return printable(str(error))


def leaves(group: BaseExceptionGroup[BaseException]) -> list[BaseException]:
    """The errors themselves, out of the groups they came in."""
    return [leaf for one in group.exceptions for leaf in (leaves(one) if isinstance(one, BaseExceptionGroup) else [one])]


TO_BEGIN: Final = """\b
To begin:
  legation run examples/quickstart.yaml    a working gateway, with a real Envoy
  legation check my-routes/                is anything wrong with what I wrote?
  legation status                          is all well with what runs?"""


@click.group(
    cls=Commands,
    epilog=TO_BEGIN,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
def main() -> None:
    """Legation is a control plane for Envoy: configuration in, xDS out.

    Every command says more with --help.
    """

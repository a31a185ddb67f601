"""`legation run` and `legation serve`: the control plane, with proxies of its own and without."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any, Final

import click

from xds.control import settings
from xds.control.cli import option
from xds.control.cli.option import Decorator

PORT: Final = click.IntRange(0, 65535)

SHARED: Final[tuple[Decorator, ...]] = (
    option.paths,
    option.config,
    click.option("--port", type=PORT, metavar="PORT", show_default="18000", help="Where proxies connect."),
    click.option("--workers", type=click.IntRange(1, 64), metavar="N", show_default="1", help="Processes that serve them."),
    click.option("--admin-port", type=PORT, metavar="PORT", show_default="19000", help="The admin page, the metrics."),
    click.option("--log-level", type=click.Choice(["debug", "info", "warning", "error"]), show_default="info"),
    click.option("--log-format", type=click.Choice(["text", "json"]), show_default="text"),
)


def shared(command: Callable[..., Any]) -> Callable[..., Any]:
    """The arguments that both commands take."""
    return reduce(lambda made, decorate: decorate(made), reversed(SHARED), command)


@click.command(
    epilog=option.examples(
        "legation run gateway.yaml routes/",
        "legation run examples/quickstart.yaml --with 'python examples/echo.py 3000 v1'",
        "legation run --config legation.yaml --no-envoy",
    )
)
@shared
@click.option("--with", "companions", multiple=True, metavar="COMMAND", help="Run COMMAND as long as legation runs.")
@click.option("--no-envoy", is_flag=True, help="Start no Envoy, as `serve`.")
@click.option("--envoy-path", metavar="FILE", help="The Envoy to start.")
def run(*, companions: tuple[str, ...], no_envoy: bool, envoy_path: str | None, **flags: Any) -> None:
    """Serve PATHs, with an Envoy for every Gateway.

    Reads the files and directories, starts an Envoy on this machine for each Gateway, and keeps both in step:
    an edit is live in milliseconds, without a restart. What is wrong is said here, with file, line and field,
    while the last good configuration stays in force. Ctrl-C drains and ends everything that was started; twice,
    at once.
    """
    if no_envoy and envoy_path:
        raise click.UsageError("--no-envoy and --envoy-path do not go together")
    host = {"host": {"envoy_path": envoy_path}} if envoy_path else {}
    _start({"runner": "none"} if no_envoy else {"runner": host} if host else {}, companions, flags)


@click.command(epilog=option.examples("legation serve routes/ --port 18000", "legation serve --config legation.yaml"))
@shared
def serve(**flags: Any) -> None:
    """Serve PATHs to Envoys that run elsewhere.

    As `run`, without an Envoy of its own. `legation bootstrap` prints the file that such an Envoy starts with.
    """
    _start({"runner": "none"}, (), flags)


def _start(runner: dict[str, Any], companions: tuple[str, ...], flags: dict[str, Any]) -> None:
    from xds.control import app  # noqa: PLC0415  the whole server, which --help can do without

    laid = {
        **_section("xds", port=flags["port"], workers=flags["workers"]),
        **_section("admin", port=flags["admin_port"]),
        **runner,
    }
    laid |= _section("log", level=flags["log_level"], format=flags["log_format"])
    loaded = option.something(settings.load(flags["config"], paths=flags["paths"], flags=laid))
    app.run(loaded, companions=companions)


def _section(name: str, **values: Any) -> dict[str, Any]:
    """The part of the settings that these flags say; empty when none was given."""
    given = {key: value for key, value in values.items() if value is not None}
    return {name: given} if given else {}

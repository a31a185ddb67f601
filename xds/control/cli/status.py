"""`legation status`: is all well?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import click

from xds.control.cli import offline, option, screen
from xds.control.cli.asking import ask, missing
from xds.model import Severity
from xds.server import view


@click.command(
    epilog=option.examples(
        "legation status",
        "legation status gateway.yaml routes/",
        "legation status -o json | jq '.objects[] | select(.well | not)'",
    )
)
@option.paths
@option.config
@option.admin
@option.output("table", "json")
def status(*, paths: tuple[str, ...], config: str | None, admin: str, output: str) -> None:
    """Show how every object is, and why.

    For an object that is well it says what the object does, for any other why it does not. Asks a running
    legation. With PATHs, or --config, it asks nobody and works out what the files would mean: then nothing is
    known of proxies and of what they would refuse.

    Exit code: 0 all is well, 1 something is not, 2 nobody could be asked.
    """
    told = _read(paths, config) if paths or config else _ask(admin)
    if output == "json":
        click.echo(screen.as_json(told))
    else:
        _show(told)
    raise SystemExit(0 if _well(told) else 1)


def _read(paths: tuple[str, ...], config: str | None) -> dict[str, Any]:
    reading = offline.read(option.to_read(paths, config))
    objects = view.statuses(reading.statuses)
    return {"waiting": [], "objects": objects, "diagnostics": view.diagnostics(reading.diagnostics)}


def _ask(admin: str) -> dict[str, Any]:
    return {"waiting": missing(admin), "objects": ask(admin, "/status"), "diagnostics": ask(admin, "/diagnostics")}


def _well(told: Mapping[str, Any]) -> bool:
    errors = any(one["severity"] == Severity.ERROR for one in told["diagnostics"])
    return not told["waiting"] and not errors and all(one["well"] for one in told["objects"])


def _show(told: Mapping[str, Any]) -> None:
    for line in told["waiting"]:
        click.echo(f"Not ready: {line}.")
    if told["objects"]:
        screen.table(("OBJECT", "STATE", "WHAT"), [row for one in told["objects"] for row in _rows(one)])
    else:
        click.echo("There are no objects.")
    if told["diagnostics"]:
        click.echo()
    for one in told["diagnostics"]:
        click.echo(screen.diagnostic(one))


def _rows(one: Mapping[str, Any]) -> list[Sequence[str]]:
    """One row for an object that is well; one for every reason why it is not."""
    if one["well"]:
        return [(one["object"], "well", one["summary"])]
    reasons = [_reason(failing) for failing in one["failing"]]
    return [(one["object"], "not well", reasons[0]), *(("", "", reason) for reason in reasons[1:])]


def _reason(failing: Mapping[str, str]) -> str:
    part = f"{failing['part']}: " if failing["part"] else ""
    message = f": {failing['message']}" if failing["message"] else ""
    return f"{part}{failing['type']} {failing['reason']}{message}"

"""`legation check`: is anything wrong with what was written?"""

from __future__ import annotations

import click

from xds.control.cli import offline, option, screen
from xds.control.reading import errors
from xds.server import view


@click.command(
    epilog=option.examples(
        "legation check gateway.yaml routes/",
        "legation check -o json routes/ | jq '.diagnostics[].file'",
    )
)
@option.paths
@option.config
@option.output("text", "json")
def check(paths: tuple[str, ...], config: str | None, output: str) -> None:
    """Say everything that is wrong with PATHs.

    Nothing is run. Reads every file and every document in it, checks each object on its own, then translates
    all of them together and tells which are not in force and why: a backend that does not exist, two listeners
    in conflict, a reference without a grant. Each complaint has its file, line and field.

    Exit code: 0 all is well (warnings aside), 1 there are errors, 2 the check could not be made.
    """
    reading = offline.read(option.to_read(paths, config))
    found = reading.complaints
    wrong = len(errors(found))
    shown = view.diagnostics(found)
    objects, warnings = reading.written, len(found) - wrong
    if output == "json":
        counts = {"objects": objects, "errors": wrong, "warnings": warnings}
        click.echo(screen.as_json({**counts, "diagnostics": shown}))
    else:
        for one in shown:
            click.echo(screen.diagnostic(one))
        click.echo(f"{screen.count(objects, 'object')}: {_verdict(wrong, warnings)}")
    raise SystemExit(1 if wrong else 0)


def _verdict(wrong: int, warnings: int) -> str:
    if not wrong and not warnings:
        return "all well"
    return f"{screen.count(wrong, 'error')}, {screen.count(warnings, 'warning')}"

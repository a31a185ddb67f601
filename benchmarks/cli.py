"""`legation bench`: what a control plane costs and how fast it is."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from benchmarks import machine, option
from benchmarks.bench import Bench, Options
from benchmarks.result.page import write
from benchmarks.result.picture import draw
from benchmarks.result.row import Row, in_words
from benchmarks.result.run import Run
from benchmarks.result.table import Sheet
from benchmarks.scenario import SCENARIOS
from benchmarks.scenario.scenario import Scenario
from benchmarks.server.table import Server
from xds.control.cli import screen

errors: Final = Console(stderr=True)

FULL: Final = {"repetitions": 3, "seconds": 5.0}
QUICK: Final = {"repetitions": 1, "seconds": 2.0}
EXAMPLES: Final = """\b
Examples:
  legation bench S3 S6
  legation bench S3 --proxies 100,1000 --server legation --server go-control-plane
  legation bench S4 --target 127.0.0.1:18000 --group edge
  legation bench S3 --server legation --server 'before=python benchmarks/server/legation.py'
  legation bench all --full --page
"""


@click.command(
    short_help="Measure control planes: ours, others, yours.",
    epilog=EXAMPLES + "\n\b\nScenarios:\n" + "\n".join(f"  {one.id:<4} {one.title}" for one in SCENARIOS.values()),
    no_args_is_help=True,
)
@click.argument("scenarios", nargs=-1, required=True, metavar="SCENARIO...")
@option.options
def bench(*, scenarios: tuple[str, ...], **flags: Any) -> None:
    """Measure SCENARIOs, or all of them.

    Servers are started here, told the same, and measured in turn with the same synthetic proxies, which check what they
    are told. An option that is a LIST takes the place of what a scenario's grid says. See benchmarks/RESULTS.md for what
    came of it.

    Exit code: 0 all was measured, 1 something went wrong on the way, 2 nothing could be measured.
    """
    servers = option.servers(*(flags.pop(name) for name in ("server", "target", "group", "on_change")))
    outputs = {name: flags.pop(name) for name in ("file", "pictures", "page")}
    run, faults = asyncio.run(measured(_wanted(scenarios), _options(flags), servers))
    _show(run)
    _write(run, **outputs)
    for fault in faults:
        errors.print(f"[red]Wrong:[/red] {fault}", highlight=False, soft_wrap=True)
    raise SystemExit(1 if faults else 0)


def _options(flags: dict[str, Any]) -> Options:
    only = {name: values for name in option.DIMENSIONS if (values := flags.pop(name)) is not None}
    defaults = FULL if flags["full"] else QUICK
    return Options(**{**flags, **{name: flags[name] or value for name, value in defaults.items()}}, only=only)


async def measured(
    scenarios: Sequence[Scenario], options: Options, servers: Mapping[str, Server]
) -> tuple[Run, Sequence[str]]:
    """Measures, with a progress bar; the run, and what went wrong in it."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    rows: list[Row] = []
    with Progress(*columns, console=errors, transient=True) as progress:
        it = Bench(options, servers, progress)
        for one in scenarios:
            rows += await one.measure(it)
    versions = {**machine.versions(), **it.versions}
    run = Run(machine.facts(), versions, machine.commit(), options.seed, tuple(rows), tuple(it.notes))
    return run, it.faults


def _show(run: Run) -> None:
    """Prints a run: where it was made, and a table for each scenario."""
    for told in (run.machine, run.versions, {"commit": run.commit, "seed": str(run.seed)}):
        click.echo(", ".join(f"{name} {value}" for name, value in told.items()))
    for note in run.notes:
        click.echo(note)
    for id_ in dict.fromkeys(row.scenario for row in run.rows):
        rows = [row for row in run.rows if row.scenario == id_]
        sheet, runs = Sheet.of(rows), max(len(row.samples) for row in rows)
        click.echo(f"\n{click.style(f'{id_} {SCENARIOS[id_].title}', bold=True)}")
        click.echo("; ".join(filter(None, [in_words(sheet.common), f"medians of {screen.count(runs, 'run')}"])) + "\n")
        screen.table(sheet.head, sheet.lines)


def _write(run: Run, *, file: Path | None, pictures: Path | None, page: bool) -> None:
    if file is not None:
        file.write_bytes(run.as_json())
    if pictures is not None:
        draw(run, pictures)
    if page:
        write(run, {one.id: one.title for one in SCENARIOS.values()})


def _wanted(names: Sequence[str]) -> list[Scenario]:
    if "all" in names:
        return list(SCENARIOS.values())
    if unknown := [name for name in names if name.upper() not in SCENARIOS]:
        raise click.UsageError(f"there is no scenario {unknown[0]!r}: there are {', '.join(SCENARIOS)}, and all")
    return [SCENARIOS[name.upper()] for name in dict.fromkeys(names)]

"""`legation bench`: what a control plane costs and how fast it is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from pathlib import Path
from typing import Any, Final

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from benchmarks import machine
from benchmarks.bench import Bench, Options
from benchmarks.result.picture import draw, without_matplotlib
from benchmarks.result.row import Row, in_words
from benchmarks.result.run import Run
from benchmarks.result.table import Sheet
from benchmarks.scenario import SCENARIOS
from benchmarks.scenario.scenario import Scenario
from benchmarks.server.table import SERVERS, Server
from xds.control.cli import screen

console: Final = Console()
errors: Final = Console(stderr=True)

DIMENSIONS: Final[Mapping[str, tuple[type, str]]] = {
    "proxies": (int, "How many proxies are connected."),
    "resources": (int, "How many resources there are."),
    "type": (str, "Short types: cds, eds, lds, rds."),
    "dialect": (str, "delta, sotw."),
    "changed": (int, "How many resources one change changes."),
    "holding": (str, "What returning proxies hold: all, nothing."),
    "stuck": (str, "Who is stuck: nobody, mute, deaf."),
    "routes": (int, "How many HTTPRoutes there are."),
    "envoys": (int, "How many real Envoys there are."),
}
"""Parameter of a grid -> the type of its values, and what they are."""


def listed(of_type: type) -> Callable[[click.Context, click.Parameter, str | None], tuple[Any, ...] | None]:
    """Reads a list such as `100,1000`."""

    def read(_: click.Context, __: click.Parameter, value: str | None) -> tuple[Any, ...] | None:
        try:
            return value if value is None else tuple(of_type(one) for one in value.split(","))
        except ValueError:
            raise click.BadParameter(f"{value!r} is no list such as 100,1000") from None

    return read


def chosen(_: click.Context, __: click.Parameter, value: tuple[str, ...]) -> dict[str, Server]:
    """The servers of --server: names of the table, or NAME=COMMAND."""
    return dict(map(_server, value)) or dict(SERVERS)


def _server(text: str) -> tuple[str, Server]:
    name, equals, command = text.partition("=")
    if equals:
        return name, Server(command)
    if name not in SERVERS:
        raise click.BadParameter(f"there is no server {name!r}: there are {', '.join(SERVERS)}, or give NAME=COMMAND")
    return name, SERVERS[name]


def drawable(_: click.Context, __: click.Parameter, folder: Path | None) -> Path | None:
    """Says before everything is measured, not after, that no pictures can be drawn of it."""
    if folder is not None and (missing := without_matplotlib()):
        raise click.BadParameter(missing)
    return folder


def dimensions(command: Callable[..., Any]) -> Callable[..., Any]:
    """An option for each parameter of the grids."""
    options = [
        click.option(f"--{name}", metavar="LIST", callback=listed(of_type), help=words)
        for name, (of_type, words) in DIMENSIONS.items()
    ]
    return reduce(lambda made, option: option(made), reversed(options), command)


@click.command(
    short_help="Measure control planes: ours, others, yours.",
    epilog="\b\n" + "\n".join(f"{one.id:<4} {one.title}" for one in SCENARIOS.values()),
    no_args_is_help=True,
)
@click.argument("scenarios", nargs=-1, required=True, metavar="SCENARIO...")
@dimensions
@click.option(
    "--server", "servers", multiple=True, metavar="NAME", callback=chosen, help="Measure this one; also NAME=COMMAND."
)
@click.option("--repetitions", type=click.IntRange(1), metavar="N", help="Runs of every cell.  [default: 1; full: 3]")
@click.option("--full", is_flag=True, help="Take the grids of the page: about 25 minutes for all.")
@click.option(
    "--rate", type=click.FloatRange(0), default=0.0, help="Changes a second, in an open loop.  [default: one by one]"
)
@click.option("--seconds", type=click.FloatRange(0.1), default=5.0, show_default=True, help="How long such a loop runs.")
@click.option("--changes", type=click.IntRange(1), default=10, show_default=True, help="How many changes one by one.")
@click.option("--fat-acks", is_flag=True, help="Send the node in every request, as an Envoy does by default.")
@click.option("--pin/--no-pin", "pinned", default=True, help="Give servers and clients a core each, or let them run on any.")
@click.option("--seed", default=1, show_default=True, help="What is chosen by chance is chosen by this.")
@click.option("--json", "file", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Write all results.")
@click.option(
    "--pictures",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    callback=drawable,
    help="Draw pictures.",
)
def bench(
    *,
    scenarios: tuple[str, ...],
    servers: dict[str, Server],
    repetitions: int | None,
    full: bool,
    file: Path | None,
    pictures: Path | None,
    **flags: Any,
) -> None:
    """Measure SCENARIOs, or all of them."""
    only = {name: values for name in DIMENSIONS if (values := flags.pop(name)) is not None}
    options = Options(repetitions=repetitions or (3 if full else 1), full=full, only=only, **flags)
    run, faults = asyncio.run(measured(_wanted(scenarios), options, servers))
    if file is not None:
        file.write_bytes(run.as_json())
    if pictures is not None:
        draw(run, pictures)
    show(run)
    for fault in faults:
        errors.print(f"[red]Wrong:[/red] {fault}", highlight=False)
    raise SystemExit(1 if faults else 0)


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


def show(run: Run) -> None:
    """Prints a run: where it was made, and a table for each scenario."""
    for told in (run.machine, run.versions, {"commit": run.commit, "seed": str(run.seed)}):
        console.print(", ".join(f"{name} {value}" for name, value in told.items()), highlight=False, soft_wrap=True)
    for note in run.notes:
        console.print(note, highlight=False)
    for id_ in dict.fromkeys(row.scenario for row in run.rows):
        sheet = Sheet.of(row for row in run.rows if row.scenario == id_)
        click.echo(f"\n{click.style(f'{id_} {SCENARIOS[id_].title}', bold=True)}")
        click.echo(f"{in_words(sheet.common)}; medians of {_repetitions(run, id_)}\n")
        screen.table(sheet.head, sheet.lines)


def _repetitions(run: Run, scenario: str) -> str:
    most = max(len(row.samples) for row in run.rows if row.scenario == scenario)
    return screen.count(most, "run")


def _wanted(names: Sequence[str]) -> list[Scenario]:
    if "all" in names:
        return list(SCENARIOS.values())
    if unknown := [name for name in names if name.upper() not in SCENARIOS]:
        raise click.UsageError(f"there is no scenario {unknown[0]!r}: there are {', '.join(SCENARIOS)}, and all")
    return [SCENARIOS[name.upper()] for name in names]

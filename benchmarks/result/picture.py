"""Pictures: what the servers did as some number grew, one line a server, as SVG and PNG.

They are drawn with matplotlib, on nothing, in colours that can be read on white and on black. The same run makes the same
SVG, byte for byte.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from textwrap import wrap
from typing import Any, Final

from benchmarks.error import BenchError
from benchmarks.result.row import Row
from benchmarks.result.run import Run


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture: a metric of a scenario against one parameter of its cells, a panel for each of what else they vary in."""

    name: str
    title: str
    scenario: str
    metric: str
    against: str


PICTURES: Final = (
    Picture("latency", "From a change to the last proxy that has it", "S3", "last proxy", "proxies"),
    Picture("p99", "From a change to a proxy that has it: the slowest of 100", "S3", "p99", "proxies"),
    Picture("cpu", "CPU of the server for a push and its ACK", "S6", "CPU per push and ACK", "resources"),
    Picture("memory-proxies", "Memory of the server", "S5", "memory", "proxies"),
    Picture("memory-resources", "Memory of the server for each proxy", "S5", "memory per proxy", "resources"),
)

INK: Final = "#737b84"
STYLES: Final = (("#e8590c", "o"), ("#1c7ed6", "s"), ("#845ef7", "^"), ("#0ca678", "D"), ("#adb5bd", "v"), ("#d6336c", "P"))
"""Colour and marker of the servers, in the order in which a run has them."""

SETTINGS: Final[Mapping[str, Any]] = {
    "svg.hashsalt": "legation",
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.25,
    **dict.fromkeys(
        ("text.color", "axes.labelcolor", "axes.edgecolor", "axes.titlecolor", "xtick.color", "ytick.color", "grid.color"),
        INK,
    ),
}
WIDTH, HEIGHT = 4.4, 3.4
"""Inches of a panel."""
LEAST: Final = 6.4
"""Inches of a picture of one panel."""
ENTRY: Final = 2.2
"""Inches of a server's name above them."""
COLUMNS: Final = 2
CHARACTERS: Final = 21
"""Of the caption, to an inch."""

Place = tuple[tuple[str, str | int], ...]
"""What a cell says beside the parameter that a picture is drawn against."""


def without_matplotlib() -> str | None:
    """What is to be done where there is no matplotlib; None where there is."""
    return None if find_spec("matplotlib") else "pictures are drawn with matplotlib: pip install 'legation[bench]'"


def draw(run: Run, folder: Path) -> list[Path]:
    """Draws every picture that the run has two points for, into a folder, which is made; gives the files.

    Raises BenchError when there is no matplotlib.
    """
    if missing := without_matplotlib():
        raise BenchError(missing)
    from matplotlib import rc_context  # noqa: PLC0415  an optional dependency

    folder.mkdir(parents=True, exist_ok=True)
    with rc_context(dict(SETTINGS)):
        return [file for one in PICTURES if (panels := _panels(one, run.rows)) for file in _drawn(one, panels, run, folder)]


def _panels(picture: Picture, rows: Iterable[Row]) -> dict[Place, list[Row]]:
    """The rows of each panel; a panel shows two points or more."""
    found: dict[Place, list[Row]] = {}
    for row in rows:
        if (row.scenario, row.metric) == (picture.scenario, picture.metric) and picture.against in row.cell:
            place = tuple((name, value) for name, value in row.cell.items() if name != picture.against)
            found.setdefault(place, []).append(row)
    return {place: every for place, every in found.items() if len({row.cell[picture.against] for row in every}) > 1}


def _drawn(picture: Picture, panels: Mapping[Place, Sequence[Row]], run: Run, folder: Path) -> list[Path]:
    from matplotlib.figure import Figure  # noqa: PLC0415  an optional dependency

    columns = min(COLUMNS, len(panels))
    lines = -(-len(panels) // columns)
    figure = Figure(figsize=(max(WIDTH * columns, LEAST), HEIGHT * lines + 1), layout="constrained")
    grid = figure.subplots(lines, columns, squeeze=False, sharey=True).flat
    styles = _styles(row.server for every in panels.values() for row in every)
    common = set.intersection(*map(set, panels))
    for axes, (place, every) in zip(grid, panels.items(), strict=False):
        axes.set_title(_words(one for one in place if one not in common), fontsize="medium", loc="left")
        _panel(axes, picture, every, styles)
    for axes in grid[len(panels) :]:
        axes.remove()
    _frame(
        figure,
        "\n".join(filter(None, [picture.title, _words(sorted(common))])),
        _caption(run, styles, int(figure.get_figwidth() * CHARACTERS)),
    )
    files = [folder / f"{picture.name}.{suffix}" for suffix in ("svg", "png")]
    for file in files:
        figure.savefig(file, dpi=160, transparent=True, metadata={"Date": None} if file.suffix == ".svg" else None)
    return files


def _frame(figure: Any, title: str, caption: str) -> None:
    """What is above the panels, with each server once, and what is below them."""
    lines = {line.get_label(): line for axes in figure.axes for line in axes.get_lines()}
    ncols = int(figure.get_figwidth() / ENTRY)
    legend = figure.legend(lines.values(), lines, title=title, ncols=ncols, loc="outside upper left", frameon=False)
    legend.set(alignment="left")
    legend.get_title().set(fontsize="large")
    figure.supxlabel(caption, x=0.01, ha="left", fontsize="x-small")


def _panel(axes: Any, picture: Picture, rows: Sequence[Row], styles: Mapping[str, tuple[str, str]]) -> None:
    from matplotlib.ticker import LogLocator  # noqa: PLC0415  an optional dependency

    axes.set_xscale("log")
    axes.set_yscale("log")
    for server, (colour, marker) in styles.items():
        points = sorted((int(row.cell[picture.against]), row) for row in rows if row.server == server)
        at = [number for number, _ in points]
        axes.plot(at, [row.median for _, row in points], color=colour, marker=marker, markersize=4, label=server)
        spread = [min(row.samples) for _, row in points], [max(row.samples) for _, row in points]
        axes.fill_between(at, *spread, color=colour, alpha=0.2, linewidth=0)
    ticks = sorted({int(row.cell[picture.against]) for row in rows})
    axes.set_xticks(ticks, [f"{tick // 1000}k" if tick % 1000 == 0 else str(tick) for tick in ticks])
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter("{x:,g}")
    axes.minorticks_off()
    axes.set_xlabel(picture.against)
    if axes.get_subplotspec().is_first_col():
        axes.set_ylabel(rows[0].unit)


def _styles(servers: Iterable[str]) -> dict[str, tuple[str, str]]:
    return {server: STYLES[number % len(STYLES)] for number, server in enumerate(dict.fromkeys(servers))}


def _words(place: Iterable[tuple[str, str | int]]) -> str:
    return ", ".join(f"{value:,} {name}" if isinstance(value, int) else value for name, value in place)


def _caption(run: Run, servers: Iterable[str], width: int) -> str:
    """What was measured, and where: a line a server, one for the machine."""
    told = [f"{server}: {run.versions.get(server, 'of unknown version')}" for server in servers]
    machine = ", ".join(f"{name} {value}" for name, value in run.machine.items())
    return "\n".join(line for one in (*told, machine) for line in wrap(one, width))

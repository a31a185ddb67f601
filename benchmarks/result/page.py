"""The page: a run as Markdown, with its pictures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from benchmarks.result.goal import GOALS
from benchmarks.result.picture import draw
from benchmarks.result.row import in_words
from benchmarks.result.run import Run
from benchmarks.result.table import Sheet

PAGE: Final = Path(__file__).parents[1] / "RESULTS.md"
"""Beside the scenarios; the same as data is RESULTS.json."""

INTRODUCTION: Final = """\
# What it costs, and how fast it is

A run of `legation bench all --full --page`; never edited by hand. Every server is told the same, serves the same proxies,
and runs in turn with the others. A number is the median of the runs; a ratio is the median of the ratios run by run, with
the least and the most in brackets: below 1 is better than the best of the others, unless the unit is one of which more is
better. What a scenario measures, in which cells, and how: `legation bench --help`, and the module of its name in
[`benchmarks/scenario`](scenario). The same as data: [RESULTS.json](RESULTS.json).
"""


def write(run: Run, titles: Mapping[str, str], page: Path = PAGE) -> None:
    """Writes the page, the data and the pictures of a run; `titles` are those of the scenarios, by id. What the page has of
    other scenarios stays, and says so.
    """
    data = page.with_suffix(".json")
    run = run.over(Run.read(data), tuple(titles)) if data.exists() else run
    pictures = [file for file in draw(run, page.with_name("pictures")) if file.suffix == ".svg"]
    page.write_text(as_markdown(run, titles, [f"{one.parent.name}/{one.name}" for one in pictures]))
    data.write_bytes(run.as_json())


def as_markdown(run: Run, titles: Mapping[str, str], pictures: Iterable[str]) -> str:
    """The page of a run."""
    machine = f"{in_words(run.machine)}; commit {run.commit or 'unknown'}{_earlier(run)}, seed {run.seed}."
    versions = [f"- {name}: {version}" for name, version in run.versions.items()]
    goals = table(["", "to reach", "measured", "reached"], [goal.line(run) for goal in GOALS])
    parts = [
        INTRODUCTION,
        "\n".join([machine, "", *versions, *(f"- {note}" for note in run.notes)]),
        f"## To reach\n\n{goals}",
        *(f"![{Path(one).stem}]({one})" for one in pictures),
        *(_section(run, id_, title) for id_, title in titles.items() if any(row.scenario == id_ for row in run.rows)),
    ]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _earlier(run: Run) -> str:
    """Which scenarios were measured before, and when."""
    of: dict[str, list[str]] = {}
    for scenario, commit in run.earlier.items():
        of.setdefault(commit, []).append(scenario)
    return "".join(f" ({', '.join(every)}: {commit or 'unknown'})" for commit, every in of.items())


def table(head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """A table in Markdown."""
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (head, ["---"] * len(head), *lines))


def _section(run: Run, scenario: str, title: str) -> str:
    sheet = Sheet.of(row for row in run.rows if row.scenario == scenario)
    runs = max(len(row.samples) for row in run.rows if row.scenario == scenario)
    common = ", ".join(filter(None, [in_words(sheet.common), f"runs: {runs}"]))
    return f"## {scenario} {title}\n\n{common}\n\n{table(sheet.head, sheet.lines)}"

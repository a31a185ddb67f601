"""The table: what every target showed, one row a behaviour; as JSON for programs and as Markdown for people."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from behaviours import Behaviour, behaviours, groups
from invariants import INVARIANTS, OVER_ALL
from results import Outcome, breaches
from target import Target
from variant import ALL

HERE: Final = Path(__file__).parent
REASONS: Final = 5
"""How many reasons are kept of why a target fails a row."""


class Result(StrEnum):
    """What a target showed of a row: that it does it, that it does not, or that it has no such service. What no case can
    show is not asked; tests elsewhere show it of ours.
    """

    PASS = "pass"
    FAIL = "fail"
    ABSENT = "n/a"
    UNASKED = "not asked"


MARKS: Final[Mapping[Result, str]] = {Result.PASS: "✓", Result.FAIL: "✗", Result.ABSENT: "n/a", Result.UNASKED: ""}


@dataclass(slots=True)
class Cell:
    """One row of one target: the result in each variant, and what went wrong."""

    variants: dict[str, Result] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)

    @property
    def result(self) -> Result:
        """The worst that was seen."""
        found = set(self.variants.values())
        return next((one for one in (Result.FAIL, Result.ABSENT, Result.PASS) if one in found), Result.UNASKED)

    def __str__(self) -> str:
        failing = [variant for variant, result in self.variants.items() if result is Result.FAIL]
        some = f" {', '.join(failing)}" if failing and len(failing) < len(self.variants) else ""
        return MARKS[self.result] + some

    def fail(self, why: str) -> None:
        """Keeps a reason, among not too many."""
        if len(self.failures) < REASONS:
            self.failures.append(why)


@dataclass(frozen=True, slots=True)
class Column:
    """What one target showed."""

    target: Target
    cells: Mapping[str, Cell]

    def totals(self) -> Mapping[str, Counter[Result]]:
        """Level -> how often each result was seen."""
        listed: dict[str, Counter[Result]] = defaultdict(Counter)
        for row in behaviours().values():
            listed[row.level][self.cells[row.id].result] += 1
        return listed


def column(target: Target, outcomes: Sequence[Outcome]) -> Column:
    """A target's column, out of what became of every case."""
    cells = {row: Cell() for row in behaviours()}
    for outcome in outcomes:
        for row in map(str, outcome.case.rows):
            _count(cells[row], behaviours()[row], outcome)
    for row in (*INVARIANTS, *OVER_ALL):
        cells[row].variants["all"] = Result.PASS
    for row, wrong in breaches(outcomes):
        cells[row].variants["all"] = Result.FAIL
        cells[row].fail(wrong)
    return Column(target, cells)


def _count(cell: Cell, row: Behaviour, outcome: Outcome) -> None:
    """Takes one case into the cell of a row, for the variants that the row is about."""
    variant = str(outcome.case.variant)
    if variant not in row.variants:
        return
    if outcome.failure:
        result = Result.ABSENT if outcome.absent and row.optional else Result.FAIL
        cell.fail(f"{outcome.case}: {outcome.failure}")
    else:
        result = Result.PASS
    if cell.variants.get(variant) in (None, Result.PASS):
        cell.variants[variant] = result


def write(columns: Sequence[Column], folder: Path = HERE) -> None:
    """Writes RESULTS.json and RESULTS.md."""
    (folder / "RESULTS.json").write_text(json.dumps(_json(columns), indent=1) + "\n")
    (folder / "RESULTS.md").write_text("\n".join(_markdown(columns)) + "\n")


def _json(columns: Sequence[Column]) -> dict[str, Any]:
    hidden = ("xds", "adapter", "rest")  # ports, other ones each time
    return {
        "targets": [{key: value for key, value in asdict(one.target).items() if key not in hidden} for one in columns],
        "rows": {
            row: {one.target.name: asdict(one.cells[row]) | {"result": one.cells[row].result} for one in columns}
            for row in behaviours()
        },
    }


def _markdown(columns: Sequence[Column]) -> Iterator[str]:
    yield "# What servers show on the wire"
    yield ""
    yield f"Written by `make wire` on {datetime.now(UTC):%Y-%m-%d}; see [README.md](README.md). Not to be edited."
    yield ""
    yield from (
        f"- **{one.target.name}** {one.target.version}{f': {one.target.note}' * bool(one.target.note)}" for one in columns
    )
    yield ""
    yield "✓ in every variant; ✗ in those that are named, or in all; n/a the target has no such service. Where nothing is,"
    yield "no scripted client can ask: tests elsewhere show it of ours, some of them with real Envoys and real gRPC clients."
    yield "M must, S should, P a policy: there, ✓ says that the server chose what we did."
    yield ""
    yield from _totals(columns)
    for letter, title in groups().items():
        yield from ("", f"## {letter}. {title}", "")
        yield from _grid(["", "", "behaviour", "variants", "elsewhere", *(one.target.name for one in columns)])
        yield from (_row(row, columns) for row in behaviours().values() if row.group == letter)


def _totals(columns: Sequence[Column]) -> Iterator[str]:
    yield from _grid(["level", *(one.target.name for one in columns)])
    for level in "MSP":
        counts = [one.totals()[level] for one in columns]
        yield _line([level, *(_sum(count) for count in counts)])


def _sum(count: Counter[Result]) -> str:
    return ", ".join(f"{count[one]} {one}" for one in Result if count[one])


def _row(row: Behaviour, columns: Sequence[Column]) -> str:
    about = f"{row} [source]({row.source})" + (f" *({row.note})*" if row.note else "")
    cells = (str(one.cells[row.id]) for one in columns)
    return _line([row.id, row.level, about, _variants(row), _evidence(row), *cells])


def _variants(row: Behaviour) -> str:
    return "all" if row.group == "T" or len(row.variants) == len(ALL) else " ".join(row.variants)


def _evidence(row: Behaviour) -> str:
    files = dict.fromkeys(one.partition("::")[0] for one in row.evidence)
    return " ".join(f"[{Path(file).stem}](../../{file})" for file in files)


def _grid(titles: Sequence[str]) -> Iterable[str]:
    return _line(titles), _line(["---"] * len(titles))


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(one.replace("|", "\\|") for one in cells) + " |"

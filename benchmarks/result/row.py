"""Rows: what one server was measured to do, or to take, in one cell of one scenario."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import inf
from statistics import median
from typing import Final, NamedTuple

from msgspec import Struct

Cell = Mapping[str, str | int]
"""The parameters of a measurement: `proxies=100, resources=1000, type="cds", dialect="delta"`."""


def in_words(cell: Cell) -> str:
    """A cell as people read it: `proxies=100, type=cds`."""
    return ", ".join(f"{name}={value}" for name, value in cell.items())


HIGHER: Final = frozenset({"updates/s"})
"""The units of which more is better; of all others less is."""


class Row(Struct, frozen=True):
    """One metric of one server in one cell, with a sample for each repetition, in the order in which they were made."""

    scenario: str
    cell: Cell
    server: str
    metric: str
    unit: str
    samples: tuple[float, ...]

    @property
    def median(self) -> float:
        """The sample in the middle."""
        return median(self.samples)

    @property
    def place(self) -> tuple[str, str, str, str]:
        """What it measures, whatever the server."""
        return self.scenario, in_words(self.cell), self.metric, self.unit


class Ratio(NamedTuple):
    """How many times one server's samples are the other's: in the middle, and from the least to the most of all runs."""

    middle: float
    least: float
    most: float


def ratio(one: Row, other: Row) -> Ratio | None:
    """The ratio of two rows of one place, run by run: the runs of servers alternate. None where neither did anything."""
    pairs = [a / b if b else inf for a, b in zip(one.samples, other.samples, strict=False) if a or b]
    return Ratio(median(pairs), min(pairs), max(pairs)) if pairs else None


def best(rows: Iterable[Row]) -> Row | None:
    """The row of one place with the best median; None when there is none."""
    rows = list(rows)
    if not rows:
        return None
    return (max if rows[0].unit in HIGHER else min)(rows, key=lambda row: row.median)

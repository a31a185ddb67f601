"""Goals: what is to be reached, and whether a run reached it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from benchmarks.result.row import Cell, Ratio, Row, best, ratio
from benchmarks.result.run import Run
from benchmarks.result.table import number
from benchmarks.server.table import OURS

PEER: Final = "the best peer"


@dataclass(frozen=True, slots=True)
class Goal:
    """One goal: of ours a `metric` in a cell that has these parameters, which must not exceed a `limit` (or with `least`,
    not fall below it). It is a ratio when it is `against` something: the best of the others, or ours in another cell.
    """

    what: str
    scenario: str
    metric: str
    cell: Cell
    limit: float
    against: str | Cell = ""
    least: bool = False

    def measured(self, run: Run) -> Ratio | None:
        """What a run found: in the middle, and from the least to the most; None when it did not measure it."""
        here = self._rows(run, self.cell)
        ours = next((row for row in here if row.server == OURS), None)
        if ours is None:
            return None
        if not self.against:
            return Ratio(ours.median, min(ours.samples), max(ours.samples))
        other = self._other(run, here)
        return ratio(ours, other) if other else None

    def is_reached(self, found: Ratio) -> bool:
        """Whether this reaches it, in the middle."""
        return found.middle >= self.limit if self.least else found.middle <= self.limit

    def line(self, run: Run) -> list[str]:
        """What, to reach, measured, reached; as text."""
        found, unit = self.measured(run), self._unit(run)
        limit = f"{'>=' if self.least else '<='} {number(self.limit, unit)}"
        if found is None:
            return [self.what, limit, "not measured", ""]
        middle, least, most = (number(value, unit) for value in found)
        spread = f" ({least}..{most})" if least != most else ""
        return [self.what, limit, middle + spread, "yes" if self.is_reached(found) else "no"]

    def _other(self, run: Run, here: Iterable[Row]) -> Row | None:
        if isinstance(self.against, str):
            return best(row for row in here if row.server != OURS)
        return next((row for row in self._rows(run, {**self.cell, **self.against}) if row.server == OURS), None)

    def _rows(self, run: Run, cell: Cell) -> list[Row]:
        return [
            row
            for row in run.rows
            if (row.scenario, row.metric) == (self.scenario, self.metric) and cell.items() <= row.cell.items()
        ]

    def _unit(self, run: Run) -> str:
        return next((row.unit for row in self._rows(run, self.cell) if not self.against), "")


ONE: Final[Cell] = {"resources": 1000, "type": "cds", "changed": 1, "dialect": "delta"}
TEN: Final[Cell] = {**ONE, "changed": 10}
SMALL: Final[Cell] = {**ONE, "resources": 10}
ALL: Final[Cell] = {**ONE, "dialect": "sotw"}
STORM: Final[Cell] = {"proxies": 5000, "holding": "all"}
STUCK: Final[Cell] = {"proxies": 1000, "dialect": "delta"}
MANY: Final[Cell] = {"proxies": 500, "resources": 1000, "dialect": "delta"}
ROUTES: Final[Cell] = {"routes": 3000, "envoys": 1, "shape": "plain", "of a file": 1}
LAST: Final = "last proxy"

GOALS: Final = (
    Goal("1 of 1,000 clusters changed, 500 proxies, delta: ratio", "S3", LAST, {**ONE, "proxies": 500}, 0.5, PEER),
    Goal("the same, 1,000 proxies: ratio", "S3", LAST, {**ONE, "proxies": 1000}, 0.5, PEER),
    Goal("the same: p99", "S3", "p99", {**ONE, "proxies": 1000}, 50.0),
    Goal("10 of 1,000 clusters changed, 500 proxies, delta: ratio", "S3", LAST, {**TEN, "proxies": 500}, 1.0, PEER),
    Goal("the same, 1,000 proxies: ratio", "S3", LAST, {**TEN, "proxies": 1000}, 1.0, PEER),
    Goal("1 of 10 clusters changed, 1,000 proxies, delta: ratio", "S3", LAST, {**SMALL, "proxies": 1000}, 1.0, PEER),
    Goal("1 of 1,000 clusters changed, 500 proxies, SotW: ratio", "S3", LAST, {**ALL, "proxies": 500}, 0.6, PEER),
    Goal("CPU of a push and its ACK, delta, 300 bytes", "S6", "CPU per push and ACK", {**ONE, "proxies": 1000}, 35.0),
    Goal("the same: ratio", "S6", "CPU per push and ACK", {**ONE, "proxies": 1000}, 1.0, PEER),
    Goal("cold start, 500 proxies x 1,000 clusters, delta: ratio", "S4", "all proxies", MANY, 0.5, PEER),
    Goal("memory of a connected proxy, 1,000 resources", "S5", "memory per proxy", MANY, 15.0),
    Goal("5,000 proxies reconnect, nothing changed", "S7", "all settled", STORM, 10.0),
    Goal("the same: refused or reset", "S7", "refused or reset", STORM, 0),
    Goal("the same: sent", "S7", "sent", STORM, 5.0),
    Goal("endpoint updates a second, 1,000 proxies: ratio", "S8", "sustained", {"proxies": 1000}, 1.0, PEER, least=True),
    Goal("route ready among 3,000, one Envoy: p50", "S9", "p50", ROUTES, 60.0),
    Goal("the same in Kubernetes, once it is created: mean", "K1", "mean", {"routes": 3000}, 75.0),
    Goal("p99 of others, one mute: ratio to none", "S13", "p99", {**STUCK, "stuck": "mute"}, 1.25, {"stuck": "nobody"}),
    Goal("p99 of others, one deaf: ratio to none", "S13", "p99", {**STUCK, "stuck": "deaf"}, 1.25, {"stuck": "nobody"}),
)
"""What `legation bench all --full` is to reach; ratios are to the best of the others, unless they say to what."""

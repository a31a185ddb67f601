"""What a scenario is, and the kind that most are: the same measurement in every cell of a grid, for every server."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from benchmarks.bench import Bench, Concerns, Grids, Measure, Options
from benchmarks.result.row import Row
from benchmarks.server.table import OURS, Server


class Scenario(Protocol):
    """Something to measure. `quick` is its grid unless another is asked for, `full` the one of the page."""

    @property
    def id(self) -> str:
        """What it is called on the command line: `S3`."""
        ...

    @property
    def title(self) -> str:
        """What it measures, in a few words."""
        ...

    @property
    def quick(self) -> Grids:
        """The cells that take a few seconds."""
        ...

    @property
    def full(self) -> Grids:
        """The cells of the page."""
        ...

    async def measure(self, bench: Bench) -> list[Row]:
        """Measures every server in every cell."""
        ...


def ours(name: str, _: Server) -> bool:
    """Concerns ours alone: what is measured is no protocol, but what a whole control plane makes of its configuration."""
    return name == OURS


def streamed(_: str, server: Server) -> bool:
    """Concerns who keeps streams open: one that is polled has nothing to push, and nothing made ahead."""
    return not server.polled


def started(name: str, server: Server) -> bool:
    """Concerns who is started here, so that it can be killed and looked into."""
    return streamed(name, server) and not server.foreign


@dataclass(frozen=True, slots=True)
class Gridded:
    """A scenario that measures one server that it concerns in one cell after the other, `most` times each at most.
    `missing` says in words what it needs and is lacking, here or in the options; None when nothing is.
    """

    id: str
    title: str
    quick: Grids
    full: Grids
    figures: Measure
    concerns: Concerns = started
    missing: Callable[[Options], str | None] = lambda _: None
    most: int = 1_000

    async def measure(self, bench: Bench) -> list[Row]:
        """Measures every server in every cell, in turns; where something is missing, a note says so instead."""
        if (lacking := self.missing(bench.options)) is not None:
            bench.notes.append(f"{self.id} is not measured: {lacking}")
            return []
        cells = bench.cells(self.quick, self.full)
        return await bench.rows(self.id, cells, self.figures, concerns=self.concerns, most=self.most)

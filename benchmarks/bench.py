"""The bench that scenarios are measured on: its servers, its options, its order of work."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from itertools import product
from typing import NamedTuple, TypeAlias

from msgspec import Struct
from rich.progress import Progress

from benchmarks import machine
from benchmarks.error import BenchError
from benchmarks.result.row import Cell, Row, in_words
from benchmarks.server.program import Program, program
from benchmarks.server.table import Server

Grid: TypeAlias = Mapping[str, Sequence[str | int]]
"""Parameter -> its values: all combinations are cells."""
Grids: TypeAlias = Sequence[Grid]


class Metric(NamedTuple):
    """What a number says, and its unit."""

    name: str
    unit: str


Figures: TypeAlias = Mapping[Metric, float]
"""What one repetition found."""


class Options(Struct, frozen=True):
    """How scenarios are measured.

    `repetitions` of every cell; `full` takes the grids of the page. `only` are values of parameters that take the place of
    the grids'. `rate` is how many changes a second are made in an open loop for `seconds`; 0 makes `changes` single ones,
    each when the one before has reached every proxy. With `fat_acks` a node is in every request. `pinned` gives servers
    and clients a core each. `kubeconfig` is the file that leads to a Kubernetes API server, for the scenarios that need one.
    """

    repetitions: int = 1
    full: bool = False
    seed: int = 1
    only: Mapping[str, tuple[str | int, ...]] = {}
    rate: float = 0.0
    seconds: float = 5.0
    changes: int = 10
    fat_acks: bool = False
    pinned: bool = True
    kubeconfig: str | None = None


Measure: TypeAlias = Callable[["Bench", str, Cell, int], Awaitable[Figures]]
"""Measures a server by its name in a cell, the so-manieth time (from 0)."""


Concerns: TypeAlias = Callable[[str, Server], bool]
"""Whether a scenario is for a server, by its name and how it is started."""


def everyone(_: str, __: Server) -> bool:
    """It is for all of them."""
    return True


class Bench:
    """Runs servers, and measures them in turns. `notes` gathers what was left out and why, `faults` what went wrong,
    `versions` those of the servers that ran, and `found` what two scenarios share.
    """

    def __init__(self, options: Options, servers: Mapping[str, Server], progress: Progress) -> None:
        self.options, self.progress = options, progress
        self.notes: list[str] = []
        self.faults: list[str] = []
        self.versions: dict[str, str] = {}
        self.found: dict[Hashable, Figures] = {}
        self.server_core, self.client_core = machine.cores(pinned=options.pinned)
        self.servers = {name: one for name, one in servers.items() if not self._is_missing(name, one)}

    def cells(self, quick: Grids, full: Grids) -> list[Cell]:
        """The cells of the grids that the options ask for, each once."""
        only = self.options.only
        grids = [
            {name: only.get(name, values) for name, values in grid.items()}
            for grid in (full if self.options.full else quick)
        ]
        cells = [dict(zip(grid, values, strict=True)) for grid in grids for values in product(*grid.values())]
        return list({tuple(cell.items()): cell for cell in cells}.values())

    async def rows(
        self, scenario: str, cells: Iterable[Cell], measure: Measure, *, concerns: Concerns = everyone, most: int = 1_000
    ) -> list[Row]:
        """Measures every server that the scenario concerns in every cell in which it can take part, one repetition of each
        after the other; no more than `most`, where more would find the same.
        """
        able = [name for name, server in self.servers.items() if concerns(name, server)]
        todo = [(cell, names) for cell in cells if (names := [name for name in able if self._can(name, cell)])]
        repetitions = min(self.options.repetitions, most)
        runs = sum(len(names) for _, names in todo) * repetitions
        task = self.progress.add_task(scenario, total=runs)
        found: list[Row] = []
        for cell, names in todo:
            samples: dict[tuple[str, Metric], list[float]] = {}
            for repetition, name in product(range(repetitions), names):
                where = f"{scenario} {in_words(cell)}, {name}"
                self.progress.update(task, description=where)
                for metric, value in (await self._try(where, measure(self, name, cell, repetition))).items():
                    samples.setdefault((name, metric), []).append(value)
                self.progress.advance(task)
            found += [Row(scenario, cell, name, *metric, tuple(every)) for (name, metric), every in samples.items()]
        return found

    async def _try(self, where: str, measuring: Awaitable[Figures]) -> Figures:
        """What was measured; nothing where the server did what it must not, which is told at the end."""
        try:
            return await measuring
        except BenchError as error:
            self.faults.append(f"{where}: {error}")
            return {}

    def _can(self, name: str, cell: Cell) -> bool:
        server = self.servers[name]
        return cell.get("dialect") in (None, *server.dialects) and int(cell.get("proxies", 0)) <= server.most

    def _is_missing(self, name: str, server: Server) -> bool:
        if (lacking := server.missing()) is not None:
            self.notes.append(f"{name} is not measured: {lacking}")
        return lacking is not None

    @asynccontextmanager
    async def server(self, name: str, *, port: int = 0) -> AsyncIterator[Program]:
        """A fresh server inside the `async with`; port 0 takes any free one."""
        one = self.servers[name]
        command = f"{one.command} {one.port} {port}" if port else one.command
        async with program(name, command, core=self.server_core) as running:
            self.versions[name] = f"{running.version} {running.note}".strip()
            yield running

"""What most scenarios begin with: a fresh server that serves one group, and the proxies of it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from benchmarks import machine, workload
from benchmarks.bench import Bench
from benchmarks.client.check import Digests, digest
from benchmarks.client.dialect import Ask
from benchmarks.client.fleet import Settled, Terms
from benchmarks.client.process import Clients, clients
from benchmarks.error import BenchError
from benchmarks.result.row import Cell
from benchmarks.server.program import Change, Program
from benchmarks.server.table import Server
from benchmarks.workload import Named
from xds.model.type_url import SHORT_TYPES

WILDCARD: Final = frozenset({"cds", "lds"})
"""The types of which a proxy asks for all; of others it asks by name."""
QUIET: Final = 0.05
"""Seconds in which a server that has nothing to do uses next to nothing."""
IDLE: Final = 0.02
"""The part of that time that it may use all the same."""
STEADY: Final = 1.0
"""Seconds in which the memory of a server that is done grows or shrinks next to nothing."""
LOOKS: Final = 40
"""How often a server is looked at, which may never come to rest."""


@dataclass(slots=True)
class Stand:
    """A server, how it was started (`entry`), its proxies, and `state`: what it is told to serve, by short type and index.
    Changes go around all resources of a type, in an order of chance.
    """

    bench: Bench
    cell: Cell
    entry: Server
    server: Program
    clients: Clients
    state: dict[tuple[str, int], Named] = field(default_factory=dict)
    change_number: int = 0

    def number(self, parameter: str) -> int:
        """A parameter of the cell."""
        return int(self.cell[parameter])

    async def set(self, **counts: int) -> None:
        """Serves so many resources of each type, and says first who is to come."""
        await self.server.nodes([f"{self.entry.group}-{number}" for number in range(self.number("proxies"))])
        await self.set_for_nobody(**counts)

    async def set_for_nobody(self, **counts: int) -> None:
        """The same, without a word about who is to come."""
        self.state = {(short, index): workload.resource(short, index) for short, n in counts.items() for index in range(n)}
        await self.server.set(self.entry.group, self.state.values())

    async def connect(self) -> Settled:
        """Connects the proxies, and returns when they have everything. Raises BenchError when one had to try again."""
        options, server = self.bench.options, self.server
        xds, dialect = (
            (server.xds, str(self.cell["dialect"])) if server.xds else (server.rest.removeprefix("http://"), "rest")
        )
        terms = Terms(xds, self.entry.group, dialect, self.number("proxies"), fat_acks=options.fat_acks, seed=options.seed)
        settled = await self.clients.connect(terms, self.asks())
        if settled.endings:
            raise BenchError("; ".join(f"{times} x {why}" for why, times in settled.endings.items()))
        return settled

    def asks(self) -> list[Ask]:
        """What a proxy asks for, one after the other: all that there is, as far as it is known."""
        if self.entry.foreign:
            return [Ask(SHORT_TYPES[short]) for short in sorted(WILDCARD) if (short, 0) in self.state]
        shorts = dict.fromkeys(short for short, _ in self.state)
        return [self._ask(short, [one.name for (of, _), one in self.state.items() if of == short]) for short in shorts]

    @staticmethod
    def _ask(short: str, names: Sequence[str]) -> Ask:
        return Ask(SHORT_TYPES[short], () if short in WILDCARD else tuple(names), len(names))

    def next_change(self, short: str, changed: int) -> list[Named]:
        """So many resources as the next change leaves them."""
        self.change_number += 1
        count = sum(of == short for of, _ in self.state)
        order = random.Random(self.bench.options.seed).sample(range(count), count)
        indices = [order[(self.change_number * changed + one) % count] for one in range(changed)]
        made = {(short, index): workload.resource(short, index, self.change_number) for index in indices}
        self.state |= made
        return list(made.values())

    async def change(self, short: str, changed: int) -> Change:
        """Makes a change; returns when every proxy has it."""
        done = await self.server.update(self.entry.group, self.next_change(short, changed))
        await self.clients.reach(self.change_number)
        return done

    async def verify(self) -> None:
        """Raises BenchError unless the proxies hold what was set, and were told nothing wrong on the way."""
        await self.clients.verify(self.digests())

    def digests(self) -> Digests:
        """What a proxy is to hold; nothing is known of a foreign server."""
        if self.entry.foreign:
            return {}
        held: dict[str, dict[str, str]] = {}
        for one in self.state.values():
            held.setdefault(one.type_url, {})[one.name] = digest(one.type_url, one.value)
        return held

    async def quiet(self) -> float:
        """The CPU seconds that the server has used, when it has done what there was to do."""
        used = self.server.cpu_seconds()
        for _ in range(LOOKS):
            await asyncio.sleep(QUIET)
            before, used = used, self.server.cpu_seconds()
            if used - before < QUIET * IDLE:
                break
        return used

    async def collected(self) -> int:
        """PSS in bytes of the server, when it has collected its garbage and grows and shrinks no more."""
        await self.server.collect()
        now = self.server.memory()
        for _ in range(LOOKS):
            await asyncio.sleep(STEADY)
            before, now = now, self.server.memory()
            if abs(now - before) < now / 500:
                break
        return now


@asynccontextmanager
async def proxies(bench: Bench, cell: Cell) -> AsyncIterator[Clients]:
    """A client's process for as many proxies inside the `async with`; this program keeps to its core, too."""
    machine.allow(int(cell["proxies"]))
    with machine.kept_to(bench.client_core):
        async with clients(core=bench.client_core) as one:
            yield one


@asynccontextmanager
async def stand(bench: Bench, name: str, cell: Cell) -> AsyncIterator[Stand]:
    """A fresh server of this name, and a client's process, inside the `async with`."""
    async with proxies(bench, cell) as those, bench.server(name) as server:
        yield Stand(bench, cell, bench.servers[name], server, those)

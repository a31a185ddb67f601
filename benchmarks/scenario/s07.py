"""S7: the reconnect storm. The server is killed and started again; all proxies come back at once, with what they hold or
with nothing.

A proxy that holds everything has nothing to be sent: it asks for one resource more, which it never had, and is settled when
that has come. The storm begins when the new server has its state: how long it takes to start is not in it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from benchmarks import machine
from benchmarks.bench import Bench, Figures, Grids, Metric
from benchmarks.client.dialect import Ask
from benchmarks.result.row import Cell
from benchmarks.scenario.scenario import Gridded
from benchmarks.scenario.stand import Stand, proxies
from benchmarks.server.program import Program

SETTLED: Final = Metric("all settled", "s")
P99: Final = Metric("p99", "s")
SENT: Final = Metric("sent", "MB")
PEAK: Final = Metric("peak memory", "MB")
TROUBLE: Final = Metric("refused or reset", "")
CPU: Final = Metric("CPU per proxy", "ms")

LOOK: Final = 0.05
"""Seconds between two looks at the memory."""

QUICK: Final[Grids] = ({"proxies": (200,), "resources": (1000,), "holding": ("all", "nothing"), "dialect": ("delta",)},)
FULL: Final[Grids] = (
    {"proxies": (1000,), "resources": (1000,), "holding": ("all", "nothing"), "dialect": ("delta",)},
    {"proxies": (5000,), "resources": (1000,), "holding": ("all",), "dialect": ("delta",)},
)


async def figures(bench: Bench, name: str, cell: Cell, _: int) -> Figures:
    """How the storm went, and what it took."""
    port = machine.unused_port()
    async with proxies(bench, cell) as those:
        async with bench.server(name, port=port) as server:
            one = Stand(bench, cell, bench.servers[name], server, those)
            await one.set(cds=one.number("resources"), rds=1)
            await one.connect()
            server.kill()
        async with bench.server(name, port=port) as one.server:
            await one.set(cds=one.number("resources"), rds=1)
            before = await one.quiet()
            async with highest_memory(one.server) as peak:
                settled = await those.reconnect(_asks(one))
            used = await one.quiet() - before
            await one.verify()
    return {
        SETTLED: settled.times.max / 1e9,
        P99: settled.times.p99 / 1e9,
        SENT: settled.bytes / 1e6,
        PEAK: max(peak) / 1e6,
        TROUBLE: sum(settled.endings.values()),
        CPU: 1e3 * used / one.number("proxies"),
    }


def _asks(one: Stand) -> list[Ask]:
    """The clusters, which may be held; and the route, which is not."""
    clusters, route = one.asks()
    if one.cell["holding"] == "nothing":
        return [clusters, route]
    return [Ask(clusters.type_url, waits=False, returning=True), route]


@asynccontextmanager
async def highest_memory(server: Program) -> AsyncIterator[list[int]]:
    """The PSS that the server had at most inside the `async with`, as a list of what was seen."""
    seen = [server.memory()]

    async def look() -> None:
        while True:
            await asyncio.sleep(LOOK)
            seen.append(server.memory())

    looking = asyncio.create_task(look())  # a group would wrap what is raised in the block
    try:
        yield seen
    finally:
        looking.cancel()
        await asyncio.wait([looking])


S7: Final = Gridded(
    "S7", "reconnect storm: the server is killed, and all proxies come back at once", QUICK, FULL, figures, most=2
)

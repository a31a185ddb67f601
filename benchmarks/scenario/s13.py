"""S13: a stuck proxy. One accepts nothing any more, or does not even read; the others must not feel it."""

from __future__ import annotations

from typing import Final

from benchmarks.bench import Bench, Figures, Grids, Metric
from benchmarks.result.row import Cell
from benchmarks.scenario.propagation import LAST, P99, one_by_one, spread
from benchmarks.scenario.scenario import Gridded
from benchmarks.scenario.stand import stand

GROWTH: Final = Metric("memory grown", "KB")

STUCK: Final = ("nobody", "mute", "deaf")
QUICK: Final[Grids] = (
    {"proxies": (100,), "resources": (1000,), "type": ("cds",), "changed": (1,), "stuck": STUCK, "dialect": ("sotw",)},
)
FULL: Final[Grids] = (
    {"proxies": (1000,), "resources": (1000,), "type": ("cds",), "changed": (1,), "stuck": STUCK, "dialect": ("delta",)},
)


async def figures(bench: Bench, name: str, cell: Cell, _: int) -> Figures:
    """How long the others wait for changes, and what the server keeps for the one that takes nothing."""
    async with stand(bench, name, cell) as one:
        await one.set(**{str(cell["type"]): one.number("resources")})
        await one.connect()
        await one.change(str(cell["type"]), one.number("changed"))
        if cell["stuck"] != "nobody":
            await one.clients.stick(1, deaf=cell["stuck"] == "deaf")
        before = await one.collected()
        found = spread(await one.clients.latencies(await one_by_one(one)))
        grown = await one.collected() - before
        await one.verify()
    return {LAST: found[LAST], P99: found[P99], GROWTH: max(0, grown) / 1e3}


S13: Final = Gridded("S13", "a stuck proxy: what the others feel of one that takes nothing", QUICK, FULL, figures, most=2)

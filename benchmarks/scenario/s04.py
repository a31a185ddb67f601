"""S4: cold start. All proxies connect at once; each asks for clusters, endpoints, a listener and its routes, one after the
other, as an Envoy does.
"""

from __future__ import annotations

from typing import Final

from benchmarks.bench import Bench, Figures, Grids, Metric, everyone
from benchmarks.result.row import Cell
from benchmarks.scenario.scenario import Gridded
from benchmarks.scenario.stand import stand

ALL: Final = Metric("all proxies", "s")
P50: Final = Metric("p50", "s")
CPU: Final = Metric("CPU per proxy", "ms")

QUICK: Final[Grids] = ({"proxies": (100,), "resources": (1000,), "dialect": ("delta", "sotw")},)
FULL: Final[Grids] = (
    {"proxies": (500,), "resources": (1000,), "dialect": ("delta",)},
    {"proxies": (10, 500), "resources": (1000,), "dialect": ("sotw",)},
)


async def figures(bench: Bench, name: str, cell: Cell, _: int) -> Figures:
    """From the first SYN until the last response has come, over all proxies and for one in the middle."""
    async with stand(bench, name, cell) as one:
        await one.set(cds=one.number("resources"), eds=one.number("resources"), lds=1, rds=1)
        before = await one.quiet()
        settled = await one.connect()
        used = await one.quiet() - before
        await one.verify()
    times = settled.times
    costs = {} if one.entry.foreign else {CPU: 1e3 * used / one.number("proxies")}
    return {ALL: times.max / 1e9, P50: times.p50 / 1e9, **costs}


S4: Final = Gridded(
    "S4", "cold start: all proxies connect at once, and get everything", QUICK, FULL, figures, everyone, most=2
)

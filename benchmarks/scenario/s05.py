"""S5: memory. What a connected proxy takes, and what a resource takes."""

from __future__ import annotations

from typing import Final

from benchmarks.bench import Bench, Figures, Grids, Metric
from benchmarks.result.row import Cell
from benchmarks.scenario.scenario import Gridded
from benchmarks.scenario.stand import stand

PROXY: Final = Metric("memory per proxy", "KB")
RESOURCE: Final = Metric("memory per resource", "KB")
WHOLE: Final = Metric("memory", "MB")

QUICK: Final[Grids] = ({"proxies": (200,), "resources": (1000,), "type": ("cds",), "dialect": ("delta",)},)
FULL: Final[Grids] = (
    {"proxies": (100, 500, 1000), "resources": (1000,), "type": ("cds",), "dialect": ("delta",)},
    {"proxies": (500,), "resources": (10, 100), "type": ("cds",), "dialect": ("delta",)},
)


async def figures(bench: Bench, name: str, cell: Cell, _: int) -> Figures:
    """PSS after a collection: of a server that serves nothing, then resources, then to proxies. What a server keeps for a
    proxy that it was told of is the proxy's, too.
    """
    counts = {str(cell["type"]): int(cell["resources"])}
    async with stand(bench, name, cell) as one:
        empty = await one.collected()
        await one.set_for_nobody(**counts)
        loaded = await one.collected()
        await one.set(**counts)
        await one.connect()
        full = await one.collected()
        await one.verify()
    per_proxy, per_resource = (full - loaded) / one.number("proxies"), max(0, loaded - empty) / one.number("resources")
    return {PROXY: per_proxy / 1e3, RESOURCE: per_resource / 1e3, WHOLE: full / 1e6}


S5: Final = Gridded("S5", "memory: what a proxy takes, and a resource", QUICK, FULL, figures, most=1)

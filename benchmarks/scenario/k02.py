"""K2, memory in Kubernetes: what a control plane takes that serves so many HTTPRoutes and has written all their statuses."""

from __future__ import annotations

from typing import Final

from benchmarks import usage
from benchmarks.bench import Bench, Figures, Metric
from benchmarks.gateway.cluster import installed, without_cluster
from benchmarks.result.row import Cell
from benchmarks.scenario.k01 import plain
from benchmarks.scenario.scenario import Gridded, ours


async def figures(bench: Bench, _: str, cell: Cell, __: int) -> Figures:
    """The memory of a control plane that has nothing left to do, and what it took to get there."""
    count = int(cell["routes"])
    async with installed(bench, lambda: plain(range(count))) as it:
        await it.quiet()
        pid = it.site.plane.pid
        return {
            Metric("memory", "MB"): usage.memory(pid) / 1e6,
            Metric("CPU so far", "s"): usage.cpu_seconds(pid),
        }


K2: Final = Gridded(
    "K2",
    "memory in Kubernetes: a control plane with so many HTTPRoutes, at rest",
    quick=({"routes": (0, 1_000)},),
    full=({"routes": (0, 1_000, 5_000)},),
    figures=figures,
    most=1,
    concerns=ours,
    missing=without_cluster,
)

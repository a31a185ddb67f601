"""K3, churn in Kubernetes: every two seconds another pod stands behind a Service that all routes lead to."""

from __future__ import annotations

import asyncio
from typing import Final

from benchmarks import usage
from benchmarks.bench import Bench, Figures, Metric
from benchmarks.gateway.cluster import installed, without_cluster
from benchmarks.result.row import Cell
from benchmarks.scenario.k01 import plain
from benchmarks.scenario.scenario import Gridded, ours

A_MINUTE: Final = 30
"""Changes."""
EVERY: Final = 2.0
"""Seconds from one to the next."""
IDLE: Final = 20.0
"""Seconds in which nothing changes, to compare with."""
PODS: Final = ("192.0.2.10", "192.0.2.11")
"""The addresses that come and go beside the one that is there: nobody has them."""


async def figures(bench: Bench, _: str, cell: Cell, __: int) -> Figures:
    """The CPU time of a control plane, and the share of a core that it is."""
    count, changes = int(cell["routes"]), A_MINUTE * int(cell["minutes"])
    async with installed(bench, lambda: plain(range(count))) as it:
        await it.quiet()
        idle = await it.share(IDLE)
        pid, memory = it.site.plane.pid, usage.memory(it.site.plane.pid)
        before = usage.cpu_seconds(pid)
        for number in range(changes):
            await it.cluster.move("backend", [it.address, PODS[number % 2]], it.site.behind)
            await asyncio.sleep(EVERY)
        spent = usage.cpu_seconds(pid) - before
        return {
            Metric("CPU", "s"): spent,
            Metric("share of a core", "%"): 1e2 * spent / (changes * EVERY),
            Metric("share of a core, idle", "%"): 1e2 * idle,
            Metric("memory grown", "MB"): (usage.memory(pid) - memory) / 1e6,
        }


K3: Final = Gridded(
    "K3",
    "churn in Kubernetes: a pod behind one Service is another every 2 s",
    quick=({"routes": (1_000,), "minutes": (1,)},),
    full=({"routes": (1_000,), "minutes": (10,)},),
    figures=figures,
    most=1,
    concerns=ours,
    missing=without_cluster,
)

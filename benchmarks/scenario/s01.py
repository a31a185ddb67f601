"""S1, snapshot build: messages in memory to resources that are versioned, encoded and ready to send."""

from __future__ import annotations

from statistics import median
from typing import Final

from benchmarks import workload
from benchmarks.bench import Bench, Figures, Metric
from benchmarks.result.row import Cell
from benchmarks.scenario.scenario import Gridded

TIMES: Final = 3
"""Builds of each sort in one repetition, of which the middle one counts."""
COLD, CHANGED = Metric("cold", "ms CPU"), Metric("one change", "ms CPU")


async def figures(bench: Bench, server: str, cell: Cell, _: int) -> Figures:
    """Builds a snapshot of clusters from nothing, and one of which a single cluster differs from the one before."""
    resources = [workload.resource("cds", 0, change=1), *workload.resources("cds", int(cell["resources"]))[1:]]
    async with bench.server(server) as running:
        built = await running.build(resources, TIMES)
    return {COLD: 1e3 * median(built["cold"]), CHANGED: 1e3 * median(built["changed"])}


S1: Final = Gridded(
    "S1",
    "snapshot build: messages in memory -> versioned, encoded, ready to send",
    quick=({"resources": (1_000, 10_000)},),
    full=({"resources": (1_000, 5_000, 10_000, 50_000)},),
    figures=figures,
    most=1,
)

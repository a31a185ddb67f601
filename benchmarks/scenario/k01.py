"""K1, route ready in Kubernetes: an HTTPRoute is created, and from the API server's answer on it is asked for every 5 ms,
until it answers 200.

As gateway-api-bench measures it: all routes lead to one Service, each has a hostname of its own, and statuses are written.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from statistics import mean, median, quantiles
from time import time
from typing import Final, NamedTuple

from benchmarks import usage
from benchmarks.bench import Bench, Figures, Metric
from benchmarks.gateway import manifest
from benchmarks.gateway.cluster import Installed, installed, without_cluster
from benchmarks.gateway.manifest import Document
from benchmarks.result.row import Cell
from benchmarks.scenario.scenario import Gridded, ours

MORE: Final = 50
"""How many new routes there are, one after the other."""
PAUSE: Final = 0.1
"""Seconds between them: nothing of the one before is left to do."""


class Ready(NamedTuple):
    """How one route came, in milliseconds after the API server's answer: until it was published, until it answered."""

    published: float
    answered: float


def plain(numbers: Iterable[int]) -> Iterable[Document]:
    """Routes to the Service `backend`."""
    return (manifest.plain(number, "backend") for number in numbers)


async def figures(bench: Bench, _: str, cell: Cell, __: int) -> Figures:
    """New routes one after the other among many."""
    count = int(cell["routes"])
    async with installed(bench, lambda: plain(range(count))) as it:
        await it.quiet()
        before = usage.cpu_seconds(it.site.plane.pid)
        found = [await _added(it, index) for index in range(count, count + MORE)]
        spent = 1e3 * (usage.cpu_seconds(it.site.plane.pid) - before) / MORE
        errors = it.site.judge(bench)
    answered = [one.answered for one in found]
    hundredths = quantiles(answered, n=100, method="inclusive")
    return {
        Metric("mean", "ms"): mean(answered),
        Metric("p50", "ms"): hundredths[49],
        Metric("p99", "ms"): hundredths[98],
        Metric("max", "ms"): max(answered),
        Metric("created -> published", "ms"): median(one.published for one in found),
        Metric("control plane, a route", "ms CPU"): spent,
        Metric("errors", ""): errors,
    }


async def _added(it: Installed, index: int) -> Ready:
    await asyncio.sleep(PAUSE)
    asked = time()
    created = await it.cluster.create(manifest.plain(index, "backend"))
    answered = await it.site.until_ready(index)
    published, _ = await it.site.plane.live(asked)
    return Ready(1e3 * (published - created), 1e3 * (answered - created))


K1: Final = Gridded(
    "K1",
    "route ready in Kubernetes: the API server has taken a new HTTPRoute -> it answers at an Envoy",
    quick=({"routes": (0, 1_000)},),
    full=({"routes": (0, 1_000, 3_000)},),
    figures=figures,
    most=1,
    concerns=ours,
    missing=without_cluster,
)

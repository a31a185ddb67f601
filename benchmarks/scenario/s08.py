"""S8: endpoint churn. How many updates of endpoints a second there may be until proxies have them late."""

from __future__ import annotations

from math import sqrt
from typing import Final

from benchmarks.bench import Bench, Figures, Grids, Metric
from benchmarks.result.row import Cell
from benchmarks.scenario.propagation import open_loop
from benchmarks.scenario.scenario import Gridded
from benchmarks.scenario.stand import Stand, stand

RATE: Final = Metric("sustained", "updates/s")

LATE: Final = 100_000_000
"""Nanoseconds that the p99 must stay below."""
LEAST: Final = 12.5
MOST: Final = 3200.0
"""Updates a second between which the answer is looked for."""
HALVINGS: Final = 2
"""How often the last step, from a rate that holds to its double, is halved."""

QUICK: Final[Grids] = ({"proxies": (50,), "resources": (1000,), "type": ("eds",), "changed": (1,), "dialect": ("delta",)},)
FULL: Final[Grids] = ({"proxies": (1000,), "resources": (1000,), "type": ("eds",), "changed": (1,), "dialect": ("delta",)},)


async def figures(bench: Bench, name: str, cell: Cell, _: int) -> Figures:
    """The highest rate that was found to hold; 0 where even the least does not."""
    async with stand(bench, name, cell) as one:
        await one.set(eds=one.number("resources"))
        await one.connect()
        await one.change("eds", 1)
        found = await _highest(one)
        await one.verify()
    return {RATE: found}


async def _highest(one: Stand) -> float:
    good, bad = 0.0, LEAST
    while bad <= MOST and await _holds(one, bad):
        good, bad = bad, 2 * bad
    if not good or bad > MOST:
        return good
    for _ in range(HALVINGS):
        middle = sqrt(good * bad)
        good, bad = (middle, bad) if await _holds(one, middle) else (good, middle)
    return good


async def _holds(one: Stand, rate: float) -> bool:
    """Whether proxies have their updates in time at this rate."""
    begun = await open_loop(one, rate, one.bench.options.seconds)
    return (await one.clients.latencies(begun)).every.p99 < LATE


S8: Final = Gridded("S8", "endpoint churn: updates a second with a p99 below 100 ms", QUICK, FULL, figures)

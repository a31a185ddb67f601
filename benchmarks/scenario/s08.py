"""S8: endpoint churn. How many updates of endpoints a second there may be until proxies have them late."""

from __future__ import annotations

from typing import Final

from benchmarks.bench import Bench, Figures, Grids, Metric
from benchmarks.result.row import Cell
from benchmarks.scenario.propagation import NANOSECONDS, open_loop
from benchmarks.scenario.scenario import Gridded, streamed
from benchmarks.scenario.stand import Stand, stand

RATE: Final = Metric("sustained", "updates/s")
P99: Final = Metric("p99 at 8 updates/s", "ms")

LATE: Final = 100_000_000
"""Nanoseconds that the p99 must stay below."""
TRIES: Final = 2
"""How often a rate may try: at few updates a second, a p99 is the slowest of them."""
STEADY: Final = 8.0
"""Updates a second at which all are compared."""
RATES: Final = tuple(2 ** (step / 2 - 1) for step in range(26))
"""Updates a second among which the answer is looked for: 0.5 to 2,896, each 1.4 times the one before."""

QUICK: Final[Grids] = ({"proxies": (50,), "resources": (1000,), "type": ("eds",), "changed": (1,), "dialect": ("delta",)},)
FULL: Final[Grids] = ({"proxies": (1000,), "resources": (1000,), "type": ("eds",), "changed": (1,), "dialect": ("delta",)},)


async def figures(bench: Bench, name: str, cell: Cell, _: int) -> Figures:
    """The highest rate that was found to hold; 0 where even the least does not."""
    async with stand(bench, name, cell) as one:
        await one.set(**{str(cell["type"]): one.number("resources")})
        await one.connect()
        steady = await _p99(one, STEADY)
        found = await _highest(one)
        await one.verify()
    return {RATE: found, P99: steady / NANOSECONDS}


async def _highest(one: Stand) -> float:
    hold, fail = 0, len(RATES)
    while hold < fail:
        middle = (hold + fail) // 2
        hold, fail = (middle + 1, fail) if await _holds(one, RATES[middle]) else (hold, middle)
    return RATES[hold - 1] if hold else 0.0


async def _holds(one: Stand, rate: float) -> bool:
    """Whether proxies have their updates in time at this rate."""
    for _ in range(TRIES):
        if await _p99(one, rate) < LATE:
            return True
    return False


async def _p99(one: Stand, rate: float) -> float:
    """Of what proxies have of updates at this rate: nanoseconds."""
    begun = await open_loop(one, rate, one.bench.options.seconds)
    return (await one.clients.latencies(begun)).every.p99


S8: Final = Gridded("S8", "endpoint churn: updates a second with a p99 below 100 ms", QUICK, FULL, figures, streamed, most=2)

"""Propagation: what a change costs, and how long it takes until every proxy has it. S3 and S6 are its two sides."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from statistics import median
from time import monotonic_ns
from typing import Final

from benchmarks.bench import Bench, Figures, Metric
from benchmarks.client.arrival import Latencies
from benchmarks.result.row import Cell
from benchmarks.scenario.stand import Stand, stand

LAST: Final = Metric("last proxy", "ms")
P50: Final = Metric("p50", "ms")
P99: Final = Metric("p99", "ms")
WORST: Final = Metric("worst", "ms")
CPU: Final = Metric("CPU per push and ACK", "us")
CLIENT: Final = Metric("the client's own CPU", "us")

TIMES: Final = (LAST, P50, P99, WORST)
COSTS: Final = (CPU, CLIENT)
NANOSECONDS: Final = 1_000_000
"""Of a millisecond."""
LEAD: Final = 0.05
"""Seconds until an open loop begins."""


async def times(bench: Bench, name: str, cell: Cell, repetition: int) -> Figures:
    """How long changes took until proxies had them."""
    found = await measured(bench, name, cell, repetition)
    return {metric: found[metric] for metric in TIMES}


async def costs(bench: Bench, name: str, cell: Cell, repetition: int) -> Figures:
    """The server's CPU time for a push and its ACK, and the client's beside it."""
    found = await measured(bench, name, cell, repetition)
    return {metric: found[metric] for metric in COSTS}


async def measured(bench: Bench, name: str, cell: Cell, repetition: int) -> Figures:
    """Both, from one measurement: whoever asks for the other half later is given what there is."""
    key = (name, tuple(cell.items()), repetition)
    if key not in bench.found:
        bench.found[key] = await _measure(bench, name, cell)
    return bench.found[key]


async def _measure(bench: Bench, name: str, cell: Cell) -> Figures:
    async with stand(bench, name, cell) as one:
        short = str(cell["type"])
        await one.set(**{short: one.number("resources")})
        await one.connect()
        await one.change(short, one.number("changed"))  # the first after a start is none of many
        cpu, client, messages = await one.quiet(), await one.clients.cpu_seconds(), await one.clients.messages()
        begun = await (open_loop(one, bench.options.rate, bench.options.seconds) if bench.options.rate else one_by_one(one))
        cpu, client = await one.quiet() - cpu, await one.clients.cpu_seconds() - client
        messages = await one.clients.messages() - messages
        found = await one.clients.latencies(begun)
        await one.verify()
    return {**spread(found), CPU: 1e6 * cpu / messages, CLIENT: 1e6 * client / messages}


def spread(found: Latencies) -> Figures:
    """Latencies as numbers."""
    every, last = found.every, median(found.last.values())
    return {
        metric: value / NANOSECONDS
        for metric, value in ((LAST, last), (P50, every.p50), (P99, every.p99), (WORST, every.max))
    }


async def one_by_one(one: Stand) -> Mapping[int, int]:
    """Changes, each made when the one before has reached everybody: number -> when it was made."""
    begun = {}
    for _ in range(one.bench.options.changes):
        done = await one.change(str(one.cell["type"]), one.number("changed"))
        begun[one.change_number] = done.start
    return begun


async def open_loop(one: Stand, rate: float, seconds: float) -> Mapping[int, int]:
    """So many changes a second, made on time whatever becomes of those before: number -> when it was to be made.

    Returns when all have reached everybody.
    """
    short, changed = str(one.cell["type"]), one.number("changed")
    changes = [(one.next_change(short, changed), one.change_number) for _ in range(max(1, round(rate * seconds)))]
    start = monotonic_ns() + round(1e9 * LEAD)
    begun, answers = {}, []
    for index, (resources, number) in enumerate(changes):
        begun[number] = start + round(1e9 * index / rate)
        await asyncio.sleep(max(0.0, (begun[number] - monotonic_ns()) / 1e9))
        answers.append(one.server.begin_update(one.entry.group, resources))
    for answer in answers:
        await answer
    await one.clients.reach(one.change_number)
    return begun

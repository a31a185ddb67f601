"""The guard: fails when the server needs more than twice the CPU time that it used to, on whatever machine this is.

    make guard          measures against benchmarks/limits.json
    make guard-limits   writes it anew: twice what is measured now

A machine may be fast or slow, and busy besides. So all is CPU time, in units of a loop of plain Python that runs before and
after; and what seems too slow is measured again: a regression stays, noise goes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from time import process_time
from typing import Final, NamedTuple

import click
import msgspec
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from benchmarks.bench import Bench, Options
from benchmarks.result.row import in_words
from benchmarks.scenario import SCENARIOS
from benchmarks.server.table import OURS, SERVERS

LIMITS: Final = Path(__file__).with_name("limits.json")
ROOM: Final = 2.0
"""A limit is so many times what was measured when it was written."""
ATTEMPTS: Final = 3
"""How often something may be measured before it counts as too slow."""
WRITING: Final = 3
"""How often everything is measured for new limits; the least counts."""

ADVICE: Final = """
This is no noise: the least of {attempts} measurements counts, and a limit is twice what was usual. Compare
    legation bench {scenarios}
with what it says at the commit before, and profile what grew. If it has to cost that, write new limits with
    make guard-limits
and say in the commit what is got for it.
"""

Scores = dict[str, float]
"""What was measured -> CPU time, in units of the loop."""


class Guarded(NamedTuple):
    """The metrics of a scenario that are guarded, in the cells that `only` leaves of its quick grid."""

    scenario: str
    only: Mapping[str, tuple[str | int, ...]]
    metrics: tuple[str, ...]


GUARDED: Final = (
    Guarded("S1", {"resources": (1_000,)}, ("cold", "one change")),
    Guarded("S2", {"routes": (1_000,), "shape": ()}, ("cold", "HTTPRoute: a path", "HTTPRoute: a new one", "EndpointSlice")),
    Guarded("S6", {"proxies": (100,), "changed": (1,)}, ("CPU per push and ACK",)),
    Guarded("S7", {"proxies": (500,)}, ("CPU per proxy",)),
)
"""S6 is what the pushes of S3 cost."""

console: Final = Console()


def loop() -> float:
    """Milliseconds of CPU time of a mix of dicts, bytes and numbers: the unit of everything here."""
    start = process_time()
    known: dict[bytes, int] = {}
    for number in range(100_000):
        name = b"resource-%05d" % (number % 10_000)
        known[name] = known.get(name, 0) + len(name) * number & 0xFFFF
    b"".join(sorted(known))
    return 1e3 * (process_time() - start)


async def measured(one: Guarded) -> Scores:
    """The scores of one scenario. Raises SystemExit when our server did what it must not."""
    before = loop()
    with Progress(disable=True) as progress:
        bench = Bench(Options(only=one.only), {OURS: SERVERS[OURS]}, progress)
        rows = await SCENARIOS[one.scenario].measure(bench)
    if bench.faults:
        raise SystemExit("\n".join(bench.faults))
    unit = (before + loop()) / 2
    return {
        f"{row.scenario} {in_words(row.cell)}: {row.metric}": row.median / unit for row in rows if row.metric in one.metrics
    }


async def least(attempts: int, enough: Callable[[Scores], bool]) -> Scores:
    """The least of several measurements; a scenario whose scores are good enough is not measured again."""
    found: Scores = {}
    for one in GUARDED:
        scores: Scores = {}
        for _ in range(attempts):
            now = await measured(one)
            scores = {name: min(score, scores.get(name, score)) for name, score in now.items()}
            if enough(scores):
                break
        found |= scores
    return found


def too_slow(scores: Mapping[str, float], limits: Mapping[str, float]) -> list[str]:
    """What is over its limit, or has none."""
    return [name for name, score in scores.items() if score > limits.get(name, 0.0)]


def show(scores: Mapping[str, float], limits: Mapping[str, float]) -> None:
    """Prints what was measured, beside its limit: room 2 is as it was, below 1 is too slow."""
    table = Table("CPU time, in loops of plain Python", "measured", "limit", "room", box=None)
    for name, score in scores.items():
        limit = limits.get(name, 0.0)
        style = "red" if score > limit else ""
        table.add_row(name, f"{score:.4f}", f"{limit:.4f}", f"{limit / score:.2f}", style=style)
    console.print(table)


def advice(slow: Iterable[str]) -> str:
    """What to do when these are too slow."""
    return ADVICE.format(attempts=ATTEMPTS, scenarios=" ".join(sorted({name.partition(" ")[0] for name in slow})))


@click.command()
@click.option("--write", is_flag=True, help="Write new limits.")
def guard(*, write: bool) -> None:
    """Measure the CPU time of the server against its limits."""
    if write:
        scores = asyncio.run(least(WRITING, lambda _: False))
        limits = {name: round(ROOM * score, 4) for name, score in scores.items()}
        LIMITS.write_bytes(msgspec.json.format(msgspec.json.encode(limits)) + b"\n")
    else:
        limits = msgspec.json.decode(LIMITS.read_bytes(), type=Scores)
        scores = asyncio.run(least(ATTEMPTS, lambda found: not too_slow(found, limits)))
    show(scores, limits)
    if slow := too_slow(scores, limits):
        raise SystemExit(advice(slow))


if __name__ == "__main__":
    guard()

"""S14, containment: one resource among many is refused by a real Envoy; all others come into force, and the author is told.

One file brings a route with a Service of its own and a cluster that Envoy refuses, so that the good and the bad cluster go
out together. Meanwhile a route that was there before must answer 200 whenever it is asked, which is every 5 ms.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from statistics import median
from time import time
from typing import Any, Final, NamedTuple

from benchmarks.bench import Bench, Figures, Metric
from benchmarks.error import BenchError
from benchmarks.gateway import manifest
from benchmarks.gateway.envoy import EVERY, PATIENCE, Probe, probes, without_envoy
from benchmarks.gateway.manifest import Document
from benchmarks.gateway.site import Files, Site, site
from benchmarks.result.row import Cell
from benchmarks.scenario.scenario import Gridded, ours

TIMES: Final = 10
"""Refused resources, one after the other."""
LOOK: Final = 0.05
"""Seconds between two looks at the status page."""
FILE: Final = "change.yaml"

Entry = dict[str, Any]


class Contained(NamedTuple):
    """Milliseconds from the save: until the new route answered, and until the status said what was refused."""

    served: float
    told: float


async def figures(bench: Bench, _: str, cell: Cell, __: int) -> Figures:
    """Brings one refused cluster after the other, each with a good one, among so many clusters."""
    count = int(cell["resources"])

    def files(behind: int) -> Files:
        return ((f"route-{index}.yaml", _own(index, behind)) for index in range(count))

    async with site(bench, files) as it, probes(it.port, it.pids) as (steady,):
        over = asyncio.Event()
        asking = asyncio.ensure_future(_ask(steady, over))
        try:
            found = [await _bring(it, count + number) for number in range(TIMES)]
        finally:
            over.set()
            await asking
        errors = it.judge(bench, steady)
    return {
        **_middle_and_most("saved -> the good ones served", [one.served for one in found]),
        **_middle_and_most("saved -> the refusal in the status", [one.told for one in found]),
        Metric("errors", ""): errors,
    }


def _own(index: int, behind: int) -> list[Document]:
    """A route with a Service of its own."""
    name = f"service-{index}"
    return [manifest.plain(index, name), manifest.service(name), manifest.endpoints(name, ["127.0.0.1"], behind)]


async def _ask(steady: Probe, over: asyncio.Event) -> None:
    """Asks for a route that is always there."""
    while not over.is_set():
        steady.errors += await steady.status(0) != 200
        await asyncio.sleep(EVERY)


async def _bring(it: Site, index: int) -> Contained:
    bad = manifest.bad_cluster(f"bad-{index}")
    saved = it.plane.write(FILE, [*_own(index, it.behind), bad])
    moments = await asyncio.gather(it.until_ready(index), _told(it, bad))
    it.plane.remove(FILE)
    await _until(it, bad, lambda entry: entry is None)
    return Contained(*(1e3 * (moment - saved) for moment in moments))


async def _told(it: Site, bad: Document) -> float:
    """The moment when the status page says that it is refused."""
    await _until(it, bad, lambda entry: entry is not None and not entry["well"])
    return time()


async def _until(it: Site, one: Document, holds: Callable[[Entry | None], bool]) -> None:
    name = f"{one['kind']} {manifest.NAMESPACE}/{one['metadata']['name']}"
    try:
        async with asyncio.timeout(PATIENCE):
            while not holds(await it.plane.status(name)):  # noqa: ASYNC110  a page can only be asked for
                await asyncio.sleep(LOOK)
    except TimeoutError:
        raise BenchError(f"after {PATIENCE:.0f} s the status page did not say of {name} what it must") from None


def _middle_and_most(what: str, taken: list[float]) -> Figures:
    return {Metric(what, "ms"): median(taken), Metric(f"{what}, at most", "ms"): max(taken)}


S14: Final = Gridded(
    "S14",
    "containment: one of many clusters is refused by Envoy",
    quick=({"resources": (1_000,)},),
    full=({"resources": (1_000,)},),
    figures=figures,
    concerns=ours,
    missing=lambda _: without_envoy(),
)

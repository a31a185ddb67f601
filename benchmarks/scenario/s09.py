"""S9, route ready: a file with a new HTTPRoute is saved, and every 5 ms the route is asked for, until it answers 200.

As gateway-api-bench measures it, with files in the place of a Kubernetes cluster. `of a file` says how many routes stand in
one file: 1, or 100 where the new one is added to the others.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from statistics import median, quantiles
from typing import Final, NamedTuple

from benchmarks import usage
from benchmarks.bench import Bench, Figures, Metric
from benchmarks.gateway.envoy import without_envoy
from benchmarks.gateway.manifest import SHAPES, Document
from benchmarks.gateway.site import Files, Site, site
from benchmarks.result.row import Cell
from benchmarks.scenario.scenario import Gridded, ours

MORE: Final = {False: 20, True: 50}
"""How many new routes there are, one after the other: quick, full."""
PAUSE: Final = 0.1
"""Seconds between them: nothing of the one before is left to do."""


class Ready(NamedTuple):
    """How one route came, in milliseconds: until the last Envoy answered; until it was published; from there to the answer,
    and to the last Envoy's ACK.
    """

    whole: float
    published: float
    answered: float
    accepted: float


STAGES: Final[Mapping[str, str]] = {
    "published": "saved -> published",
    "answered": "published -> answered",
    "accepted": "published -> accepted",
}
"""Part of the whole -> what it is called; the middle one of all routes is told."""
SPENT: Final = (
    Metric("translation, a route", "ms"),
    Metric("control plane, a route", "ms CPU"),
    Metric("all Envoys, a route", "ms CPU"),
)
"""What `_spent` tells, by route."""


async def figures(bench: Bench, _: str, cell: Cell, __: int) -> Figures:
    """New routes one after the other among many, each in a file of its own or with others."""
    shape, count, of_a_file = SHAPES[str(cell["shape"])], int(cell["routes"]), int(cell["of a file"])
    routes = [shape(index, "backend") for index in range(count + MORE[bench.options.full])]
    async with site(bench, lambda _: _files(routes[:count], of_a_file), many=int(cell["envoys"])) as it:
        before = await _spent(it)
        found = [await _added(it, index, *_file(routes[: index + 1], of_a_file)) for index in range(count, len(routes))]
        spent = [1e3 * (now - then) / len(found) for then, now in zip(before, await _spent(it), strict=True)]
        errors = it.judge(bench)
    return {
        **{Metric(name, "ms"): value for name, value in _distribution([one.whole for one in found]).items()},
        **{Metric(name, "ms"): median(getattr(one, part) for one in found) for part, name in STAGES.items()},
        **dict(zip(SPENT, spent, strict=True)),
        Metric("errors", ""): errors,
    }


def _files(routes: Sequence[Document], of_a_file: int) -> Files:
    return (_file(routes[:end], of_a_file) for end in range(of_a_file, len(routes) + of_a_file, of_a_file))


def _file(routes: Sequence[Document], of_a_file: int) -> tuple[str, Sequence[Document]]:
    """The file with the last of these routes."""
    number = (len(routes) - 1) // of_a_file
    return f"routes-{number}.yaml", routes[number * of_a_file :]


async def _added(it: Site, index: int, name: str, documents: Sequence[Document]) -> Ready:
    await asyncio.sleep(PAUSE)
    saved = it.plane.write(name, documents)
    answered = await it.until_ready(index)
    published, accepted = await it.plane.live(saved)
    parts = (answered - saved, published - saved, answered - published, accepted - published)
    return Ready(*(1e3 * part for part in parts))


async def _spent(it: Site) -> tuple[float, float, float]:
    """Seconds so far: of translation and publication, which the control plane counts; of its CPU; of that of all Envoys."""
    cpu = usage.cpu_seconds(it.plane.pid), sum(map(usage.cpu_seconds, it.pids))
    return await it.plane.translation_seconds(), *cpu


def _distribution(taken: Sequence[float]) -> Mapping[str, float]:
    hundredths = quantiles(taken, n=100, method="inclusive")
    return {"p50": hundredths[49], "p90": hundredths[89], "p99": hundredths[98], "max": max(taken)}


S9: Final = Gridded(
    "S9",
    "route ready: a file with a new HTTPRoute is saved -> it answers at the last Envoy",
    quick=({"routes": (300,), "envoys": (1,), "shape": ("plain",), "of a file": (1,)},),
    full=(
        {"routes": (300, 3_000), "envoys": (1,), "shape": ("plain",), "of a file": (1,)},
        {"routes": (3_000,), "envoys": (1,), "shape": ("plain",), "of a file": (100,)},
        {"routes": (3_000,), "envoys": (1,), "shape": ("probe",), "of a file": (1,)},
        {"routes": (3_000,), "envoys": (4,), "shape": ("plain",), "of a file": (1,)},
    ),
    figures=figures,
    most=1,
    concerns=ours,
    missing=lambda _: without_envoy(),
)

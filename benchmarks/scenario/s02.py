"""S2, translation: objects that are parsed to xDS resources and statuses, from nothing and after one change.

The shapes named EG are those of Envoy Gateway's own benchmark (test/gobench/translate_test.go), which makes everything anew
for every change: 5.5, 15.9 and 138.9 ms on its authors' machine (envoyproxy/gateway#8951).
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from statistics import median
from time import process_time
from typing import Final

from benchmarks.bench import Bench, Figures, Metric
from benchmarks.gateway import eg, manifest
from benchmarks.gateway.certificate import certificate
from benchmarks.gateway.manifest import Document
from benchmarks.result.row import Cell
from benchmarks.scenario.scenario import Gridded, ours
from sources.gatewayapi import GatewayApi, Settings
from xds.control.heap import growing
from xds.model import Object, Objects, Source

COLD: Final = Metric("cold", "ms CPU")
CHANGES: Final = 20
"""Changes of each sort, of which the middle one counts."""
HTTP, HTTPS = 8080, 8443
OTHER: Final = "other"
"""The namespace of a Service that only a ReferenceGrant opens."""

Change = Callable[[int], Document]
"""The number of a change -> a document that takes the place of another, or is new."""


def world(routes: int) -> Iterator[Document]:
    """A Gateway with HTTP and HTTPS; every route with a Service of its own and two endpoints; one in another namespace."""
    yield manifest.gateway(manifest.listener(HTTP), manifest.listener(HTTPS, "certificate"))
    yield from (_secret(0), manifest.service("granted", OTHER), _grant(0))
    yield _route(routes, "/", backendRefs=[{"name": "granted", "namespace": OTHER, "port": manifest.PORT}])
    for index in range(routes):
        yield from (_route(index, "/"), manifest.service(f"service-{index}"), _endpoints(index, 0))


def changes(routes: int) -> Mapping[str, Change]:
    """What is changed, and how."""
    return {
        "HTTPRoute: a path": lambda number: _route(number * 7 % routes, f"/v{number}"),
        "HTTPRoute: a new one": lambda number: _route(routes + 1 + number, "/"),
        "EndpointSlice": lambda number: _endpoints(number * 7 % routes, number),
        "Secret": _secret,
        "ReferenceGrant": _grant,
    }


def _route(index: int, path: str, **fields: object) -> Document:
    return manifest.route(index, [manifest.rule(f"service-{index}", path, **fields)], sectionName=f"port-{HTTP}")


def _endpoints(index: int, number: int) -> Document:
    block, last = divmod(index, 250)
    return manifest.endpoints(f"service-{index}", [f"{first}.{number % 250}.{block}.{last + 1}" for first in (10, 11)])


@cache
def _certificate(number: int) -> Mapping[str, str]:
    return certificate(f"{number}.example.com")


def _secret(number: int) -> Document:
    return manifest.secret("certificate", _certificate(number % 2))


def _grant(number: int) -> Document:
    """Opens the one Service that is referred to, or another that there is not."""
    return manifest.grant(("granted", "nothing")[number % 2], OTHER)


async def figures(bench: Bench, _: str, cell: Cell, __: int) -> Figures:
    """Translates everything, and then one change after the other with all the rest as it was."""
    if (shape := str(cell.get("shape", ""))) in eg.SHAPES:
        if eg.LEFT_OUT not in bench.notes:
            bench.notes.append(eg.LEFT_OUT)
        return {COLD: _cold(_objects(eg.documents(shape)))}
    routes = int(cell["routes"])
    listed = _objects(world(routes))
    return {COLD: _cold(listed), **_changed(listed, changes(routes))}


def _objects(documents: Iterable[Document]) -> list[Object]:
    return [Object.of(one) for one in documents]


def _cold(listed: Iterable[Object]) -> float:
    milliseconds, _ = _first(GatewayApi(Settings()), listed)
    gc.unfreeze()
    return milliseconds


def _first(source: Source, listed: Iterable[Object]) -> tuple[float, Objects]:
    """The translation of everything, as a Legation that starts makes it."""
    gc.collect()  # the garbage of the run before is not this one's
    with growing():
        return _translated(source, Objects(), listed)


def _changed(listed: Iterable[Object], sorts: Mapping[str, Change]) -> Figures:
    source = GatewayApi(Settings())
    _, view = _first(source, listed)
    found = {}
    for what, change in sorts.items():
        taken = []
        for number in range(1, CHANGES + 1):
            milliseconds, view = _translated(source, view, _objects([change(number)]))
            taken.append(milliseconds)
        found[Metric(what, "ms CPU")] = median(taken)
    gc.unfreeze()
    return found


def _translated(source: Source, view: Objects, changed: Iterable[Object]) -> tuple[float, Objects]:
    """Milliseconds of CPU time of a translation with these changes, and the view that has them."""
    start = process_time()
    view = view.updated((one.key, one) for one in changed)
    translation = source.translate(view)
    taken = process_time() - start
    assert translation.snapshots
    return 1e3 * taken, view


S2: Final = Gridded(
    "S2",
    "translation: Gateway API objects, parsed -> xDS resources and statuses",
    quick=({"routes": (1_000,)}, {"shape": ("EG large",)}),
    full=({"routes": (1_000, 5_000, 10_000)}, {"shape": tuple(eg.SHAPES)}),
    figures=figures,
    most=1,
    concerns=ours,
)

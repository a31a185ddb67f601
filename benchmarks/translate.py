"""What a translation costs: of N HTTPRoutes from nothing, and of one change among them.

Every route has a hostname, a Service and an EndpointSlice of its own; all are attached to one Gateway. The times are those
of the source and of the view of all objects, without files, YAML and wire:

    python benchmarks/translate.py --routes 1000
"""

from __future__ import annotations

import argparse
import gc
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from statistics import median
from time import perf_counter
from typing import TypeVar

from sources.gatewayapi import GatewayApi, Settings
from xds.model import Object, Objects, Source

T = TypeVar("T")
Change = Callable[[int, int], Object]
"""(index of a route, a number that no change had before) -> an object that takes the place of another."""


def an_object(api_version: str, kind: str, name: str, **fields: object) -> Object:
    """An object in the namespace `default`."""
    document: dict[str, object] = {"apiVersion": api_version, "kind": kind, "metadata": {"name": name}}
    return Object.of({**document, **fields})


def gateway() -> Object:
    """A Gateway with one HTTP listener."""
    listeners = [{"name": "http", "protocol": "HTTP", "port": 8080}]
    spec = {"gatewayClassName": "legation", "listeners": listeners}
    return an_object("gateway.networking.k8s.io/v1", "Gateway", "gateway", spec=spec)


def route(index: int, number: int = 0) -> Object:
    """Route number `index`; `number` makes its path another one."""
    rule = {
        "matches": [{"path": {"type": "PathPrefix", "value": f"/v{number}"}}],
        "backendRefs": [{"name": f"service-{index}", "port": 80}],
    }
    spec = {"parentRefs": [{"name": "gateway"}], "hostnames": [f"host-{index}.example.com"], "rules": [rule]}
    return an_object("gateway.networking.k8s.io/v1", "HTTPRoute", f"route-{index}", spec=spec)


def service(index: int) -> Object:
    """The Service of a route."""
    ports = [{"name": "http", "port": 80, "targetPort": 8080}]
    return an_object("v1", "Service", f"service-{index}", spec={"ports": ports})


def endpoints(index: int, number: int = 0) -> Object:
    """The EndpointSlice of a Service, with two endpoints; `number` makes their addresses others."""
    block, last = divmod(index, 250)
    addresses = [f"10.{number % 250}.{block}.{last + 1}", f"11.{number % 250}.{block}.{last + 1}"]
    labels = {"kubernetes.io/service-name": f"service-{index}"}
    return an_object(
        "discovery.k8s.io/v1",
        "EndpointSlice",
        f"service-{index}-1",
        metadata={"name": f"service-{index}-1", "labels": labels},
        addressType="IPv4",
        endpoints=[{"addresses": [address], "conditions": {"ready": True}} for address in addresses],
        ports=[{"name": "http", "port": 8080, "protocol": "TCP"}],
    )


def world(routes: int) -> Iterator[Object]:
    """The Gateway, and every route with what is behind it."""
    yield gateway()
    for index in range(routes):
        yield from (route(index), service(index), endpoints(index))


def moved(index: int, number: int) -> Object:
    """The same route under a hostname that there was not before."""
    body = route(index).body
    return Object.of({**body, "spec": {**body["spec"], "hostnames": [f"moved-{number}.example.com"]}})


CHANGES: dict[str, Change] = {"a route's path": route, "a Service's endpoints": endpoints, "a route's hostname": moved}
"""What is changed, and how."""


def whole(listed: list[Object], times: int) -> list[float]:
    """Seconds of each translation from nothing."""
    taken = []
    for _ in range(times):
        gc.collect()  # the garbage of the run before is not this one's
        taken.append(timed(partial(translate, GatewayApi(Settings()), Objects(), listed))[0])
    return taken


def changed(listed: list[Object], change: Change, times: int) -> list[float]:
    """Seconds of each translation after one change, in a source that knows everything else."""
    source, taken = GatewayApi(Settings()), []
    view = translate(source, Objects(), listed)
    gc.collect()
    gc.freeze()  # as a running Legation does after its first translation
    for number in range(1, times + 1):
        one = change(number * 7 % (len(listed) // 3), number)
        seconds, view = timed(partial(translate, source, view, [one]))
        taken.append(seconds)
    gc.unfreeze()
    return taken


def translate(source: Source, view: Objects, changes: Iterable[Object]) -> Objects:
    """The view with these changes, translated."""
    view = view.updated((one.key, one) for one in changes)
    assert source.translate(view).snapshots
    return view


def timed(run: Callable[[], T]) -> tuple[float, T]:
    """(seconds, result) of a run."""
    start = perf_counter()
    result = run()
    return perf_counter() - start, result


def main() -> None:
    """Prints the median of the whole, and of each change with its share of the whole."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--routes", type=int, default=1000, metavar="N", help="how many HTTPRoutes there are (default: 1000)"
    )
    parser.add_argument("--runs", type=int, default=5, metavar="N", help="translations from nothing (default: 5)")
    parser.add_argument("--changes", type=int, default=50, metavar="N", help="changes of each sort (default: 50)")
    wanted = parser.parse_args()

    listed = list(world(wanted.routes))
    everything = median(whole(listed, wanted.runs))
    print(f"{wanted.routes} routes from nothing   {everything * 1e3:10.3f} ms")
    for what, change in CHANGES.items():
        one = median(changed(listed, change, wanted.changes))
        print(f"{what:<24} {one * 1e3:10.3f} ms   1/{everything / one:.0f} of the whole")


if __name__ == "__main__":
    main()

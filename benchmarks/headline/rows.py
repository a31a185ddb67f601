"""The rows of the table: one number each, measured on one server in one dialect."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from time import monotonic
from typing import Final

import anyio
from gateway_site import ask, free_port, serving
from load import load
from resources import CDS, EDS, LDS, RDS, Resource
from target import Adapter, Target

from benchmarks.headline.client import Client, Held, client
from benchmarks.headline.edge import ROUTES, cluster, endpoints, listener, route
from benchmarks.headline.proxy import Proxy, proxy
from xds.codec.bootstrap import Dialect

REPOINTS: Final = 20
CHANGES: Final = 100
PROXIES, CLUSTERS = 500, 50
REFUSING: Final = 5.0
"""Seconds for which refusals are counted."""


class Stand:
    """A group of its own on one server, in one dialect; what is started for it ends with it."""

    def __init__(self, target: Target, dialect: Dialect, group: str, adapter: Adapter, started: AsyncExitStack) -> None:
        self.target, self.dialect, self.group = target, dialect, group
        self._adapter, self._started = adapter, started
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/"

    async def serve(self, *resources: Resource) -> None:
        """The group has exactly these, from now on."""
        await self._adapter.set(resources)

    async def envoy(self) -> Proxy:
        """An Envoy of the group, just started."""
        host, _, port = self.target.xds.rpartition(":")
        return await self._started.enter_async_context(proxy(self.group, (host, int(port)), self.dialect))

    async def backend(self, name: str) -> int:
        """The port of a server that answers its name."""
        port: int = await self._started.enter_async_context(serving(name))
        return port

    async def answers(self, expected: str) -> None:
        """The Envoy gives this answer; raises AssertionError when it does not."""
        got = await ask(self.url)
        assert got == expected, f"{self.group}: Envoy answers {got!r}, not {expected!r}"


async def rewarm(stand: Stand) -> float:
    """Seconds from the change of a cluster, whose endpoints stay as they are, until it is in force; the longest of three."""
    port = await stand.backend("one")
    rest = endpoints("one", port), listener(stand.port), route("one")
    await stand.serve(cluster("one"), *rest)
    envoy = await stand.envoy()
    await envoy.live()
    await stand.answers("200 one")
    took = [await _change(stand, envoy, f"{number}s", *rest) for number in (2, 3, 4)]
    await stand.answers("200 one")
    return max(took)


async def _change(stand: Stand, envoy: Proxy, limit: str, *rest: Resource) -> float:
    async def is_changed() -> bool:
        return (await envoy.active_cluster("one")).get("connect_timeout") == limit

    started = monotonic()
    await stand.serve(cluster("one", connect_timeout=limit), *rest)
    await envoy.until(is_changed)
    return monotonic() - started


async def start_without_clusters(stand: Stand) -> float:
    """Seconds until an Envoy that just began to answer is ready, when its group has a listener and no cluster."""
    await stand.serve(listener(stand.port), route(""))
    return await _start(stand, "200 ")


async def start_without_endpoints(stand: Stand) -> float:
    """Seconds until an Envoy that just began to answer is ready, when one of its two clusters has no endpoints."""
    port = await stand.backend("one")
    await stand.serve(cluster("one"), cluster("other"), endpoints("one", port), listener(stand.port), route("one"))
    return await _start(stand, "200 one")


async def _start(stand: Stand, expected: str) -> float:
    took = await (await stand.envoy()).live()
    await stand.answers(expected)
    return took


async def refused(stand: Stand) -> float:
    """Updates that an Envoy refuses in 5 s after a bad cluster has come among good ones."""
    port = await stand.backend("one")
    good = cluster("one"), endpoints("one", port), listener(stand.port), route("one")
    await stand.serve(*good)
    envoy = await stand.envoy()
    await envoy.live()
    await stand.serve(*good, cluster("bad", connect_timeout="0s"))
    await anyio.sleep(REFUSING)
    await stand.answers("200 one")
    return await envoy.stat("cluster_manager.cds.update_rejected")


async def failed_in_repoints(stand: Stand) -> float:
    """Requests that fail while a route moves to a new cluster, whose predecessor goes; 20 times, under load."""
    ports = {name: await stand.backend(name) for name in ("one", "two")}

    async def lead_to(name: str) -> None:
        await stand.serve(cluster(name), endpoints(name, ports[name]), listener(stand.port), route(name))

    await lead_to("one")
    await (await stand.envoy()).live()
    await stand.answers("200 one")
    async with load(stand.url) as traffic:
        for number in range(REPOINTS):
            name = ("two", "one")[number % 2]
            await lead_to(name)
            await traffic.only(f"200 {name}")
    failures: dict[str, int] = traffic.failures
    return sum(failures.values())


async def order_violations(stand: Stand) -> float:
    """Changes, of 100 that each touch four types, that do not come as clusters, endpoints, listeners, routes."""
    await stand.serve(*_marked("start"))
    async with client(stand.target.xds, stand.dialect, stand.group) as one:
        await _subscribe(one)
        return sum([await _is_out_of_order(stand, one, f"change-{number:03}") for number in range(CHANGES)])


IN_ORDER: Final = (CDS, EDS, LDS, RDS)


def _marked(mark: str) -> Iterable[Resource]:
    return cluster("one", mark=mark), endpoints("one", 1, mark=mark), listener(1, mark=mark), route("one", mark=mark)


async def _subscribe(one: Client) -> None:
    for type_url, names in zip(IN_ORDER, ((), ("one",), (), (ROUTES,)), strict=True):
        await one.want(type_url, names)
        await one.read_until(type_url)


async def _is_out_of_order(stand: Stand, one: Client, mark: str) -> bool:
    await stand.serve(*_marked(mark))
    return await one.read_until(*IN_ORDER, mark=mark) != IN_ORDER


async def resent_clusters(stand: Stand) -> float:
    """KB of clusters that 500 proxies are sent which lost their connection, come back, and have everything."""
    return await _resent(stand, CDS)


async def resent_endpoints(stand: Stand) -> float:
    """KB of endpoints that they are sent: all of them in SotW, where the protocol wants it so."""
    return await _resent(stand, EDS)


async def _resent(stand: Stand, type_url: str) -> float:
    names = [f"cluster-{number}" for number in range(CLUSTERS)]
    everything = [one for name in names for one in (cluster(name), endpoints(name, 1))]
    await stand.serve(*everything, route(""))
    helds = await asyncio.gather(*(_first_visit(stand, names) for _ in range(PROXIES)))
    returns = await asyncio.gather(*(_return(stand, names, held) for held in helds))
    return sum(received[type_url] for received in returns) / 1000


async def _first_visit(stand: Stand, names: list[str]) -> dict[str, Held]:
    async with client(stand.target.xds, stand.dialect, stand.group) as one:
        await one.want(CDS)
        await one.want(EDS, names)
        await one.read_until(CDS, EDS)
        return one.held


async def _return(stand: Stand, names: list[str], held: dict[str, Held]) -> Counter[str]:
    """The bytes by type URL that come before, and soon after, the answer to a request for something else."""
    async with client(stand.target.xds, stand.dialect, stand.group, held) as one:
        await one.want(CDS)
        await one.want(EDS, names)
        await one.want(RDS, [ROUTES])
        await one.read_until(RDS)
        await one.drain()
        return one.received


@dataclass(frozen=True, slots=True)
class Row:
    """One row. `alone`: one measurement ends before the next begins, because it is work that it measures, not waiting."""

    what: str
    unit: str
    measure: Callable[[Stand], Awaitable[float]]
    alone: bool = False

    @property
    def meaning(self) -> str:
        """What is measured."""
        return str(self.measure.__doc__)


ROWS: Final = (
    Row("cluster-only change", "s", rewarm),
    Row("start without clusters", "s", start_without_clusters),
    Row("start without endpoints", "s", start_without_endpoints),
    Row("refused updates", "", refused, alone=True),
    Row("failed requests", "", failed_in_repoints, alone=True),
    Row("out of order", "", order_violations, alone=True),
    Row("clusters re-sent", "KB", resent_clusters, alone=True),
    Row("endpoints re-sent", "KB", resent_endpoints, alone=True),
)

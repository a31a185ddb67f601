"""Names that a real Envoy asks for in delta: made on demand, of hosts, of whole directories, of what does not exist."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import pytest
from envoy_proxy import GROUP, Proxy, running
from gateway_site import ask, free_port
from network import ADS, EXTENSIONS, address, cluster, endpoints, route
from patience import SECONDS, until

from xds.codec import resource
from xds.model import Resource, Snapshot
from xds.model.type_url import CDS, ECDS, EDS, LDS, LEDS, PREFIX, RDS, RTDS, VHDS
from xds.server.xds_server import XdsServer

MUTATION = EXTENSIONS + "filters.http.header_mutation.v3.HeaderMutation"
LISTENERS = f"xdstp://edge/{LDS.removeprefix(PREFIX)}/"
CLUSTERS = f"xdstp://edge/{CDS.removeprefix(PREFIX)}/"
ENDPOINTS = f"xdstp://edge/{LEDS.removeprefix(PREFIX)}/"


def listener(port: int, *filters: dict, name: str = "web", **routes: Any) -> Resource:
    """A listener with these HTTP filters; it asks for its routes, `all`, unless they are given."""
    manager = {
        "@type": EXTENSIONS + "filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "web",
        **(routes or {"rds": {"route_config_name": "all", "config_source": {**ADS, "initial_fetch_timeout": "0.5s"}}}),
        "http_filters": [
            *filters,
            {"name": "router", "typed_config": {"@type": EXTENSIONS + "filters.http.router.v3.Router"}},
        ],
    }
    chain = {"filters": [{"name": "http", "typed_config": manager}]}
    return resource({"@type": LDS, "name": name, "address": address(port), "filter_chains": [chain]})


def on_demand(**clusters: Any) -> dict[str, Any]:
    """The filter that holds a request while Envoy asks for what it needs."""
    return {"name": "on_demand", "typed_config": {"@type": EXTENSIONS + "filters.http.on_demand.v3.OnDemand", **clusters}}


def host(name: str, *domains: str, to: str = "shop") -> Resource:
    """A virtual host of the route configuration `all`."""
    routes = [{"match": {"prefix": "/"}, "route": {"cluster": to}}]
    return resource({"@type": VHDS, "name": f"all/{name}", "domains": list(domains), "routes": routes})


def hosts_from(program: str) -> dict[str, Any]:
    """Where an Envoy asks for virtual hosts: over ADS, or on a stream of its own, as 1.36 insists."""
    if "/1.36." not in program:
        return ADS
    services = [{"envoy_grpc": {"cluster_name": "xds_cluster"}}]
    source = {"api_type": "DELTA_GRPC", "transport_api_version": "V3", "grpc_services": services}
    return {"api_config_source": source, "resource_api_version": "V3"}


class Makes:
    """An on-demand hook that makes what `make` makes of names whose last part begins with `made`."""

    def __init__(self, type_url: str, make: Any) -> None:
        self.types, self._make = frozenset({type_url}), make

    async def make(self, group: str, type_url: str, name: str) -> Any:
        assert group == GROUP
        last = name.rpartition("/")[2]
        return self._make(last) if last.startswith("made") else None


@asynccontextmanager
async def an_envoy(program: str, home: Path, server: XdsServer, **bootstrap: Any) -> AsyncIterator[Proxy]:
    """An Envoy that is live, and waited for nothing in vain."""
    async with server.serve() as xds:
        proxy = Proxy(program, home / "1", xds, "delta")
        proxy._bootstrap["dynamic_resources"] |= bootstrap.pop("dynamic", {})
        proxy._bootstrap |= bootstrap
        async with running(proxy):
            yield proxy


@pytest.fixture
def envoy(program, home):
    return partial(an_envoy, program, home)


async def published(server: XdsServer, *resources: Resource) -> None:
    with anyio.fail_after(SECONDS):
        assert (await server.publish(GROUP, Snapshot.of(resources), until="accepted")).accepted


async def answers(port: int, expected: str, **headers: str) -> None:
    async def so() -> bool:
        return await ask(f"http://127.0.0.1:{port}/", headers=headers) == expected

    await until(so)


async def test_a_cluster_is_made_for_the_request_that_needs_it(envoy, port, one):
    """Row 101: ODCDS over ADS. One that cannot be made is told at once, and served when it comes to exist."""
    server = XdsServer(on_demand=[Makes(CDS, lambda name: [cluster(name), endpoints(name, one)])])
    demand = on_demand(odcds={"source": ADS, "timeout": "60s"})
    to = {"match": {"prefix": "/"}, "route": {"cluster_header": "x-to"}}
    hosts = resource({"@type": RDS, "name": "all", "virtual_hosts": [{"name": "any", "domains": ["*"], "routes": [to]}]})
    rest = listener(port, demand), hosts, cluster("shop"), endpoints("shop", one)
    await published(server, *rest)
    async with envoy(server) as proxy:
        for name, answer in (("shop", "200 one"), ("made-1", "200 one"), ("none", "503 "), ("made-1", "200 one")):
            assert await ask(f"http://127.0.0.1:{port}/", headers={"x-to": name}) == answer
        await published(server, *rest, cluster("none"), endpoints("none", one))
        await answers(port, "200 one", **{"x-to": "none"})
        assert await ask(f"http://127.0.0.1:{port}/", headers={"x-to": "made-1"}) == "200 one"
        assert await proxy.stalls() == []
        assert await proxy.refused() == 0


@pytest.mark.since("1.37", "has no VHDS from ADS")
async def test_a_virtual_host_is_found_or_made_for_the_request_that_needs_it(envoy, program, port, one):
    """Row 100: VHDS; nothing is waited for at the start, and a host that does not exist is 404 at once."""
    server = XdsServer(on_demand=[Makes(VHDS, lambda name: host(name, name))])
    routes = resource({"@type": RDS, "name": "all", "vhds": {"config_source": hosts_from(program)}})
    rest = listener(port, on_demand()), routes, cluster("shop"), endpoints("shop", one)
    hosts = host("both", "a.test", "b.test"), host("ends", "*.ends.test")
    await published(server, *rest, *hosts)
    async with envoy(server) as proxy:
        found = [await ask(f"http://127.0.0.1:{port}/", headers={"host": one}) for one in HOSTS]
        assert dict(zip(HOSTS, found, strict=True)) == HOSTS
        await published(server, *rest, *hosts, host("late", "none.test"))
        await answers(port, "200 one", host="none.test")
        await published(server, *rest, *hosts)
        await answers(port, "404 ", host="none.test")
        assert await proxy.stalls() == []
        assert await proxy.refused() == 0


@pytest.mark.since("1.37", "has no VHDS from ADS")
async def test_what_was_made_outlives_the_control_plane(program, home, port, one):
    """Rows 63, 100, 101: one that starts anew makes it again, and takes nothing away before."""
    xds, headers = free_port(), {"host": "made.test", "x-to": "made-shop"}
    to = [{"match": {"prefix": "/"}, "route": {"cluster_header": "x-to"}}]
    hosted = Makes(VHDS, lambda name: resource({"@type": VHDS, "name": f"all/v-{name}", "domains": [name], "routes": to}))
    routes = resource({"@type": RDS, "name": "all", "vhds": {"config_source": hosts_from(program)}})
    everything = Snapshot.of([listener(port, on_demand(odcds={"source": ADS})), routes])

    @asynccontextmanager
    async def a_control_plane() -> AsyncIterator[XdsServer]:
        clusters = Makes(CDS, lambda name: [cluster(name), endpoints(name, one)])
        server = XdsServer(on_demand=[hosted, clusters])
        await server.publish(GROUP, everything)
        async with server.serve("127.0.0.1", xds):
            yield server

    proxy = Proxy(program, home / "1", ("127.0.0.1", xds), "delta")
    async with AsyncExitStack() as stack:
        async with a_control_plane():
            await stack.enter_async_context(running(proxy))
            await answers(port, "200 one", **headers)
        async with a_control_plane() as server:
            made = [(CDS, "made-shop"), (VHDS, "all/v-made.test")]
            while not all(map(server.fleet.served(GROUP).get, made)) or not server.fleet.is_live(GROUP):
                assert await ask(f"http://127.0.0.1:{port}/", headers=headers) == "200 one"
            assert await ask(f"http://127.0.0.1:{port}/", headers=headers) == "200 one"
            assert await proxy.total(r"cluster_manager\.cluster_removed") == 0
            assert await proxy.refused() == 0


HOSTS = {
    "a.test": "200 one",
    "b.test": "200 one",
    "www.ends.test": "200 one",
    "made.test": "200 one",
    "none.test": "404 ",
}


@pytest.mark.since("1.38", "ends when it is given a glob")
async def test_globs_are_whole_directories(envoy, program, port, one, two):
    """Rows 88, 102-104: listeners, clusters and single endpoints; a changed cluster keeps its endpoints."""
    server, context = XdsServer(), "?a=1&b=2"
    collection = {"leds_config": ADS, "leds_collection_name": ENDPOINTS + "shop/*"}
    locality = {"locality": {"zone": "z"}, "load_balancing_weight": 1, "leds_cluster_locality_config": collection}
    shop = resource({"@type": EDS, "cluster_name": "shop", "endpoints": [locality]})
    routes = route("all", rest=CLUSTERS + "shop" + context)
    front = listener(port, name=LISTENERS + "web" + context)

    def site(mark: int, *backends: int) -> tuple[Resource, ...]:
        eds = {"eds_config": ADS, "service_name": "shop"}
        given = [
            resource({"@type": LEDS, "endpoint": {"address": address(at)}}, name=f"{ENDPOINTS}shop/{at}") for at in backends
        ]
        return front, routes, cluster(CLUSTERS + "shop" + context, mark, eds_cluster_config=eds), shop, *given

    await published(server, *site(0, one))
    other = "?b=2&a=1"
    locators = {"lds_resources_locator": f"{LISTENERS}*{other}", "cds_resources_locator": f"{CLUSTERS}*{other}"}
    async with envoy(server, dynamic=locators) as proxy:
        await answers(port, "200 one")
        await published(server, *site(0, two))
        await answers(port, "200 two")
        await published(server, *site(1, two))
        assert await ask(f"http://127.0.0.1:{port}/") == "200 two"
        await published(server, *site(1, two)[1:])
        await answers(port, "ClientConnectorError")
        assert await proxy.stalls() == []
        assert await proxy.refused() == 0


async def test_an_envoy_starts_without_a_secret_and_a_layer_that_do_not_exist(envoy, port, one):
    """Rows 59, 106, 107: in no time, where it waits 15 s for what nobody speaks of."""
    server = XdsServer()
    layer = {"name": "served", "rtds_layer": {"name": "served", "rtds_config": ADS}}
    certificates = [{"name": "late", "sds_config": ADS}]
    context = {"common_tls_context": {"tls_certificate_sds_secret_configs": certificates}}
    tls = {"@type": EXTENSIONS + "transport_sockets.tls.v3.UpstreamTlsContext", **context}
    waiting = cluster("late", transport_socket={"name": "tls", "typed_config": tls})
    rest = (
        listener(port),
        route("all", rest="shop"),
        cluster("shop"),
        endpoints("shop", one),
        waiting,
        endpoints("late", one),
    )
    await published(server, *rest)
    async with envoy(server, layered_runtime={"layers": [layer]}) as proxy:
        assert await ask(f"http://127.0.0.1:{port}/") == "200 one"
        await published(server, *rest, resource({"@type": RTDS, "name": "served", "layer": {"mark": "1"}}))
        assert "mark" in (await proxy.page("/runtime"))["entries"]
        assert await proxy.stalls() == []
        assert await proxy.refused() == 0


async def test_an_envoy_starts_without_routes_that_do_not_exist(envoy, port, one):
    """Row 59: told that they do not exist, it would wait for them without end."""
    server = XdsServer()
    await published(server, listener(port))
    async with envoy(server):
        assert await ask(f"http://127.0.0.1:{port}/") == "404 "
        await published(server, listener(port), route("all", rest="shop"), cluster("shop"), endpoints("shop", one))
        await answers(port, "200 one")


async def test_an_extension_stays_when_its_configuration_is_gone(envoy, port, one):
    """Row 107: Envoy answers 500 when it is told that there is none."""
    server = XdsServer()
    append = {"append": {"header": {"key": "x-mark", "value": "1"}}}
    config = {"@type": MUTATION, "mutations": {"response_mutations": [append]}}
    mark = {"name": "mark", "config_discovery": {"config_source": ADS, "type_urls": [MUTATION]}}
    rest = listener(port, mark), route("all", rest="shop"), cluster("shop"), endpoints("shop", one)
    await published(server, *rest, resource({"@type": ECDS, "name": "mark", "typed_config": config}))
    async with envoy(server) as proxy:
        assert await ask(f"http://127.0.0.1:{port}/") == "200 one"
        await published(server, *rest)
        await published(server, *rest, cluster("more"), endpoints("more", one))
        assert await ask(f"http://127.0.0.1:{port}/") == "200 one"
        assert await proxy.stalls() == []

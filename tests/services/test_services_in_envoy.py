"""A real Envoy without ADS: every type from a service of its own, over REST, and over gRPC in both dialects."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import anyio
import pytest
from aiohttp import web
from discovery_world import cluster
from patience import until
from test_authority import Tokens

from xds.codec import resource
from xds.model import Snapshot
from xds.model.type_url import CDS, ECDS, EDS, LDS, PREFIX, RDS, RTDS, SRDS
from xds.server.authority import Authority, Rule
from xds.server.xds_server import XdsServer

pytestmark = pytest.mark.envoy

FILTERS = PREFIX + "envoy.extensions.filters."
HTTP2 = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"


def socket_address(port: int) -> dict[str, Any]:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


def source(api: str, token: str = "") -> dict[str, Any]:
    """Where Envoy is to ask for a type, and what it is to show there."""
    asked = {"api_type": api, "transport_api_version": "V3"}
    if api == "REST":
        asked |= {"cluster_names": ["control_plane"], "refresh_delay": "0.1s"}
    else:
        shown = [{"key": "authorization", "value": f"bearer {token}"}] if token else []
        asked |= {"grpc_services": [{"envoy_grpc": {"cluster_name": "control_plane"}, "initial_metadata": shown}]}
    return {"api_config_source": asked, "resource_api_version": "V3"}


def bootstrap(api: str, control_plane: int, token: str = "") -> dict[str, Any]:
    cluster: dict[str, Any] = {"name": "control_plane", "load_assignment": endpoints("control_plane", control_plane)}
    if api != "REST":
        http2 = {"@type": PREFIX + HTTP2, "explicit_http_config": {"http2_protocol_options": {}}}
        cluster["typed_extension_protocol_options"] = {HTTP2: http2}
    runtime = {"name": "served", "rtds_layer": {"name": "runtime", "rtds_config": source(api, token)}}
    return {
        "node": {"id": "n1", "cluster": "edge"},
        "admin": {"address": socket_address(0)},
        "dynamic_resources": {"cds_config": source(api, token), "lds_config": source(api, token)},
        "static_resources": {"clusters": [cluster]},
        "layered_runtime": {"layers": [runtime]},
    }


def endpoints(name: str, port: int) -> dict[str, Any]:
    return {
        "cluster_name": name,
        "endpoints": [{"lb_endpoints": [{"endpoint": {"address": socket_address(port)}}]}],
    }


def everything(api: str, backends: dict[str, int], to: str, mark: str) -> Snapshot:
    """One listener that leads `to` a backend by way of every type that can stand alone; each has the mark in it."""
    append = {"append": {"header": {"key": "x-mark", "value": mark}}}
    mutation = {"@type": FILTERS + "http.header_mutation.v3.HeaderMutation", "mutations": {"response_mutations": [append]}}
    fragment = {"string_key": "all"}
    builder = {"fragments": [{"header_value_extractor": {"name": "x-scope", "index": 0}}]}
    manager = {
        "@type": FILTERS + "network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "test",
        "scoped_routes": {
            "name": "scopes",
            "scope_key_builder": builder,
            "rds_config_source": source(api),
            "scoped_rds": {"scoped_rds_config_source": source(api)},
        },
        "http_filters": [
            {
                "name": "mark",
                "config_discovery": {
                    "config_source": source(api),
                    "type_urls": [FILTERS + "http.header_mutation.v3.HeaderMutation"],
                },
            },
            {"name": "router", "typed_config": {"@type": FILTERS + "http.router.v3.Router"}},
        ],
    }
    chain = {"filters": [{"name": "http", "typed_config": manager}]}
    route = {"match": {"prefix": "/"}, "route": {"cluster": to}}
    found = [
        {"@type": LDS, "name": "front", "address": socket_address(0), "filter_chains": [chain]},
        {"@type": SRDS, "name": "scope", "route_configuration_name": "routes", "key": {"fragments": [fragment]}},
        {"@type": RDS, "name": "routes", "virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [route]}]},
        {"@type": ECDS, "name": "mark", "typed_config": mutation},
        {"@type": RTDS, "name": "runtime", "layer": {"mark": mark}},
    ]
    for name, port in backends.items():
        eds = {"eds_config": source(api), "service_name": f"{name}-{mark}"}
        found.append({"@type": CDS, "name": name, "type": "EDS", "connect_timeout": "1s", "eds_cluster_config": eds})
        found.append({"@type": EDS, **endpoints(f"{name}-{mark}", port)})
    return Snapshot.of(map(resource, found))


@asynccontextmanager
async def backend(name: str) -> AsyncIterator[int]:
    """A server that answers with its name; gives its port."""

    async def answer(_: web.Request) -> web.Response:
        return web.Response(text=name)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


@asynccontextmanager
async def an_envoy(folder: Path, body: dict[str, Any]) -> AsyncIterator[aiohttp.ClientSession]:
    """A running Envoy; gives a session with its admin service."""
    (folder / "envoy.json").write_text(json.dumps(body))
    program, admin = str(Path(sys.executable).with_name("envoy")), folder / "admin"
    command = [program, "-c", "envoy.json", "--concurrency", "1", "--use-dynamic-base-id", "-l", "warning"]
    with (folder / "log").open("wb") as log:
        process = await anyio.open_process(
            [*command, "--admin-address-path", str(admin)], cwd=folder, stdout=log, stderr=subprocess.STDOUT
        )
    try:
        await until(lambda: admin.exists() and admin.read_text() != "")
        async with aiohttp.ClientSession(f"http://{admin.read_text()}") as session:
            yield session
    finally:
        process.terminate()
        with anyio.CancelScope(shield=True):
            await process.wait()
        print((folder / "log").read_text())  # noqa: T201  shown when a test fails


async def told(admin: aiohttp.ClientSession) -> tuple[str, str]:
    """What Envoy answers on its listener, and the mark that its filter sets."""
    async with admin.get("/listeners?format=json") as answer:
        listeners = (await answer.json(content_type=None)).get("listener_statuses", [])
    if not listeners:
        return "no listener", ""
    port = listeners[0]["local_address"]["socket_address"]["port_value"]
    try:
        async with (
            aiohttp.ClientSession(headers={"x-scope": "all"}) as session,
            session.get(f"http://127.0.0.1:{port}/") as got,
        ):
            return await got.text(), got.headers.get("x-mark", "")
    except aiohttp.ClientError as error:  # it is not open yet
        return type(error).__name__, ""


async def stats(admin: aiohttp.ClientSession, suffix: str) -> int:
    async with admin.get(f"/stats?filter={suffix}$&format=json") as answer:
        return sum(one["value"] for one in (await answer.json(content_type=None))["stats"])


async def polled(admin: aiohttp.ClientSession, times: int) -> bool:
    return await stats(admin, "cds.update_attempt") >= times


@pytest.mark.parametrize("api", ["REST", "GRPC", "DELTA_GRPC"])
async def test_an_envoy_without_ads_gets_every_type_and_every_change(tmp_path, api, anyio_backend):
    """Rows 2, 93, 107, 137: clusters, endpoints, listeners, scopes, routes, a filter and the runtime."""
    server = XdsServer()
    serve = server.serve_rest if api == "REST" else server.serve
    async with backend("one") as one, backend("two") as two, serve() as (_, port):
        ports = {"one": one, "two": two}
        await server.publish("edge", everything(api, ports, "one", "m1"))
        async with an_envoy(tmp_path, bootstrap(api, port)) as admin:

            async def answers(*expected: str) -> bool:
                async with admin.get("/runtime?format=json") as answer:
                    runtime = (await answer.json(content_type=None))["entries"].get("mark", {}).get("final_value")
                return (*await told(admin), runtime) == (*expected, expected[-1])

            await until(lambda: answers("one", "m1"))
            await server.publish("edge", everything(api, ports, "two", "m2"))
            await until(lambda: answers("two", "m2"))
            assert await stats(admin, "update_rejected") == await stats(admin, "update_failure") == 0
            if api == "REST":
                await until(lambda: polled(admin, 5))
                assert await stats(admin, "cds.update_success") == 2, "what it has already is not sent again"


@pytest.mark.parametrize("api", ["GRPC", "DELTA_GRPC"])
async def test_an_envoy_shows_its_token_and_gets_what_its_rule_lets_it(tmp_path, api, anyio_backend):
    """Rows 121, 123: clusters it may have, listeners it may not; what it may have, it gets all the same.

    So it may have the runtime, for which Envoy waits 15 s (initial_fetch_timeout) before it asks for clusters.
    """
    authority = Authority((Rule(who=("edge",), types=("cds", "rtds")),), [Tokens()])
    server = XdsServer(authority=authority)
    bodies = {"@type": LDS, "name": "l", "address": socket_address(0)}, {"@type": RTDS, "name": "runtime", "layer": {}}
    await server.publish("edge", Snapshot.of([cluster("a"), *map(resource, bodies)]))
    async with server.serve() as (_, port), an_envoy(tmp_path, bootstrap(api, port, "edge")) as admin:

        async def has(suffix: str, value: int) -> bool:
            return await stats(admin, suffix) == value

        await until(lambda: has("cluster_manager.cds.update_success", 1))
        await until(
            lambda: b'legation_xds_refused_total{code="PERMISSION_DENIED",service="lds"}' in server.metrics.render()[1]
        )
        assert {one.method.service for one in server.fleet.sessions()} == {"cds", "rtds"}
        assert await stats(admin, "listener_manager.lds.update_success") == 0

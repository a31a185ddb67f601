"""A real Envoy and a real gRPC client report their load."""

from __future__ import annotations

import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from socket import create_server
from subprocess import DEVNULL
from typing import Any

import aiohttp
import anyio
import grpc
import pytest
from aiohttp import web
from load_sinks import Kept

from providers.host import binary
from xds.codec import resource
from xds.codec.bootstrap import bootstrap
from xds.model import Resource, Snapshot
from xds.model.type_url import CDS, EDS, LDS, PREFIX, RDS
from xds.server.report import Reports
from xds.server.xds_server import XdsServer

DEADLINE = 60
CALLER = Path(__file__).parents[1] / "proxyless" / "grpc_caller.py"
HCM = PREFIX + "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
ROUTER = {"name": "router", "typed_config": {"@type": PREFIX + "envoy.extensions.filters.http.router.v3.Router"}}
ADS = {"ads": {}, "resource_api_version": "V3"}


@pytest.fixture
async def served(anyio_backend):
    """(a server that wants to know of loads, where it is, what it was told)."""
    kept = Kept()
    server = XdsServer(reports=Reports(load_interval=0.5, load_sinks=(kept,)))
    async with server.serve() as address:
        yield server, address, kept


def cluster(name: str, **more: Any) -> Resource:
    return resource({"@type": CDS, "name": name, "type": "EDS", "eds_cluster_config": {"eds_config": ADS}, **more})


def endpoints(name: str, port: int) -> Resource:
    one = {"endpoint": {"address": socket(port)}}
    places = [{"locality": {"region": "here"}, "load_balancing_weight": 1, "lb_endpoints": [one]}]
    return resource({"@type": EDS, "cluster_name": name, "endpoints": places})


def socket(port: int) -> dict[str, Any]:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


async def until(condition: Any) -> None:
    with anyio.fail_after(DEADLINE):
        while not condition():  # noqa: ASYNC110  nobody tells when a test's condition comes true
            await anyio.sleep(0.02)


class TestEnvoy:
    @pytest.fixture
    async def backend(self):
        """The port of a server that answers 200, and 500 to /fail."""

        async def answer(request: web.Request) -> web.Response:
            return web.Response(status=500 if request.path == "/fail" else 200)

        app = web.Application()
        app.add_routes([web.get("/{path:.*}", answer)])
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield runner.addresses[0][1]
        await runner.cleanup()

    @pytest.fixture
    async def envoy(self, served, tmp_path):
        """An Envoy that asks the server, and its admin page."""
        admin = tmp_path / "admin.sock"
        body = bootstrap("edge", "envoy-1", served[1], admin=str(admin), load_reports=True)
        file = tmp_path / "bootstrap.json"
        file.write_text(json.dumps(body))
        command = [binary.locate(None), "-c", str(file), "--disable-hot-restart", "--concurrency", "1"]
        async with await anyio.open_process(command, stdin=DEVNULL, stdout=None, stderr=DEVNULL) as process:
            yield admin
            process.kill()

    @pytest.mark.envoy
    async def test_says_how_many_requests_ended_well_and_ill(self, served, envoy, backend, unused_port):
        server, _, kept = served
        routes = {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [ROUTE]}]}
        manager = {"@type": HCM, "stat_prefix": "http", "route_config": routes, "http_filters": [ROUTER]}
        chain = {"filters": [{"name": "http", "typed_config": manager}]}
        listener = resource({"@type": LDS, "name": "http", "address": socket(unused_port), "filter_chains": [chain]})
        resources = [listener, cluster("echo", connect_timeout="1s"), endpoints("echo", backend)]
        await until(lambda: server.fleet.streams("edge"))
        with anyio.fail_after(DEADLINE):
            await server.publish("edge", Snapshot.of(resources), until="accepted")
        url = f"http://127.0.0.1:{unused_port}"
        async with aiohttp.ClientSession() as session:
            for path in ("/", "/", "/", "/fail"):
                async with session.get(url + path) as answer:
                    assert answer.status == (500 if path == "/fail" else 200)
        await until(lambda: kept.total("echo") == (3, 1))
        assert kept.localities("echo") == {("here", "", "")}


ROUTE = {"match": {"prefix": "/"}, "route": {"cluster": "echo"}}


@pytest.fixture
def unused_port() -> int:
    with create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


class Pong(grpc.GenericRpcHandler):
    """Answers every call."""

    def service(self, handler_call_details):
        return grpc.unary_unary_rpc_method_handler(lambda request, context: b"pong")


class TestGrpc:
    @pytest.fixture
    def backend(self):
        """The port of a gRPC server that answers every call."""
        server = grpc.server(ThreadPoolExecutor(1), [Pong()])
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        yield port
        server.stop(None)

    async def test_a_client_says_how_many_calls_it_made(self, served, backend):
        server, (host, port), kept = served
        await server.publish("callers", Snapshot.of(greeter(backend)))
        asked = {"server_uri": f"{host}:{port}", "channel_creds": [{"type": "insecure"}], "server_features": ["xds_v3"]}
        told = {"node": {"id": "caller", "cluster": "callers"}, "xds_servers": [asked]}
        environment = {**os.environ, "GRPC_XDS_BOOTSTRAP_CONFIG": json.dumps(told), "GRPC_VERBOSITY": "NONE"}
        async with await anyio.open_process([sys.executable, str(CALLER)], env=environment, stderr=DEVNULL) as caller:
            await caller.stdin.send(b'["greeter", "greeter"]\n')
            with anyio.fail_after(DEADLINE):
                assert json.loads(await caller.stdout.receive()) == ["OK", "OK"]
            await until(lambda: kept.total("greeter") == (2, 0))
            await caller.stdin.aclose()


def greeter(port: int) -> list[Resource]:
    """What a gRPC client of `xds:///greeter` is served; it is to report to whom it asks."""
    rds = {"route_config_name": "greeter", "config_source": ADS}
    manager = {"@type": HCM, "rds": rds, "http_filters": [ROUTER]}
    route = {"match": {"prefix": ""}, "route": {"cluster": "greeter"}}
    host = {"name": "all", "domains": ["*"], "routes": [route]}
    return [
        resource({"@type": LDS, "name": "greeter", "api_listener": {"api_listener": manager}}),
        resource({"@type": RDS, "name": "greeter", "virtual_hosts": [host]}),
        cluster("greeter", lrs_server={"self": {}}),
        endpoints("greeter", port),
    ]

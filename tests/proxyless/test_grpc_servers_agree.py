"""The linter and real gRPC servers agree on what a server's listener may be."""

from __future__ import annotations

import json
import os
import socket
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import anyio
import grpc.aio
import pytest
from grpc_tree import ENVOY, FAULT, GONE, HCM, ROUTER, TLS, http_filter, provider

from xds.codec import resource
from xds.codec.proxyless import flaws, is_for_grpc
from xds.model import Resource, Snapshot
from xds.model.type_url import LDS
from xds.server.xds_server import XdsServer

PROGRAM = Path(__file__).with_name("grpc_listener.py")
TEMPLATE = "grpc/server?xds.resource.listening_address=%s"
DEADLINE = 60.0


def chain(*filters: dict[str, Any], **more: Any) -> dict[str, Any]:
    routes = [{"match": {"prefix": ""}, "non_forwarding_action": {}}]
    hosts = [{"name": "all", "domains": ["*"], "routes": routes}]
    manager = {"@type": HCM, "route_config": {"virtual_hosts": hosts}, "http_filters": [*filters, ROUTER]}
    return {"filters": [{"name": "manager", "typed_config": manager}], **more}


def tls(**common: Any) -> dict[str, Any]:
    return {"name": "tls", "typed_config": {"@type": TLS + "DownstreamTlsContext", "common_tls_context": common}}


TCP = {"name": "tcp", "typed_config": {"@type": ENVOY + "extensions.filters.network.tcp_proxy.v3.TcpProxy"}}
CASES: dict[str, dict[str, Any]] = {
    "good": {},
    "rbac": {"filter_chains": [chain(http_filter("rbac.v3.RBAC"))]},
    "fault": {"filter_chains": [chain(FAULT)]},
    "session": {"filter_chains": [chain(http_filter("stateful_session.v3.StatefulSession"))]},
    "no-chains": {"filter_chains": []},
    "default-chain": {"filter_chains": [], "default_filter_chain": chain()},
    "two-managers": {"filter_chains": [{"filters": chain()["filters"] * 2}]},
    "no-manager": {"filter_chains": [{"filters": []}]},
    "tcp": {"filter_chains": [{"filters": [TCP]}]},
    "original-destination": {"use_original_dst": True},
    "another-port": {"address": {"socket_address": {"address": "127.0.0.1", "port_value": 1}}},
    "another-host": {"address": {"socket_address": {"address": "127.0.0.2"}}},
    "no-address": {"address": GONE},
    "tls-without-certificate": {"filter_chains": [chain(transport_socket=tls(validation_context=provider("ours")))]},
}


def listener(port: int, edits: dict[str, Any]) -> Resource:
    """The listener of the server at this port."""
    name = TEMPLATE % f"127.0.0.1:{port}"
    here = {"socket_address": {"address": "127.0.0.1", "port_value": port}}
    body = {"@type": LDS, "name": name, "address": here, "filter_chains": [chain()], **edits}
    if (address := body["address"]) is GONE:
        del body["address"]
    else:
        address["socket_address"].setdefault("port_value", port)
    return resource(body)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


async def served(ports: dict[str, int]) -> dict[str, bool]:
    """Which of the servers answers."""
    server = XdsServer()
    async with AsyncExitStack() as stack:
        host, port = await stack.enter_async_context(server.serve())
        await server.publish("servers", Snapshot.of(listener(ports[name], CASES[name]) for name in CASES))
        program = await stack.enter_async_context(
            await anyio.open_process([sys.executable, str(PROGRAM)], env=told(host, port))
        )
        stack.callback(program.terminate)
        await program.stdin.send(json.dumps(list(ports.values())).encode() + b"\n")
        with anyio.fail_after(DEADLINE):
            await program.stdout.receive()
            while not server.fleet.is_live("servers"):  # noqa: ASYNC110  a program of its own tells nobody
                await anyio.sleep(0.02)
        return {name: await answers(at) for name, at in ports.items()}


def told(host: str, port: int) -> dict[str, str]:
    """The environment of a server that asks there."""
    asked = {"server_uri": f"{host}:{port}", "channel_creds": [{"type": "insecure"}], "server_features": ["xds_v3"]}
    node = {"id": "server", "cluster": "servers"}
    bootstrap = {"node": node, "server_listener_resource_name_template": TEMPLATE, "xds_servers": [asked]}
    bootstrap["certificate_providers"] = {
        "ours": {"plugin_name": "file_watcher", "config": {"ca_certificate_file": "/none", "refresh_interval": "600s"}}
    }
    return {**os.environ, "GRPC_XDS_BOOTSTRAP_CONFIG": json.dumps(bootstrap), "GRPC_VERBOSITY": "NONE"}


async def answers(port: int) -> bool:
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        try:
            await channel.unary_unary("/acme.Service/Call")(b"ping", timeout=DEADLINE)
        except grpc.aio.AioRpcError:
            return False
    return True


@pytest.fixture(scope="module")
def ports():
    return {name: free_port() for name in CASES}


@pytest.fixture(scope="module")
def outcome(ports):
    """What became of all cases."""
    return anyio.run(served, ports)


@pytest.mark.parametrize("name", CASES)
def test_a_server_listens_where_nothing_is_wrong_with_its_listener(outcome, ports, name):
    one = listener(ports[name], CASES[name])
    assert is_for_grpc(one)
    assert outcome[name] is not bool(flaws(one))

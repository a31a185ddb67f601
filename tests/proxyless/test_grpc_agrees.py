"""The linter and a real gRPC client agree on what is wrong."""

from __future__ import annotations

import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import anyio
import grpc
import pytest
from grpc_tree import CASES, balancing, tree

from xds.codec import resource
from xds.codec.proxyless import flaws, is_for_grpc
from xds.model import Severity, Snapshot
from xds.model.type_url import LDS
from xds.server.xds_server import XdsServer

CALLER = Path(__file__).with_name("grpc_caller.py")
CERTIFICATES = {
    "ours": {"plugin_name": "file_watcher", "config": {"ca_certificate_file": "/none", "refresh_interval": "600s"}}
}


class Pong(grpc.GenericRpcHandler):
    """Answers every call."""

    def service(self, handler_call_details):
        return grpc.unary_unary_rpc_method_handler(lambda request, context: b"pong")


@pytest.fixture(scope="module")
def port():
    """Where a gRPC server listens that answers every call."""
    server = grpc.server(ThreadPoolExecutor(4))
    server.add_generic_rpc_handlers((Pong(),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield port
    server.stop(None)


async def called(snapshot: Snapshot) -> tuple[dict[str, str], set[str]]:
    """A client calls every target of the cases: (target -> what came of the call, targets of what it refused)."""
    server = XdsServer()
    async with server.serve() as (host, port):
        await server.publish("callers", snapshot)
        asked = {"server_uri": f"{host}:{port}", "channel_creds": [{"type": "insecure"}], "server_features": ["xds_v3"]}
        node = {"id": "caller", "cluster": "callers"}
        bootstrap = {"node": node, "xds_servers": [asked], "certificate_providers": CERTIFICATES}
        environment = {**os.environ, "GRPC_XDS_BOOTSTRAP_CONFIG": json.dumps(bootstrap), "GRPC_VERBOSITY": "NONE"}
        async with await anyio.open_process([sys.executable, str(CALLER)], env=environment) as caller:
            await caller.stdin.send(json.dumps(list(CASES)).encode() + b"\n")
            with anyio.fail_after(60):
                endings = json.loads(await caller.stdout.receive())
                await server.fleet.answered("callers")
            await caller.stdin.aclose()
        return dict(zip(CASES, endings, strict=True)), {one.name for one in server.fleet.refusals()}


@pytest.fixture(scope="module")
def outcome(port):
    """What a client made of all cases."""
    return anyio.run(called, Snapshot.of(one for name, edits in CASES.items() for one in tree(name, port, *edits)))


def found(name: str) -> set[Severity]:
    return {flaw.severity for one in tree(name, 1, *CASES[name]) for flaw in flaws(one)}


@pytest.mark.parametrize("name", CASES)
def test_an_error_is_what_a_client_refuses(outcome, name):
    assert (Severity.ERROR in found(name)) is (name in outcome[1])


@pytest.mark.parametrize("name", [name for name in CASES if found(name) == {Severity.WARNING}])
def test_a_warning_is_what_a_client_takes_and_cannot_use(outcome, name):
    endings, refused = outcome
    assert endings[name] == "UNAVAILABLE"
    assert name not in refused


def test_calls_go_through_where_nothing_is_wrong(outcome):
    """Except where TLS or DNS leads elsewhere."""
    well = {name for name in CASES if not found(name) and not name.startswith(("tls-", "logical-dns"))}
    assert {name for name in well if outcome[0][name] != "OK"} == set()


@pytest.mark.parametrize("edit", [("cds", "lb_policy", "LEAST_REQUEST"), balancing("least_request.v3.LeastRequest")])
def test_what_only_some_grpc_clients_know_is_a_warning(edit):
    assert [flaw.severity for one in tree("least", 1, edit) for flaw in flaws(one)] == [Severity.WARNING]


def test_only_the_listener_of_a_tree_is_asked_for_by_its_target():
    listener, *_ = tree("good", 1)
    assert is_for_grpc(listener)
    assert not is_for_grpc(resource({"@type": LDS, "name": "http", "address": {}}))

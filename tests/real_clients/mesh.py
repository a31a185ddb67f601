"""The mesh: a control plane with one node group, a relay in front of it, and a gRPC client without a proxy behind that."""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import PIPE
from typing import Any

import anyio
from anyio.abc import Process
from anyio.streams.buffered import BufferedByteReceiveStream
from envoy_proxy import GROUP
from grpclib.const import Cardinality, Handler
from grpclib.server import Server
from network import ADS, EXTENSIONS, cluster, endpoints, route
from patience import SECONDS, until
from recording import breaches
from relay import Relay, relaying

from xds.codec import resource
from xds.codec.bootstrap import NO_TLS, grpc_bootstrap
from xds.model import Resource, Snapshot
from xds.model.type_url import LDS
from xds.server.discovery import PassThrough
from xds.server.xds_server import Publication, XdsServer

CALLER = Path(__file__).with_name("xds_caller.py")
LONG = 20
"""Seconds for an answer: more than a call may take, so that it is the call's own end that is seen."""


class Caller:
    """The client. Its calls end within 12 s, each with an answer or an error."""

    def __init__(self, process: Process) -> None:
        self._process, self._said = process, BufferedByteReceiveStream(process.stdout)

    async def calls(self, target: str, times: int = 1) -> Counter[str]:
        """Makes calls to `xds:///target`: what they ended with -> how often."""
        await self._process.stdin.send(json.dumps([target, times]).encode() + b"\n")
        with anyio.fail_after(LONG):
            return Counter(json.loads(await self._said.receive_until(b"\n", 1 << 20)))

    async def only(self, target: str, answer: str) -> None:
        """Returns when calls have this answer."""

        async def so() -> bool:
            return await self.calls(target) == {answer: 1}

        await until(so)


@asynccontextmanager
async def calling(xds: tuple[str, int], *, tls: Mapping[str, str] = NO_TLS, **variables: str) -> AsyncIterator[Caller]:
    """A client of this control plane inside the `async with`, with these files of TLS and environment variables."""
    bootstrap = json.dumps(grpc_bootstrap(GROUP, "caller", xds, tls))
    environment = {**os.environ, "GRPC_XDS_BOOTSTRAP_CONFIG": bootstrap, **variables}
    async with await anyio.open_process(
        [sys.executable, str(CALLER)], stdin=PIPE, stdout=PIPE, stderr=None, env=environment
    ) as process:
        try:
            yield Caller(process)
        finally:
            process.kill()


@dataclass(eq=False)
class Mesh:
    """All that a test needs of it."""

    server: XdsServer
    relay: Relay
    caller: Caller

    async def publish(self, *resources: Resource) -> Publication:
        """Publishes this, and returns when the client has answered all of it."""
        self.relay.mark()
        with anyio.fail_after(SECONDS):
            return await self.server.publish(GROUP, Snapshot.of(resources), until="accepted")


@asynccontextmanager
async def a_mesh(*resources: Resource, **variables: str) -> AsyncIterator[Mesh]:
    """A mesh with these resources, and a client with these environment variables."""
    server = XdsServer(identifier="real clients")
    await server.publish(GROUP, Snapshot.of(resources))
    async with server.serve() as address, relaying(address) as relay, calling(relay.address, **variables) as caller:
        yield Mesh(server, relay, caller)
        assert not (wrong := breaches(relay, "sotw")), wrong


class Saying:
    """A service that answers every call with a word."""

    def __init__(self, word: str) -> None:
        self._word = word.encode()

    def __mapping__(self) -> dict[str, Handler]:
        return {"/acme.Service/Call": Handler(self._call, Cardinality.UNARY_UNARY, bytes, bytes)}

    async def _call(self, stream: Any) -> None:
        await stream.recv_message()
        await stream.send_message(self._word)


@asynccontextmanager
async def saying(word: str) -> AsyncIterator[int]:
    """A gRPC backend that answers every call with a word; gives its port."""
    server = Server([Saying(word)], codec=PassThrough())
    await server.start("127.0.0.1", 0)
    yield server._server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()


def target(name: str, **manager: Any) -> Resource:
    """The listener of `xds:///name`, which asks for the routes of that name, or has a `route_config`."""
    routes = manager or {"rds": {"route_config_name": name, "config_source": ADS}}
    router = {"name": "router", "typed_config": {"@type": EXTENSIONS + "filters.http.router.v3.Router"}}
    kind = EXTENSIONS + "filters.network.http_connection_manager.v3.HttpConnectionManager"
    body = {"@type": kind, "http_filters": [router], **routes}
    return resource({"@type": LDS, "name": name, "api_listener": {"api_listener": body}})


def tree(name: str, *ports: int) -> tuple[Resource, ...]:
    """A target, and a route, a cluster and endpoints of its name."""
    return target(name), route(name, rest=name), cluster(name), endpoints(name, *ports)

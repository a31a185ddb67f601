"""A server on a loopback port, for real gRPC clients of every discovery service."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import anyio
import grpc.aio
import pytest
from blockbuster import blockbuster_ctx
from discovery_world import SOON, Call
from prometheus_client.parser import text_string_to_metric_families

from xds.codec.descriptors import pool
from xds.model import Resource, Snapshot
from xds.server.service import METHODS
from xds.server.xds_server import XdsServer


@pytest.fixture(autouse=True)
def _nothing_blocks() -> Iterator[None]:
    """A call of ours that blocks the event loop is an error; the descriptors are read once, at the start."""
    pool()
    with blockbuster_ctx("xds"):
        yield


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session", autouse=True)
async def _one_loop(anyio_backend: str) -> AsyncIterator[None]:
    """Keeps one event loop, and grpc, for all tests: grpc ends when its last channel is forgotten, which blocks, and may
    still tell a loop of what happened when that is closed.
    """
    grpc.aio.init_grpc_aio()
    yield
    grpc.aio.shutdown_grpc_aio()


@dataclass
class Served:
    """A server and a channel to it."""

    server: XdsServer
    target: str
    channel: Any
    calls: list[Any] = field(default_factory=list)

    def open(self, path: str, metadata: Any = None) -> Call:
        """A stream of the method with this path."""
        call = self.channel.stream_stream(path)(metadata=metadata)
        self.calls.append(call)
        return Call(call, METHODS[path].dialect)

    async def publish(self, *resources: Resource, group: str = "edge") -> None:
        await self.server.publish(group, Snapshot.of(resources))

    def counted(self, name: str, **labels: str) -> float:
        """A metric's value, as Prometheus reads it; 0 when there is none."""
        families = text_string_to_metric_families(self.server.metrics.render()[1].decode())
        samples = [one for family in families for one in family.samples]
        return sum(one.value for one in samples if one.name == name and labels.items() <= one.labels.items())

    async def until(self, condition: Any) -> None:
        with anyio.fail_after(SOON):
            while not condition():  # noqa: ASYNC110  nobody tells when a test's condition comes true
                await anyio.sleep(0.005)


@pytest.fixture
def serving() -> Any:
    """Serves an XdsServer that a test made."""
    return _serving


@asynccontextmanager
async def _serving(server: XdsServer) -> AsyncIterator[Served]:
    async with (
        server.serve() as (host, port),
        grpc.aio.insecure_channel(f"{host}:{port}", options=[("grpc.use_local_subchannel_pool", 1)]) as channel,
    ):
        made = Served(server, f"{host}:{port}", channel)
        yield made
        for call in made.calls:
            call.cancel()
        await made.until(lambda: not list(server.fleet.sessions()))


@pytest.fixture
async def served(anyio_backend: str) -> AsyncIterator[Served]:
    """A server with nothing special to it."""
    async with _serving(XdsServer(identifier="me")) as made:
        yield made

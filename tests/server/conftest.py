"""A discovery service on a loopback port, for a real gRPC client."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import grpc.aio
import pytest
from blockbuster import blockbuster_ctx
from discovery_world import World

from xds.codec.descriptors import pool
from xds.server.discovery import Discovery, PassThrough
from xds.server.fleet import Fleet
from xds.server.grpc_server import serve
from xds.server.metrics import Metrics
from xds.server.transport import Transport


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


@pytest.fixture
async def world(anyio_backend: str) -> AsyncIterator[World]:
    fleet = Fleet()
    discovery = Discovery(fleet, Metrics(), identifier="me")
    async with serve([discovery], PassThrough(), Transport(), "127.0.0.1", 0) as (host, port):
        target = f"{host}:{port}"
        async with grpc.aio.insecure_channel(target, options=[("grpc.use_local_subchannel_pool", 1)]) as channel:
            made = World(fleet, discovery, channel, target)
            yield made
            for call in made.calls:
                call.cancel()
            await made.until(lambda: not list(fleet.sessions()))

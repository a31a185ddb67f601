"""A server on a loopback port, on the terms that a test wants, and clients of two kinds."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import grpc.aio
import pytest
from anyio import to_thread
from blockbuster import blockbuster_ctx
from grpc_client import Talks

from xds.server import client_connection
from xds.server.authority import OPEN
from xds.server.transport import Transport
from xds.server.xds_server import XdsServer


@pytest.fixture(scope="module", params=["asyncio", "uvloop"])
def anyio_backend(request):
    return "asyncio", {"use_uvloop": request.param == "uvloop"}


@pytest.fixture(scope="module", autouse=True)
async def _one_loop(anyio_backend):
    """Keeps one event loop, and grpc: it may still tell a loop of what happened when its last client has ended."""
    grpc.aio.init_grpc_aio()
    yield
    grpc.aio.shutdown_grpc_aio()


@pytest.fixture(autouse=True)
def _nothing_blocks():
    with blockbuster_ctx(scanned_modules=["xds.server"]):
        yield


@pytest.fixture
def serving():
    """Serves on these terms while the block runs: (server, address)."""

    @asynccontextmanager
    async def served(*, authority=OPEN, **terms) -> AsyncIterator[tuple[XdsServer, tuple[str, int]]]:
        made = partial(XdsServer, identifier="me", authority=authority, transport=Transport(**terms))
        server = await to_thread.run_sync(made)  # metrics read the version of Legation from its files
        async with server.serve() as address:
            yield server, address

    return served


@pytest.fixture
async def talks(anyio_backend):
    """Streams of real gRPC clients."""
    async with Talks.open() as made:
        yield made


@pytest.fixture
def connections(monkeypatch):
    """The connections of the servers of a test."""
    made = []
    begin = client_connection.ClientConnection.connection_made

    def beginning(self, transport):
        made.append(self)
        begin(self, transport)

    monkeypatch.setattr(client_connection.ClientConnection, "connection_made", beginning)
    return made

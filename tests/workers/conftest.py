"""One loop for all tests of workers, and a server with two."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import grpc.aio
import pytest
from blockbuster import blockbuster_ctx
from crew_world import World, crewed

from xds.codec.descriptors import pool


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
    """Keeps one event loop, and grpc, for all tests: grpc ends when its last channel is forgotten, which blocks."""
    grpc.aio.init_grpc_aio()
    yield
    grpc.aio.shutdown_grpc_aio()


@pytest.fixture
async def world(anyio_backend: str) -> AsyncIterator[World]:
    async with crewed() as made:
        yield made

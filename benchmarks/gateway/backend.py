"""A backend that answers every request with 200 and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Backend(asyncio.Protocol):
    """A connection of `opened`; the requests of an Envoy have no body, and come one by one."""

    def __init__(self, opened: set[asyncio.Transport]) -> None:
        self._opened, self._head = opened, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It is open."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._opened.add(transport)

    def connection_lost(self, _: Exception | None) -> None:
        """It is closed."""
        self._opened.discard(self._transport)

    def data_received(self, data: bytes) -> None:
        """Answers when a request is complete."""
        self._head += data
        if self._head.endswith(b"\r\n\r\n"):
            self._head = b""
            self._transport.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")


@asynccontextmanager
async def backend(address: str = "127.0.0.1") -> AsyncIterator[int]:
    """The port of a backend at an address of this machine, inside the `async with`."""
    opened = set[asyncio.Transport]()
    server = await asyncio.get_running_loop().create_server(lambda: Backend(opened), address, 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for transport in opened:
            transport.abort()

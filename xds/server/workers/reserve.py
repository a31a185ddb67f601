"""Reserving a port: it stays this program's whatever becomes of the workers, and nobody else's while they come and go."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager

from xds.model import ConfigError
from xds.server.grpc_server import listen


@asynccontextmanager
async def reserved(host: str, port: int) -> AsyncIterator[tuple[str, int]]:
    """Keeps a port for the workers inside the `async with`; gives the (host, port), where port 0 takes any free one.

    Raises ConfigError where it cannot be opened, and where a system does not let processes share one.
    """
    if not hasattr(socket, "SO_REUSEPORT"):
        raise ConfigError("this system lets no processes share a port", field="xds.workers", hint="write workers: 1")
    alone = await listen(host, port)  # fails where anybody else has the port, and would share it
    port = alone[0].getsockname()[1]
    families = [(one.family, one.getsockname()[0]) for one in alone]
    for one in alone:
        one.close()
    with ExitStack() as stack:
        for family, address in families:
            stack.enter_context(_bound(family, address, port))
        yield families[0][1], port


def _bound(family: int, address: str, port: int) -> socket.socket:
    """A socket that has the address and takes up nobody."""
    one = socket.socket(family, socket.SOCK_STREAM)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    if family == socket.AF_INET6:
        one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    one.bind((address, port))
    return one

"""The sockets of connections."""

from __future__ import annotations

import socket

from raw_client import connected


async def test_what_is_small_is_sent_at_once(serving, connections):
    """A response is several small writes: none of them waits until the client's system has acknowledged the one before."""
    async with serving() as (_, address), connected(address):
        (connection,) = connections
        accepted = connection.connection.transport.get_extra_info("socket")
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)

"""A cable to a server: a TCP proxy on loopback that can be cut."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
from anyio.abc import SocketAttribute, SocketStream

BROKEN = (anyio.BrokenResourceError, anyio.ClosedResourceError, anyio.EndOfStream, OSError)


class Cable:
    """Passes bytes on, both ways. While it is `down`, whoever calls is hung up on."""

    def __init__(self, to: int) -> None:
        self.port, self._to = 0, to
        self.down = False
        self._connections: set[anyio.CancelScope] = set()
        self._clogged = 0

    def cut(self) -> None:
        """Breaks every connection off, in the middle of whatever it carries."""
        for one in self._connections:
            one.cancel()

    def clog(self) -> None:
        """Leaves every connection open, and passes nothing on any more; new ones are as they should be."""
        self._clogged += 1

    async def carry(self, near: SocketStream) -> None:
        """One connection, to its end."""
        async with near:
            if self.down:
                return
            with anyio.CancelScope() as scope:
                self._connections.add(scope)
                await self._join(near)
            self._connections.discard(scope)

    async def _join(self, near: SocketStream) -> None:
        try:
            far = await anyio.connect_tcp("127.0.0.1", self._to)
        except OSError:
            return
        async with far, anyio.create_task_group() as tasks:
            for one, other in ((near, far), (far, near)):
                tasks.start_soon(self._pass, one, other, tasks.cancel_scope)

    async def _pass(self, one: SocketStream, other: SocketStream, ended: anyio.CancelScope) -> None:
        clogged = self._clogged
        try:
            while True:
                data = await one.receive()
                if clogged != self._clogged:
                    await anyio.sleep_forever()
                await other.send(data)
        except BROKEN:
            ended.cancel()


@asynccontextmanager
async def cable(url: str) -> AsyncIterator[Cable]:
    """A cable to the server at this URL; `port` of loopback is its near end."""
    made = Cable(int(url.rpartition(":")[2]))
    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    made.port = listener.extra(SocketAttribute.local_port)
    async with listener, anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, made.carry)
        yield made
        tasks.cancel_scope.cancel()

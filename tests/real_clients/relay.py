"""A relay between a client and its control plane: it reads the HTTP/2 frames that it passes on, and can cut the wire."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial

import anyio
from anyio.abc import SocketAttribute, SocketStream

HEAD, DATA = 9, 0
PREFIX = 5
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


@dataclass(eq=False)
class Relay:
    """Passes on what a client on `address` says to the control plane on `target`, and back.

    `calls` are the requests of each connection, and `answered` is every answer, as messages: a client of ours has one call
    on a connection. When `cuts` is set, the first answer that has these bytes in it is not passed on: the connection ends
    instead, once.
    """

    target: tuple[str, int]
    address: tuple[str, int] = ("", 0)
    calls: list[list[bytes]] = field(default_factory=list)
    answered: list[bytes] = field(default_factory=list)
    cuts: bytes = b""

    @property
    def asked(self) -> list[bytes]:
        """Every request."""
        return [request for call in self.calls for request in call]

    async def serve(self, client: SocketStream) -> None:
        """One connection."""
        asked: list[bytes] = []
        self.calls.append(asked)
        with suppress(OSError):  # nobody is there: the client is told by the end of its connection
            async with client, await anyio.connect_tcp(*self.target) as server, anyio.create_task_group() as tasks:
                tasks.start_soon(self._pass_on, client, server, asked, tasks.cancel_scope)
                await self._pass_on(server, client, self.answered, tasks.cancel_scope)

    async def _pass_on(self, source: SocketStream, drain: SocketStream, seen: list[bytes], scope: anyio.CancelScope) -> None:
        data = b""
        try:
            async for frame in _frames(source):
                if seen is self.answered and self._is_cut(frame):
                    break
                if frame[3] == DATA:
                    data = _take_messages(data + frame[HEAD:], seen)
                await drain.send(frame)
        except (anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError):
            pass
        scope.cancel()

    def _is_cut(self, frame: bytes) -> bool:
        if not self.cuts or self.cuts not in frame:
            return False
        self.cuts = b""
        return True


def _take_messages(data: bytes, seen: list[bytes]) -> bytes:
    """Notes the messages that are complete. Returns the rest."""
    while len(data) >= PREFIX and len(data) >= (end := PREFIX + int.from_bytes(data[1:PREFIX])):
        seen.append(data[PREFIX:end])
        data = data[end:]
    return data


async def _frames(stream: SocketStream) -> AsyncIterator[bytes]:
    """The HTTP/2 frames of one direction, whole; what a client says before the first stands as one as well."""
    buffer = b""
    while True:
        while (size := _size(buffer)) and len(buffer) >= size:
            frame, buffer = buffer[:size], buffer[size:]
            yield frame
        buffer += await stream.receive()


def _size(buffer: bytes) -> int:
    if buffer.startswith(PREFACE[: len(buffer)]) and buffer:
        return len(PREFACE)
    return HEAD + int.from_bytes(buffer[:3]) if len(buffer) >= HEAD else 0


@asynccontextmanager
async def relaying(target: tuple[str, int]) -> AsyncIterator[Relay]:
    """A relay to the control plane inside the `async with`; whoever is connected then is cut off."""
    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    relay = Relay(target, listener.extra(SocketAttribute.local_address)[:2])
    async with listener, anyio.create_task_group() as tasks:
        tasks.start_soon(partial(listener.serve, relay.serve))
        yield relay
        tasks.cancel_scope.cancel()

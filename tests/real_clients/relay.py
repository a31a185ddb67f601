"""A relay between a client and its control plane: it reads the HTTP/2 frames that it passes on, and can cut the wire."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum, auto
from functools import partial

import anyio
from anyio.abc import SocketAttribute, SocketStream

HEAD, DATA = 9, 0
PREFIX = 5
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


class Side(Enum):
    """Who says something: one of the two, or the author of what is served, who changes it."""

    CLIENT = auto()
    SERVER = auto()
    AUTHOR = auto()


@dataclass(frozen=True)
class Said:
    """A message on a call; an author's has no words."""

    by: Side
    message: bytes = b""


@dataclass(eq=False)
class Relay:
    """Passes on what a client on `address` says to the control plane on `target`, and back.

    `calls` is what was said on each call, that is on each HTTP/2 stream. When `cuts` is set, the first answer that has
    these bytes in it is not passed on: the connection ends instead, once.
    """

    target: tuple[str, int]
    address: tuple[str, int] = ("", 0)
    calls: list[list[Said]] = field(default_factory=list)
    cuts: bytes = b""

    @property
    def asked(self) -> list[bytes]:
        """Every request."""
        return [said.message for call in self.calls for said in call if said.by is Side.CLIENT]

    @property
    def answered(self) -> list[bytes]:
        """Every answer."""
        return [said.message for call in self.calls for said in call if said.by is Side.SERVER]

    def mark(self) -> None:
        """Notes in every call that something else is served from now on."""
        for call in self.calls:
            call.append(Said(Side.AUTHOR))

    async def serve(self, client: SocketStream) -> None:
        """One connection."""
        calls: dict[bytes, list[Said]] = {}
        with suppress(OSError):  # nobody is there: the client is told by the end of its connection
            async with client, await anyio.connect_tcp(*self.target) as server, anyio.create_task_group() as tasks:
                tasks.start_soon(self._pass_on, Side.CLIENT, client, server, calls)
                await self._pass_on(Side.SERVER, server, client, calls)
                tasks.cancel_scope.cancel()

    async def _pass_on(self, by: Side, source: SocketStream, drain: SocketStream, calls: dict[bytes, list[Said]]) -> None:
        """Until one of them ends, or the wire is cut."""
        rests: dict[bytes, bytes] = {}
        with suppress(anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError):
            async for frame in _frames(source):
                if by is Side.SERVER and self._is_cut(frame):
                    break
                if frame[3] == DATA:
                    stream = frame[5:HEAD]
                    messages, rests[stream] = _messages(rests.get(stream, b"") + frame[HEAD:])
                    self._call(calls, stream).extend(Said(by, message) for message in messages)
                await drain.send(frame)
        await drain.aclose()

    def _call(self, calls: dict[bytes, list[Said]], stream: bytes) -> list[Said]:
        if stream not in calls:
            calls[stream] = []
            self.calls.append(calls[stream])
        return calls[stream]

    def _is_cut(self, frame: bytes) -> bool:
        if not self.cuts or self.cuts not in frame:
            return False
        self.cuts = b""
        return True


def _messages(data: bytes) -> tuple[list[bytes], bytes]:
    """The messages that are complete, and the rest."""
    messages = []
    while len(data) >= PREFIX and len(data) >= (end := PREFIX + int.from_bytes(data[1:PREFIX])):
        messages.append(data[PREFIX:end])
        data = data[end:]
    return messages, data


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

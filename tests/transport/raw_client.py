"""A client that speaks HTTP/2 frame by frame, well or badly, as a test wants it."""

from __future__ import annotations

import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import anyio
from anyio.abc import SocketStream
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import ConnectionTerminated, DataReceived, Event, ResponseReceived, StreamEnded, StreamReset, TrailersReceived

from xds.protocol import DELTA, SOTW, Dialect

SOON = 30
"""Seconds, after which a test gives up waiting, however busy this machine is."""

ADS = "/envoy.service.discovery.v3.AggregatedDiscoveryService/"
PATHS = {SOTW: ADS + "StreamAggregatedResources", DELTA: ADS + "DeltaAggregatedResources"}


def framed(message: bytes, *, compressed: bool = False) -> bytes:
    """A message with gRPC's prefix."""
    return struct.pack(">?I", compressed, len(message)) + message


class LastingConnection(H2Connection):
    """h2's connection, which hears what comes after GOAWAY: h2 itself takes it for the end."""

    def _receive_goaway_frame(self, frame):
        event = ConnectionTerminated()
        event.error_code, event.last_stream_id = frame.error_code, frame.last_stream_id
        return [], [event]


@dataclass
class RawClient:
    """One connection. It reads only while a test waits for something."""

    socket: SocketStream
    http2: H2Connection
    events: list[Event] = field(default_factory=list)
    closed: bool = False
    reads: bool = True
    """Whether it makes room for more when it has taken something."""

    async def open(self, dialect: Dialect = SOTW, **headers: str) -> int:
        """A new stream."""
        stream = self.http2.get_next_available_stream_id()
        path = PATHS[dialect]
        pseudo = [(":method", "POST"), (":scheme", "http"), (":path", path), (":authority", "xds")]
        more = [(name.replace("_", "-"), value) for name, value in headers.items()]
        self.http2.send_headers(stream, [*pseudo, ("te", "trailers"), ("content-type", "application/grpc"), *more])
        await self.flush()
        return stream

    async def send(self, stream: int, data: bytes, *, end: bool = False) -> None:
        """Bytes on a stream, at once: no window is waited for."""
        size = self.http2.max_outbound_frame_size
        for start in range(0, max(len(data), 1), size):
            self.http2.send_data(stream, data[start : start + size], end and start + size >= len(data))
        await self.flush()

    async def send_patiently(self, stream: int, data: bytes) -> None:
        """Bytes on a stream as the server makes room for them; what it no longer wants is kept."""
        while data:
            room = min(self.http2.local_flow_control_window(stream), self.http2.max_outbound_frame_size)
            if room:
                await self.send(stream, data[:room])
                data = data[room:]
            elif self.seen(stream, StreamEnded, StreamReset):
                return
            else:
                await self.listen()

    async def flush(self) -> None:
        if data := self.http2.data_to_send():
            await self.socket.send(data)

    async def listen(self) -> None:
        """Says what it has to say, and takes what comes next."""
        try:
            await self.flush()
            with anyio.fail_after(SOON):
                data = await self.socket.receive()
        except (anyio.EndOfStream, anyio.BrokenResourceError):
            self.closed = True
            return
        events = self.http2.receive_data(data)
        for one in events:
            if isinstance(one, DataReceived) and self.reads:
                self.http2.acknowledge_received_data(one.flow_controlled_length, one.stream_id)
        self.events += events

    def seen(self, stream: int, *kinds: type[Event]) -> list[Event]:
        return [one for one in self.events if isinstance(one, kinds) and getattr(one, "stream_id", stream) == stream]

    async def until(self, condition) -> None:
        """Listens until something holds, or the connection is closed."""
        while not (condition() or self.closed):
            await self.listen()
        assert condition(), [type(one).__name__ for one in self.events[-20:]]

    async def status(self, stream: int) -> tuple[str, str]:
        """(number, words) of the gRPC status that a stream ended with."""
        await self.until(lambda: self.seen(stream, StreamEnded))
        (last, *_) = reversed(self.seen(stream, ResponseReceived, TrailersReceived))
        headers = dict(last.headers)
        return headers["grpc-status"], headers.get("grpc-message", "")

    def data(self, stream: int) -> bytes:
        return b"".join(one.data for one in self.seen(stream, DataReceived))

    def goaways(self) -> list[tuple[int, int]]:
        """(error, last stream) of what the server said when it closed."""
        return [(one.error_code, one.last_stream_id) for one in self.events if isinstance(one, ConnectionTerminated)]


@asynccontextmanager
async def connected(address: tuple[str, int]) -> AsyncIterator[RawClient]:
    """A connection with its settings exchanged."""
    async with await anyio.connect_tcp(*address) as socket:
        http2 = LastingConnection(H2Configuration(header_encoding="ascii"))
        http2.initiate_connection()
        client = RawClient(socket, http2)
        await client.flush()
        await client.listen()
        yield client

"""One client's connection, from its first byte to its last, and how it ends well."""

from __future__ import annotations

import asyncio
import random
from asyncio import BaseTransport, TimerHandle, Transport
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from sys import intern
from typing import Any, Final, TypeAlias, cast

from grpclib.config import Configuration
from grpclib.protocol import AbstractHandler, EventsProcessor, H2Protocol
from h2.config import H2Configuration
from h2.errors import ErrorCodes
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    Event,
    PingAckReceived,
    RemoteSettingsChanged,
    RequestReceived,
    StreamEnded,
    StreamReset,
    WindowUpdated,
)
from h2.exceptions import FlowControlError
from h2.settings import Settings
from hyperframe.frame import GoAwayFrame

from xds.server.connection import CONNECTION_WINDOW, LINGER, Connection
from xds.server.demultiplexer import HEADER, Demultiplexer
from xds.server.http2 import Http2
from xds.server.http2_stream import Http2Stream
from xds.server.pace import Gate
from xds.server.signal import Signal
from xds.server.transport import Transport as Terms

Headers: TypeAlias = list[tuple[str, str]]

JITTER: Final = 0.1
"""The part of its greatest age by which a connection may end sooner or later: not all come back at the same time."""


@dataclass(frozen=True, slots=True)
class Reception:
    """What all connections of one server share. `left` is set whenever one of `connections` has ended."""

    terms: Terms
    grpclib: Configuration
    http2: H2Configuration
    settings: Settings
    gate: Gate
    connections: set[ClientConnection] = field(default_factory=set)
    left: Signal = field(default_factory=Signal)


class Processor(EventsProcessor):
    """What HTTP/2's events mean: streams begin and end."""

    connection: Connection
    streams: dict[int, Http2Stream]  # type: ignore[assignment]  # ours are
    leaving = False

    def __init__(self, handler: AbstractHandler, connection: Connection) -> None:
        self.handler, self.connection, self.streams = handler, connection, {}

    def process(self, event: Event) -> None:
        """Takes one event. Those that mean nothing here are ignored, as unknown frames must be (RFC 9113, 5.5)."""
        if (react := REACTIONS.get(type(event))) is not None and not self.connection.is_closing():
            react(self, event)

    def process_request_received(self, event: RequestReceived) -> None:
        """A stream begins; on a connection that is to end, the client is told to try it on another."""
        if event.stream_id not in self.connection.http2.streams:  # it was reset at once
            return
        if self.leaving:
            self.connection.http2.reset_stream(event.stream_id, ErrorCodes.REFUSED_STREAM)
            return
        headers = [(intern(name), intern(value)) for name, value in cast(Headers, event.headers)]
        named = dict(headers)
        encoding, measured = named.get("grpc-encoding", "identity"), "content-length" in named
        stream = Http2Stream(self.connection, event.stream_id, encoding, measured=measured)
        stream.headers = headers
        self.streams[stream.id] = stream
        self.handler.accept(stream, headers, partial(self._release, stream))

    def process_data_received(self, event: DataReceived) -> None:
        """Data that was h2's to read came; that of a stream which is over makes room for others."""
        if (stream := self.streams.get(event.stream_id)) is not None:
            stream.buffer.add(event.data, event.flow_controlled_length)
        else:
            self.connection.ack(event.stream_id, event.flow_controlled_length)

    def process_window_updated(self, event: WindowUpdated) -> None:
        """The client has room for more, on one stream or on all of them."""
        if event.stream_id == 0:
            self.go_on()
        elif (stream := self.streams.get(event.stream_id)) is not None:
            stream.go_on()

    def process_remote_settings_changed(self, event: RemoteSettingsChanged) -> None:  # noqa: ARG002  whatever it is
        """The client may have room for more."""
        self.go_on()

    def go_on(self) -> None:
        """There may be room for what every stream has to write."""
        for stream in self.streams.values():
            stream.go_on()

    def _release(self, stream: Http2Stream) -> None:
        """A stream has ended; the last one of a connection that is to end closes it."""
        stream.close()
        del self.streams[stream.id]
        self.connection.ack(stream.id, stream.buffer.unacked_size())
        self._close_when_left()

    def leave(self) -> None:
        """Lets the streams end well, and closes the connection after them."""
        self.leaving = True
        http2, transport = self.connection.http2, self.connection.transport
        # h2 has a word for it, but sends nothing more after it.
        transport.write(GoAwayFrame(0, last_stream_id=http2.highest_inbound_stream_id).serialize())
        for stream in self.streams.values():
            stream.finish()
        self._close_when_left()

    def _close_when_left(self) -> None:
        if self.leaving and not self.streams:
            self.connection.close()


REACTIONS: Final[Mapping[type[Event], Callable[[Processor, Any], None]]] = {
    RequestReceived: Processor.process_request_received,
    DataReceived: Processor.process_data_received,
    StreamEnded: Processor.process_stream_ended,
    StreamReset: Processor.process_stream_reset,
    WindowUpdated: Processor.process_window_updated,
    RemoteSettingsChanged: Processor.process_remote_settings_changed,
    PingAckReceived: Processor.process_ping_ack_received,
    ConnectionTerminated: Processor.process_connection_terminated,
}


class ClientConnection(H2Protocol):
    """grpclib's protocol with a connection of our own, and a greatest age."""

    connection: Connection
    processor: Processor

    def __init__(self, handler: AbstractHandler, reception: Reception) -> None:
        super().__init__(handler, reception.grpclib, reception.http2)
        self._reception = reception
        self._timers: list[TimerHandle] = []

    def connection_made(self, transport: BaseTransport) -> None:
        """The client is there, and its TLS handshake done: HTTP/2 begins."""
        terms = self._reception.terms
        http2 = Http2(self.h2_config, self._reception.settings)
        http2.initiate_connection()
        http2.increment_flow_control_window(CONNECTION_WINDOW - http2.inbound_flow_control_window)
        self.connection = Connection(http2, cast(Transport, transport), self.config, terms=terms, gate=self._reception.gate)
        self.connection.flush()
        self.connection.initialize()
        self.processor = Processor(self.handler, self.connection)
        self._frames = Demultiplexer(self.processor.streams)
        self._grow_old(terms.max_connection_age_seconds)
        self._reception.connections.add(self)

    def _grow_old(self, age: float | None) -> None:
        if age is not None:
            age *= random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311  nothing is secret about it
            self._timers.append(asyncio.get_running_loop().call_later(age, self.leave))

    def data_received(self, data: bytes) -> None:
        """Bytes came: to streams that are open, and to h2."""
        try:
            if (stream := self._frames.whole(data)) is not None:
                stream.take(data[HEADER:])
            else:
                self._take_apart(data)
        except FlowControlError as error:
            self.connection.http2.close_connection(error.error_code)
            self.connection.flush()
            self.processor.close("Protocol error")

    def _take_apart(self, data: bytes) -> None:
        for stream, piece in self._frames.split(data):
            if self.connection.is_closing():
                return
            if stream is None:
                super().data_received(piece)
            else:
                stream.take(piece)

    def resume_writing(self) -> None:
        """The client reads again."""
        super().resume_writing()
        self.processor.go_on()

    def leave(self) -> None:
        """Sends the client away: GOAWAY, then its streams end, then the connection; all within LINGER seconds."""
        if not (self.processor.leaving or self.connection.is_closing()):
            self._timers.append(asyncio.get_running_loop().call_later(LINGER, self.connection.abort))
            self.processor.leave()

    def connection_lost(self, exc: BaseException | None) -> None:
        """The client is gone."""
        super().connection_lost(exc)
        for timer in self._timers:
            timer.cancel()
        self._reception.connections.discard(self)
        self._reception.left.set()

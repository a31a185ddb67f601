"""One stream of a connection: gRPC's messages in both directions, bounded reading, bounded patience in writing, a graceful
end.

A stream is read and written by a method of grpclib's, which waits, or it is attached to a listener: then each message is
handed over as soon as it is there, and nobody waits for anything.
"""

from __future__ import annotations

import asyncio
import time
from asyncio import Future, TimerHandle
from collections.abc import Iterable
from typing import Final, Protocol

import anyio
from grpclib.const import Status
from grpclib.exceptions import GRPCError
from grpclib.protocol import Stream

from xds.server import compression
from xds.server.connection import Connection
from xds.server.inbox import PREFIX, Inbox
from xds.server.outbox import PIECE, Outbox
from xds.server.pace import Pace
from xds.server.window import Window

FIRST_RESPONSE: Final = 1.0
"""Seconds that a stream which is to end has for a first response. gRPC clients take a stream without one for a failure,
and back off (gRFC A57)."""
PATIENCE: Final = 10
"""Requests that may come at once, in seconds' worth."""
GOING: Final = "the control plane is going away, or wants a new connection: connect again"


class Listener(Protocol):
    """Who a stream is attached to. None of this waits."""

    def hear(self, message: bytes) -> None:
        """A message came. What is raised ends the stream."""
        ...

    def set(self) -> None:
        """There is room for another message."""
        ...

    def end(self, fault: Exception | None) -> None:
        """Nothing more comes: the client has written all, or this is wrong with what it wrote."""
        ...


class Http2Stream(Stream):
    """A grpclib stream that holds its client to the terms of the transport. Of grpclib's own state it has what a server
    needs. While it is open its data goes past h2, but where it is measured: h2 compares it with the length in a header.
    """

    connection: Connection
    buffer: Inbox
    id: int

    def __init__(self, connection: Connection, stream_id: int, encoding: str, *, measured: bool = False) -> None:
        self.connection, self.id, self.wrapper = connection, stream_id, None
        self._h2_connection, self._transport = connection.http2, connection.transport
        self._flow = connection.http2.streams[stream_id]
        self._window = Window(stream_id, self._flow._inbound_window_manager)  # noqa: SLF001  h2 has no other word for it
        self.buffer = Inbox(connection.quota, self._make_room, self._read_on, encoding=encoding)
        terms = connection.terms
        self._timeout = terms.write_timeout_seconds
        self._pace = Pace(terms.requests_per_second, PATIENCE * terms.requests_per_second)
        self._pause: TimerHandle | None = None
        self._patience: TimerHandle | None = None
        self._outbox = Outbox(connection, self._flow)
        self._listener: Listener | None = None
        self._reader: Future[None] | None = None
        self._writer: Future[None] | None = None
        self._body: bytes | None = None
        self.headers: list[tuple[str, str]] = []
        self.is_open = not measured
        self._is_admitted = self._has_written = self._is_ending = False

    # Attached

    def attach(self, listener: Listener) -> None:
        """Hands over every message from now on, beginning with those that are there."""
        self._listener = listener
        self.headers.clear()  # which grpclib has read and would keep
        self._read_on()

    def detach(self) -> None:
        """Hands over nothing more."""
        self._listener = None

    def take(self, data: bytes) -> None:
        """A frame's data that h2 has not seen. Raises h2's FlowControlError when it is more than the client may send."""
        size, connection = len(data), self.connection
        if self._listener is not None and self._is_request(data) and self._pace.may(time.monotonic()):
            if updates := self._window.pass_by(size) + connection.window.pass_by(size):
                connection.transport.write(updates)
            self._hand_over(self._listener, (data[PREFIX.size :],))
        else:
            self._window.consume(size)
            connection.window.consume(size)
            self.buffer.add(data, size)

    def _is_request(self, data: bytes) -> bool:
        """Whether a frame is a whole message, as nearly all are: nothing is to be put together or taken apart."""
        if not self.buffer.is_idle or len(data) < PREFIX.size:
            return False
        compressed, size = PREFIX.unpack_from(data)
        return not compressed and size == len(data) - PREFIX.size and size <= self.connection.quota.limit

    @property
    def is_free(self) -> bool:
        """Whether a message may begin."""
        going = self._listener is None or (self._is_ending and self._has_written)
        return not going and not self._outbox.left and self.connection.write_ready.is_set()

    # Reading

    async def recv_data(self, size: int) -> bytes:  # noqa: ARG002  its two steps are known
        """A message, which grpclib reads in two steps, prefix and body: the first reads it all, the second gives it.

        Raises ProtocolError for what is no message, or too much of one.
        """
        if self._body is not None:
            body, self._body = self._body, None
            return body
        self._body = await self._message()
        return b"" if self._body is None else PREFIX.pack(False, len(self._body))

    async def _message(self) -> bytes | None:
        """The next message; None at the end. The first one waits until the server takes up the stream."""
        while self.buffer.is_empty and not self.buffer.is_over:
            await self._news()
        if not (self._is_admitted or self.buffer.is_over):
            self._is_admitted = True
            await self.connection.enter()
        while (message := self._next()) is None and not self.buffer.is_over:
            await self._news()
        return message

    async def _news(self) -> None:
        self._reader = asyncio.get_running_loop().create_future()
        try:
            await self._reader
        finally:
            self._reader = None

    def _read_on(self) -> None:
        """Something came, or may be read by now."""
        if self._listener is not None:
            self._hand_over(self._listener, iter(self._next, None))
        elif self._reader is not None and not self._reader.done():
            self._reader.set_result(None)

    def _hand_over(self, listener: Listener, messages: Iterable[bytes]) -> None:
        try:
            for message in messages:
                listener.hear(message)
        except Exception as fault:  # noqa: BLE001  whoever waits for the end of the stream raises it again
            self.detach()
            listener.end(fault)
        else:
            if self.buffer.is_over:
                listener.end(None)

    def _make_room(self, size: int) -> None:
        """So much was read."""
        connection = self.connection
        connection.tell(connection.window.free(size) + (self._window.free(size) if self._flow.open else b""))

    def _next(self) -> bytes | None:
        """The next message, when it is there and does not come too fast."""
        now = time.monotonic()
        if not self.buffer.is_empty and (pause := self._pace.wait(now)) > 0:
            self._pause = self._pause or asyncio.get_running_loop().call_later(pause, self._paused)
            return None
        message = self.buffer.take()
        if message is not None:
            self._pace.take(now)
        return message

    def _paused(self) -> None:
        self._pause = None
        self._read_on()

    # Writing

    def send(self, *parts: bytes) -> None:
        """Begins a message, as `Outbox.put` does, where one may begin; what there is no room for goes out later."""
        if self._outbox.put(*parts):
            self._sent()
        else:
            self._wait_for_room()

    def go_on(self) -> None:
        """There may be room that there was not."""
        if not self._outbox.left:
            self._tell_writer()
        elif self._outbox.go_on():
            self._sent()
            self._tell_writer()

    async def send_headers(self, headers: list[tuple[str, str]], end_stream: bool = False) -> None:  # noqa: FBT001, FBT002  grpclib's
        """Headers, or trailers, with what is read here."""
        if headers[0][0] == ":status":
            headers = [*headers, ("grpc-accept-encoding", compression.ACCEPTED)]
        await super().send_headers(headers, end_stream=end_stream)

    async def send_data(self, data: bytes, end_stream: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002  grpclib's; trailers end
        """One message; a stream that is to end begins none after its first."""
        if self._is_ending and self._has_written:
            await anyio.sleep_forever()
        try:
            self.send(data)
            while self._outbox.left:
                self._writer = asyncio.get_running_loop().create_future()
                await self._writer
        finally:
            self._outbox.clear()

    def _tell_writer(self) -> None:
        if self._listener is not None:
            self._listener.set()
        elif self._writer is not None and not self._writer.done():
            self._writer.set_result(None)

    def _sent(self) -> None:
        self._has_written = True
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None
        if self._is_ending:
            self._leave()

    def _wait_for_room(self) -> None:
        """Every piece has the write timeout, at least."""
        left = self._outbox.left
        self._patience = asyncio.get_running_loop().call_later(self._timeout, self._look_at_progress, left)

    def _look_at_progress(self, before: int) -> None:
        self._patience = None
        if before - self._outbox.left >= PIECE:
            self._wait_for_room()
        elif self._outbox.left:
            self._end(Status.UNAVAILABLE, f"nothing was read for {self._timeout:g} s")

    # The end

    def finish(self) -> None:
        """Ends as the control plane goes: after the message that is being written, or the first one where one is due."""
        self._is_ending = True
        if not self._outbox.left:
            pause = 0 if self._has_written else FIRST_RESPONSE
            asyncio.get_running_loop().call_later(pause, self._leave)

    def __ended__(self) -> None:
        """The client has written all."""
        self.is_open = False
        super().__ended__()

    def __terminated__(self, reason: str) -> None:
        """The client has reset the stream, or is gone."""
        self._stop()
        super().__terminated__(reason)

    def close(self) -> None:
        """Its method has ended."""
        self._stop()
        self.buffer.close()

    def _leave(self) -> None:
        if not self._outbox.left:
            self._end(Status.UNAVAILABLE, GOING)

    def _end(self, status: Status, words: str) -> None:
        """Ends the method that serves the stream with a status, as grpclib does when a deadline has passed."""
        self._stop()
        if self.wrapper is not None:
            self.wrapper.cancel(GRPCError(status, words))

    def _stop(self) -> None:
        """Reads and writes no more messages."""
        self.is_open = False
        self.detach()
        self._outbox.clear()
        for timer in (self._pause, self._patience):
            if timer is not None:
                timer.cancel()
        self._pause = self._patience = None

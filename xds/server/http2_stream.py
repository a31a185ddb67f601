"""One stream of a connection, below gRPC's messages: bounded reading, bounded patience in writing, a graceful end."""

from __future__ import annotations

import asyncio
import struct
from functools import partial
from typing import Final, NoReturn

import anyio
from grpclib.const import Status
from grpclib.exceptions import GRPCError
from grpclib.protocol import Stream

from xds.model import ProtocolError
from xds.server import compression
from xds.server.connection import Connection
from xds.server.inbox import Inbox
from xds.server.pace import Pace

PREFIX: Final = struct.Struct(">?I")
"""What stands before every message: whether it is compressed, and its length."""
PIECE: Final = 2**16
"""Bytes that a client must take within the write timeout."""
FIRST_RESPONSE: Final = 1.0
"""Seconds that a stream which is to end has for a first response. gRPC clients take a stream without one for a failure,
and back off (gRFC A57)."""
PATIENCE: Final = 10
"""Requests that may come at once, in seconds' worth."""
GOING: Final = "the control plane is going away, or wants a new connection: connect again"


class Http2Stream(Stream):
    """A grpclib stream that holds its client to the terms of the transport."""

    connection: Connection

    def __init__(self, connection: Connection, stream_id: int, encoding: str) -> None:
        super().__init__(connection, connection.http2, connection.transport, stream_id=stream_id)
        self._terms = connection.terms
        self._encoding = encoding
        self._pace: Pace | None = None
        self._body: bytes | None = None
        self._writing = self._has_written = self._is_ending = False

    def init_stream(self, stream_id: int, connection: Connection) -> None:  # type: ignore[override]  # ours has ours
        """Begins, with an inbox of our own."""
        super().init_stream(stream_id, connection)
        self.buffer = Inbox(partial(connection.ack, stream_id))

    # Reading

    async def recv_data(self, size: int) -> bytes:  # noqa: ARG002  its two steps are known
        """A message, which grpclib reads in two steps, prefix and body: the first reads it all, the second gives it.

        Raises ProtocolError for what is no message, or too much of one.
        """
        if self._body is not None:
            body, self._body = self._body, None
            return body
        prefix = await self.buffer.read(PREFIX.size)
        if not prefix:
            return b""
        await self._wait_for_turn()
        self._body = await self._read(prefix)
        return PREFIX.pack(False, len(self._body))

    async def _wait_for_turn(self) -> None:
        """The first request waits until the server takes up the stream, the others while they come too fast."""
        if self._pace is None:
            rate = self._terms.requests_per_second
            self._pace = Pace(rate, PATIENCE * rate)
            await self.connection.enter()
        await self._pace.keep()

    async def _read(self, prefix: bytes) -> bytes:
        if len(prefix) < PREFIX.size:
            raise ProtocolError("the stream ended inside a message")
        compressed, size = PREFIX.unpack(prefix)
        with self.connection.receiving(size):
            body = await self.buffer.read(size)
        if len(body) < size:
            raise ProtocolError("the stream ended inside a message")
        return compression.decompress(body, self._encoding, self._terms.max_message_bytes) if compressed else body

    # Writing

    async def send_headers(self, headers: list[tuple[str, str]], end_stream: bool = False) -> None:  # noqa: FBT001, FBT002  grpclib's
        """Headers, or trailers, with what is read here."""
        if headers[0][0] == ":status":
            headers = [*headers, ("grpc-accept-encoding", compression.ACCEPTED)]
        with anyio.move_on_after(self._terms.write_timeout_seconds) as timeout:
            await super().send_headers(headers, end_stream=end_stream)
        if timeout.cancelled_caught:  # no window holds them up: nothing at all gets through
            self.connection.abort()
            await anyio.sleep_forever()

    async def send_data(self, data: bytes, end_stream: bool = False) -> None:  # noqa: FBT001, FBT002  grpclib's
        """One message; a stream that is to end begins none after its first."""
        if self._is_ending and self._has_written:
            await anyio.sleep_forever()
        self._writing = True
        try:
            await self._send(data, end_stream=end_stream)
        finally:
            self._writing = False
        self._has_written = True
        if self._is_ending:
            self._leave()

    async def _send(self, data: bytes, *, end_stream: bool) -> None:
        if self._fits(len(data)):
            await super().send_data(data, end_stream)
            return
        for start in range(0, len(data), PIECE):
            last = start + PIECE >= len(data)
            with anyio.move_on_after(self._terms.write_timeout_seconds) as timeout:
                await super().send_data(data[start : start + PIECE], end_stream and last)
            if timeout.cancelled_caught:
                await self._stuck()

    def _fits(self, size: int) -> bool:
        """Whether it goes out at once, and needs no timeout."""
        http2 = self.connection.http2
        assert self.id is not None
        room = min(http2.local_flow_control_window(self.id), http2.max_outbound_frame_size)
        return size <= room and self.connection.write_ready.is_set()

    async def _stuck(self) -> NoReturn:
        """Gives up on a client that does not read: on this stream, or on its whole connection where nothing gets through."""
        if self.connection.has_stalled():
            self.connection.abort()
        await self._fail(Status.UNAVAILABLE, f"nothing was read for {self._terms.write_timeout_seconds:g} s")

    # The end

    def finish(self) -> None:
        """Ends as the control plane goes: after the message that is being written, or the first one where one is due."""
        self._is_ending = True
        if not self._writing:
            pause = 0 if self._has_written else FIRST_RESPONSE
            asyncio.get_running_loop().call_later(pause, self._leave)

    def _leave(self) -> None:
        if not self._writing:
            self._end(Status.UNAVAILABLE, GOING)

    def _end(self, status: Status, words: str) -> None:
        """Ends the method that serves the stream with a status, as grpclib does when a deadline has passed."""
        if self.wrapper is not None:
            self.wrapper.cancel(GRPCError(status, words))

    async def _fail(self, status: Status, words: str) -> NoReturn:
        self._end(status, words)
        await anyio.sleep_forever()
        raise AssertionError("whoever called was cancelled")

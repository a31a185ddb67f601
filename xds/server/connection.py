"""HTTP/2 connections: h2's and grpclib's, with the accounts that the streams of one share."""

from __future__ import annotations

import asyncio
import time
from asyncio import Transport
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import anyio
from grpclib import protocol
from grpclib.config import Configuration
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import Event
from h2.exceptions import ProtocolError as Http2Error
from h2.settings import SettingCodes, Settings

from xds.model import ProtocolError
from xds.server.pace import Gate
from xds.server.transport import Transport as Terms

STREAM_WINDOW: Final = 2**18
"""Bytes that a client may send on a stream before they are read: an Envoy's first request has 61 KB and more."""
CONNECTION_WINDOW: Final = 2**20
"""The same for all streams of a connection."""
MESSAGES: Final = 2
"""Messages of the greatest size that one connection may be sending at the same time."""
LINGER: Final = 5.0
"""Seconds that streams have to end well, and what was written to be read, when a connection is to be closed."""


class Http2(H2Connection):
    """h2's connection with settings of our own, and without a walk over all streams whenever one opens."""

    def __init__(self, config: H2Configuration, settings: dict[SettingCodes, int]) -> None:
        super().__init__(config)
        self.local_settings = Settings(client=False, initial_values=settings)
        self._sweep_at = 0

    @property
    def open_inbound_streams(self) -> int:
        """How many there are at most: those that were closed count until there are twice as many as at the last count."""
        if len(self.streams) >= self._sweep_at:
            most = self.local_settings.max_concurrent_streams
            self._sweep_at = min(2 * super().open_inbound_streams + 64, most)
        return len(self.streams)


class Connection(protocol.Connection):
    """grpclib's connection, with the accounts that its streams share."""

    _connection: H2Connection
    _transport: Transport

    def __init__(self, http2: Http2, transport: Transport, config: Configuration, *, terms: Terms, gate: Gate) -> None:
        super().__init__(http2, transport, config=config)
        self.http2, self.transport, self.terms = http2, transport, terms
        self._gate, self._turn = gate, anyio.Lock(fast_acquire=True)
        self._receiving = 0
        self._paused = 0.0

    def feed(self, data: bytes) -> list[Event]:
        """Takes what came. Raises h2's ProtocolError for what is no HTTP/2, when the client was told so."""
        try:
            return super().feed(data)
        except Http2Error:
            self.flush()
            raise

    def ack(self, stream_id: int, size: int) -> None:
        """Makes room in the client's window; there is none any more when the connection is closed."""
        if not self.is_closing():
            super().ack(stream_id, size)

    async def enter(self) -> None:
        """Returns when the server takes up one more stream. The connections take turns, however many streams each opens."""
        async with self._turn:
            await self._gate.enter()

    @contextmanager
    def receiving(self, size: int) -> Iterator[None]:
        """While a message of this size is read. Raises ProtocolError where that is too much, before any of it is kept."""
        limit = self.terms.max_message_bytes
        if size > limit:
            raise ProtocolError(f"a message has {size} bytes, and {limit} is the limit", code="RESOURCE_EXHAUSTED")
        if self._receiving + size > MESSAGES * limit:
            raise ProtocolError("too much is being sent on this connection at once", code="RESOURCE_EXHAUSTED")
        self._receiving += size
        try:
            yield
        finally:
            self._receiving -= size

    def pause_writing(self) -> None:
        """The client does not read: then it is not read either, or its pings alone would be answered without end."""
        super().pause_writing()
        self._paused = time.monotonic()
        if not self.transport.is_closing():
            self.transport.pause_reading()

    def resume_writing(self) -> None:
        """The client reads again."""
        super().resume_writing()
        if not self.transport.is_closing():
            self.transport.resume_reading()

    def has_stalled(self) -> bool:
        """Whether the client has read nothing at all for as long as it may."""
        paused = time.monotonic() - self._paused
        return not self.write_ready.is_set() and paused >= self.terms.write_timeout_seconds

    def close(self) -> None:
        """Closes when what was written is sent, which is not waited for long."""
        closing = self.is_closing()
        super().close()
        if not closing and self.transport.get_write_buffer_size():
            asyncio.get_running_loop().call_later(LINGER, self.transport.abort)

    def abort(self) -> None:
        """Closes at once."""
        self.transport.abort()

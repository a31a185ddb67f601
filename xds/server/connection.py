"""Connections: grpclib's, with the accounts that the streams of one share."""

from __future__ import annotations

import asyncio
from asyncio import TimerHandle, Transport
from typing import Final

import anyio
from grpclib import protocol
from grpclib.config import Configuration
from h2.connection import H2Connection
from h2.events import Event
from h2.exceptions import ProtocolError as Http2Error

from xds.server.http2 import Http2
from xds.server.inbox import Quota
from xds.server.pace import Gate
from xds.server.signal import NOBODY, Flag
from xds.server.transport import Transport as Terms
from xds.server.window import Window

STREAM_WINDOW: Final = 2**18
"""Bytes that a client may send on a stream before they are read: an Envoy's first request has 61 KB and more."""
CONNECTION_WINDOW: Final = 2**20
"""The same for all streams of a connection."""
LINGER: Final = 5.0
"""Seconds that streams have to end well, and what was written to be read, when a connection is to be closed."""


class Connection(protocol.Connection):
    """grpclib's connection, with the accounts that its streams share."""

    _connection: H2Connection
    _transport: Transport

    def __init__(self, http2: Http2, transport: Transport, config: Configuration, *, terms: Terms, gate: Gate) -> None:
        self._connection, self._transport, self._config = http2, transport, config
        self.http2, self.transport, self.terms = http2, transport, terms
        self.write_ready: Flag = Flag()  # type: ignore[assignment]  # grpclib has an Event, which is large
        self.stream_close_waiter = NOBODY  # type: ignore[assignment]  # only clients wait for it
        self._gate = gate
        self._turn: anyio.Lock | None = None
        self._patience: TimerHandle | None = None
        self.quota = Quota(terms.max_message_bytes)
        self.window = Window(0, http2._inbound_flow_control_window_manager)  # noqa: SLF001  h2 has no other word for it
        self.messages_received = 0  # grpclib counts these two; what is not there from the start takes more room
        self.last_message_received: float | None = None

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
        if self._gate.pass_at_once():
            return
        self._turn = self._turn or anyio.Lock(fast_acquire=True)
        async with self._turn:
            await self._gate.enter()

    def tell(self, updates: bytes) -> None:
        """Says what windows have to say, if anything; nobody hears it any more when the connection is closed."""
        if updates and not self.is_closing():
            self.transport.write(updates)

    def pause_writing(self) -> None:
        """The client does not read: then it is not read either, or its pings alone would be answered without end; and it
        has the write timeout to go on.
        """
        super().pause_writing()
        self._patience = asyncio.get_running_loop().call_later(self.terms.write_timeout_seconds, self.abort)
        if not self.transport.is_closing():
            self.transport.pause_reading()

    def resume_writing(self) -> None:
        """The client reads again."""
        super().resume_writing()
        self._stop_waiting()
        if not self.transport.is_closing():
            self.transport.resume_reading()

    def _stop_waiting(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def close(self) -> None:
        """Closes when what was written is sent, which is not waited for long."""
        closing = self.is_closing()
        self._stop_waiting()
        super().close()
        if not closing and self.transport.get_write_buffer_size():
            asyncio.get_running_loop().call_later(LINGER, self.transport.abort)

    def abort(self) -> None:
        """Closes at once."""
        self.transport.abort()

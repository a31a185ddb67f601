"""Outboxes: what is on its way to a client on one stream, as far as the client has room for it."""

from __future__ import annotations

from typing import Final

from h2.stream import H2Stream

from xds.server.connection import Connection

PIECE: Final = 2**16
"""Bytes that are written at once, and that a client must take within the write timeout."""

NOTHING: Final = memoryview(b"")


class Outbox:
    """One message at a time, in DATA frames that do not pass through h2, under the windows that it keeps."""

    __slots__ = ("_connection", "_flow", "_rest", "_stream_id")

    def __init__(self, connection: Connection, flow: H2Stream) -> None:
        self._connection, self._flow, self._stream_id = connection, flow, flow.stream_id
        self._rest = NOTHING

    @property
    def left(self) -> int:
        """Bytes of the message that wait for room."""
        return len(self._rest)

    def put(self, message: bytes) -> bool:
        """Begins a message, gRPC's prefix included, when nothing is left of another. Returns whether all of it is out."""
        size = len(message)
        if size <= min(self._room(), self._connection.http2.max_outbound_frame_size):
            self._count(size)
            self._connection.transport.write(self._header(size) + message)
            return True
        self._rest = memoryview(message)
        return self.go_on()

    def go_on(self) -> bool:
        """Writes what there is room for. Returns whether all of the message is out."""
        while self._rest and (room := self._room()) > 0:
            self._write(self._rest[: min(room, PIECE)])
        if self._rest:
            return False
        self.clear()  # even an empty part of a message keeps all of it
        return True

    def clear(self) -> None:
        """Gives up what is left."""
        self._rest = NOTHING

    def _room(self) -> int:
        """Bytes that may be written now."""
        if not self._connection.write_ready.is_set():
            return 0
        return min(self._connection.http2.outbound_flow_control_window, self._flow.outbound_flow_control_window)

    def _write(self, piece: memoryview) -> None:
        most, size = self._connection.http2.max_outbound_frame_size, len(piece)
        chunks = [piece[start : start + most] for start in range(0, size, most)]
        self._rest = self._rest[size:]
        self._count(size)
        self._connection.transport.writelines([part for one in chunks for part in (self._header(len(one)), one)])

    def _count(self, size: int) -> None:
        self._connection.http2.outbound_flow_control_window -= size
        self._flow.outbound_flow_control_window -= size

    def _header(self, size: int) -> bytes:
        """Of a DATA frame: its length, its type and flags, which are 0, and its stream (RFC 9113, 4.1)."""
        return (size << 48 | self._stream_id).to_bytes(9, "big")

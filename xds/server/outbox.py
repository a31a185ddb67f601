"""Outboxes: what is on its way to a client on one stream, as far as the client has room for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from h2.stream import H2Stream

from xds.server.connection import Connection

PIECE: Final = 2**16
"""Bytes that are written at once, and that a client must take within the write timeout."""


class Outbox:
    """One message at a time, in DATA frames that do not pass through h2, under the windows that it keeps."""

    __slots__ = ("_connection", "_flow", "_parts", "_stream_id", "left")

    def __init__(self, connection: Connection, flow: H2Stream) -> None:
        self._connection, self._flow, self._stream_id = connection, flow, flow.stream_id
        self._parts: list[memoryview] = []
        self.left = 0
        """Bytes of the message that wait for room."""

    def put(self, *parts: bytes) -> bool:
        """Begins a message, when nothing is left of another: gRPC's prefix, and the body in any parts, which are not copied
        where they are long. Returns whether all of it is out.
        """
        size = sum(map(len, parts))
        if size <= min(self._room(), self._connection.http2.max_outbound_frame_size):
            self._count(size)
            self._connection.transport.write(b"".join((self._header(size), *parts)))
            return True
        self._parts, self.left = [memoryview(part) for part in parts], size
        return self.go_on()

    def go_on(self) -> bool:
        """Writes what there is room for. Returns whether all of the message is out."""
        while self.left and (room := self._room()) > 0:
            self._write(min(room, self.left, PIECE))
        return not self.left

    def clear(self) -> None:
        """Gives up what is left."""
        self._parts, self.left = [], 0

    def _room(self) -> int:
        """Bytes that may be written now."""
        if not self._connection.write_ready.is_set():
            return 0
        return min(self._connection.http2.outbound_flow_control_window, self._flow.outbound_flow_control_window)

    def _write(self, size: int) -> None:
        most = self._connection.http2.max_outbound_frame_size
        frames: list[bytes | memoryview] = []
        for start in range(0, size, most):
            length = min(most, size - start)
            frames += (self._header(length), *self._take(length))
        self.left -= size
        self._count(size)
        self._connection.transport.writelines(frames)

    def _take(self, size: int) -> Iterator[memoryview]:
        """So many bytes of the parts, as they lie in memory."""
        while size:
            piece = self._parts[0][:size]
            size -= len(piece)
            if len(piece) == len(self._parts[0]):
                self._parts.pop(0)
            else:
                self._parts[0] = self._parts[0][len(piece) :]
            yield piece

    def _count(self, size: int) -> None:
        self._connection.http2.outbound_flow_control_window -= size
        self._flow.outbound_flow_control_window -= size

    def _header(self, size: int) -> bytes:
        """Of a DATA frame: its length, its type and flags, which are 0, and its stream (RFC 9113, 4.1)."""
        return (size << 48 | self._stream_id).to_bytes(9, "big")

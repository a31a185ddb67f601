"""One HTTP/2 connection with one gRPC stream, framed by hand: what a client must do, and nothing that it need not."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from struct import Struct
from typing import Final, Protocol, cast

from hpack import Decoder, Encoder

HEAD: Final = Struct(">HBBBL")
"""Length (24 bits), type, flags, stream."""
DATA_HEAD: Final = Struct(">HBBBLBL")
"""The head of a DATA frame with a whole gRPC message in it: and its prefix."""
SETTING: Final = Struct(">HL")
NUMBER: Final = Struct(">L")

DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = 0, 1, 3, 4, 6, 7, 8, 9
ACK: Final = 1
END_STREAM, END_HEADERS, PADDED, PRIORITY = 1, 4, 8, 32
STREAM: Final = 1

DEFAULT_WINDOW: Final = 65_535
LONGEST_FRAME: Final = 16_384
STREAM_WINDOW: Final = 16 << 20
CONNECTION_WINDOW: Final = 24 << 20
"""Both as Envoy has them."""

HEADER_TABLE_SIZE, ENABLE_PUSH, INITIAL_WINDOW_SIZE = 1, 2, 4


def frame(kind: int, flags: int, stream: int, body: bytes = b"") -> bytes:
    """One frame."""
    return HEAD.pack(len(body) >> 8, len(body) & 255, kind, flags, stream) + body


def opening(authority: str, path: str) -> bytes:
    """All that a client says before its first message: the same for each, since every connection begins anew."""
    settings = b"".join(SETTING.pack(*one) for one in ((ENABLE_PUSH, 0), (INITIAL_WINDOW_SIZE, STREAM_WINDOW)))
    headers = [
        (":method", "POST"),
        (":scheme", "http"),
        (":path", path),
        (":authority", authority),
        ("te", "trailers"),
        ("content-type", "application/grpc"),
    ]
    return (
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
        + frame(SETTINGS, 0, 0, settings)
        + frame(WINDOW_UPDATE, 0, 0, NUMBER.pack(CONNECTION_WINDOW - DEFAULT_WINDOW))
        + frame(HEADERS, END_HEADERS, STREAM, Encoder().encode(headers))
    )


class Listener(Protocol):
    """Who hears what comes on a stream."""

    def received(self, message: bytes) -> None:
        """A whole message has come."""

    def ended(self, why: str) -> None:
        """Nothing more comes."""


class Stream(asyncio.Protocol):
    """The stream, and its connection. `bytes` is how many came."""

    __slots__ = (
        "_blocks",
        "_body",
        "_connection_room",
        "_listener",
        "_opening",
        "_rest",
        "_room",
        "_taken",
        "_transport",
        "_unsent",
        "_window",
        "bytes",
        "why",
    )

    def __init__(self, listener: Listener, opening: bytes) -> None:
        self._listener, self._opening = listener, opening
        self._transport: asyncio.Transport | None = None
        self._rest = b""
        self._body = bytearray()
        self._blocks = [b""]
        self._taken = 0
        self._window = self._room = self._connection_room = DEFAULT_WINDOW
        self._unsent = bytearray()
        self.bytes = 0
        self.why = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begins the stream."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by descent
        self._transport.write(self._opening)

    def connection_lost(self, exc: Exception | None) -> None:
        """The end, whatever was said before."""
        self._transport = None
        self._end(f"the connection was lost: {exc}" if exc else "the connection was closed")

    def close(self) -> None:
        """Ends the connection; the listener does not hear of it."""
        self.why = self.why or "closed here"
        if self._transport is not None:
            self._transport.abort()

    def be_deaf(self) -> None:
        """Reads nothing from now on."""
        if self._transport is not None:
            self._transport.pause_reading()

    def send(self, message: bytes) -> None:
        """Sends a message, as far as the server's windows allow; the rest when they do."""
        size = len(message) + 5
        if size > LONGEST_FRAME or size > self._room or size > self._connection_room or self._unsent:
            self._unsent += b"\0" + NUMBER.pack(len(message)) + message
            self._send_unsent()
        elif self._transport is not None:
            self._room -= size
            self._connection_room -= size
            head = DATA_HEAD.pack(size >> 8, size & 255, DATA, 0, STREAM, 0, len(message))
            self._transport.write(head + message)

    def _send_unsent(self) -> None:
        if self._transport is None:
            return
        while size := max(0, min(len(self._unsent), LONGEST_FRAME, self._room, self._connection_room)):
            self._transport.write(frame(DATA, 0, STREAM, bytes(self._unsent[:size])))
            del self._unsent[:size]
            self._room -= size
            self._connection_room -= size

    def data_received(self, data: bytes) -> None:
        """Takes the frames that are whole."""
        self.bytes += len(data)
        if self._rest:
            data = self._rest + data
        at, end = 0, len(data)
        while end - at >= HEAD.size:
            high, low, kind, flags, stream = HEAD.unpack_from(data, at)
            start, after = at + HEAD.size, at + HEAD.size + (high << 8 | low)
            if after > end:
                break
            if kind == DATA:
                self._take(data, start, after, flags)
            else:
                OTHERS.get(kind, _ignore)(self, flags, stream, data[start:after])
            at = after
        self._rest = data[at:] if at < end else b""

    def _take(self, data: bytes, start: int, after: int, flags: int) -> None:
        self._taken += after - start
        if self._taken > STREAM_WINDOW // 2:
            self._make_room()
        if flags & PADDED:
            start, after = start + 1, after - data[start]
        body = self._body
        if not body and after - start >= 5 and NUMBER.unpack_from(data, start + 1)[0] == after - start - 5:
            self._listener.received(data[start + 5 : after])  # by far the most: one message, one frame
        else:
            body += memoryview(data)[start:after]
            while len(body) >= 5 and len(body) >= (size := 5 + NUMBER.unpack_from(body, 1)[0]):
                message = bytes(memoryview(body)[5:size])
                del body[:size]
                self._listener.received(message)
        if flags & END_STREAM:
            self._end("the server ended the stream")

    def _make_room(self) -> None:
        """Both windows are made as large as at the start."""
        if self._transport is not None:
            room = NUMBER.pack(self._taken)
            self._transport.write(frame(WINDOW_UPDATE, 0, STREAM, room) + frame(WINDOW_UPDATE, 0, 0, room))
        self._taken = 0

    def _end(self, why: str) -> None:
        if not self.why:
            self.why = why
            self._listener.ended(why)
            self.close()

    def _headers(self, flags: int, stream: int, body: bytes) -> None:
        start, after = (1, len(body) - body[0]) if flags & PADDED else (0, len(body))
        self._block(flags, stream, body[start + (5 if flags & PRIORITY else 0) : after])

    def _block(self, flags: int, _: int, body: bytes) -> None:
        """Keeps a header block: none is read before the stream ends, then all are, since each stands on those before."""
        self._blocks[-1] += body
        if flags & END_HEADERS:
            self._blocks.append(b"")
        if flags & END_STREAM:
            self._end(_status(self._blocks))

    def _reset(self, _: int, __: int, body: bytes) -> None:
        self._end(f"the server reset the stream, with code {NUMBER.unpack(body)[0]}")

    def _settings(self, flags: int, _: int, body: bytes) -> None:
        if flags & ACK or self._transport is None:
            return
        for number, value in SETTING.iter_unpack(body):
            if number == INITIAL_WINDOW_SIZE:
                self._room += value - self._window
                self._window = value
        self._transport.write(frame(SETTINGS, ACK, 0))
        self._send_unsent()

    def _ping(self, flags: int, _: int, body: bytes) -> None:
        if not flags & ACK and self._transport is not None:
            self._transport.write(frame(PING, ACK, 0, body))

    def _goaway(self, _: int, __: int, body: bytes) -> None:
        code = NUMBER.unpack_from(body, 4)[0]
        words = body[8:].decode(errors="replace")
        self._end(f"the server sent GOAWAY, with code {code} {words}".rstrip())

    def _window_update(self, _: int, stream: int, body: bytes) -> None:
        more = NUMBER.unpack(body)[0]
        if stream:
            self._room += more
        else:
            self._connection_room += more
        if self._unsent:
            self._send_unsent()


def _ignore(_: Stream, __: int, ___: int, ____: bytes) -> None:
    """For what a client need not know."""


def _status(blocks: list[bytes]) -> str:
    decoder = Decoder()
    last: dict[str, str] = {}
    for block in blocks:
        last = {str(name): str(value) for name, value in decoder.decode(block)} or last
    return f"the stream ended with gRPC status {last.get('grpc-status', '?')} {last.get('grpc-message', '')}".rstrip()


OTHERS: Final[dict[int, Callable[[Stream, int, int, bytes], None]]] = {
    HEADERS: Stream._headers,  # noqa: SLF001  the table of its own methods
    CONTINUATION: Stream._block,  # noqa: SLF001
    RST_STREAM: Stream._reset,  # noqa: SLF001
    SETTINGS: Stream._settings,  # noqa: SLF001
    PING: Stream._ping,  # noqa: SLF001
    GOAWAY: Stream._goaway,  # noqa: SLF001
    WINDOW_UPDATE: Stream._window_update,  # noqa: SLF001
}
"""Type of a frame -> what is done with its flags, stream and body."""

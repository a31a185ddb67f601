"""Demultiplexers: which of a client's frames go straight to their stream, and which to h2."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, Generic, Protocol, TypeVar

PREFACE: Final = 24
"""Bytes that a client says before its first frame (RFC 9113, 3.4)."""
HEADER: Final = 9
"""Bytes before a frame: three of its length, its type, its flags, four of its stream (RFC 9113, 4.1)."""
HEADERS, CONTINUATION = 1, 9
END_HEADERS: Final = 4
LONGEST: Final = 2**14
"""Bytes of a frame that a client may send, as it is told no other limit."""


class Open(Protocol):
    """A stream, and whether it takes its data itself."""

    is_open: bool


T = TypeVar("T", bound=Open)


class Demultiplexer(Generic[T]):
    """Tells whole DATA frames of those streams, by id, that are open from all the rest. Frames with flags are the rest, too:
    they are padded, or a stream's last.
    """

    __slots__ = ("_in_headers", "_kept", "_passing", "_streams")

    def __init__(self, streams: Mapping[int, T]) -> None:
        self._streams = streams
        self._kept = b""
        self._passing = PREFACE
        self._in_headers = False

    def split(self, data: bytes) -> Iterator[tuple[T | None, bytes]]:
        """What came, in order: (stream, what a frame of it carries), and (None, bytes for h2).

        Of a frame that is not all there yet, what there is goes to h2; one of an open stream is kept until it is.
        """
        if self._kept:
            data, self._kept = self._kept + data, b""
        start, at = 0, min(self._passing, len(data))
        self._passing -= at
        while at + HEADER <= len(data):
            end = at + HEADER + int.from_bytes(data[at : at + 3], "big")
            if start < at and self._is_plain(data, at, end):  # h2 first: it may hear that the stream begins, or is over
                yield None, data[start:at]
                start = at
            stream = self._stream(data, at, end)
            if stream is None:
                at = self._pass(data, at, end)
            elif end > len(data):
                break
            else:
                yield stream, data[at + HEADER : end]
                start = at = end
        if start < at:
            yield None, data[start:at]
        self._kept = data[at:]

    def whole(self, data: bytes) -> T | None:
        """The stream of which this is one whole frame, as nearly always; None where it is to be split."""
        if self._kept or self._passing or int.from_bytes(data[:3], "big") != len(data) - HEADER:
            return None
        return self._stream(data, 0, len(data))

    def _is_plain(self, data: bytes, at: int, end: int) -> bool:
        """Whether this is a DATA frame without flags, and not in a block of headers, where it does not belong."""
        return not (data[at + 3] or data[at + 4] or self._in_headers) and end - at - HEADER <= LONGEST

    def _stream(self, data: bytes, at: int, end: int) -> T | None:
        """The open stream whose plain DATA frame this is."""
        if not self._is_plain(data, at, end):
            return None
        stream = self._streams.get(int.from_bytes(data[at + 5 : at + HEADER], "big"))
        return stream if stream is not None and stream.is_open else None

    def _pass(self, data: bytes, at: int, end: int) -> int:
        """Leaves a frame to h2. Returns where it ends, or where what there is of it does."""
        if data[at + 3] in (HEADERS, CONTINUATION):
            self._in_headers = not data[at + 4] & END_HEADERS
        self._passing = max(0, end - len(data))
        return min(end, len(data))

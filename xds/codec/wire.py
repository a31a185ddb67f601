"""protobuf's wire format, as far as xDS needs it: messages read by field, and written by concatenation.

In the wire format the order of fields is free and the entries of a repeated field simply follow one another, so a
response is spliced from pieces that were encoded before. https://protobuf.dev/programming-guides/encoding/
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Final

from xds.model import ProtocolError

VARINT, FIXED64, LENGTH, FIXED32 = 0, 1, 2, 5
FIXED = {FIXED64: 8, FIXED32: 4}
NO_RUNS: Final[frozenset[int]] = frozenset()

LONG: Final = range(1 << 10, 1 << 18)
"""Bytes of a run that is worth keeping."""
_runs: Final[deque[bytes]] = deque(maxlen=8)
"""Long runs as they came lately: clients of one kind begin with the same thousand names, or extensions."""


def fields(body: bytes, runs: frozenset[int] = NO_RUNS) -> Iterator[tuple[int, bytes | int]]:
    """(field number, value) of every top-level field, in order: bytes for length-delimited ones, an int for the rest. The
    entries of the length-delimited fields in `runs` that follow one another are one value, still encoded, tags included.

    Raises ProtocolError when the bytes are no protobuf message.
    """
    at, end = 0, len(body)
    while at < end:
        tag, at = (body[at], at + 1) if body[at] < 0x80 else read_varint(body, at)
        wire_type = tag & 7
        if wire_type == LENGTH and tag >> 3 in runs:
            start, at = at - 1, _end_of_run(body, at - 1)
            yield tag >> 3, body[start:at]
        elif wire_type == LENGTH:
            size, at = (body[at], at + 1) if at < end and body[at] < 0x80 else read_varint(body, at)
            if at + size > end:
                raise ProtocolError("the message is cut short")
            yield tag >> 3, body[at : at + size]
            at += size
        elif wire_type == VARINT:
            value, at = read_varint(body, at)
            yield tag >> 3, value
        elif (size := FIXED.get(wire_type, 0)) and at + size <= end:
            yield tag >> 3, int.from_bytes(body[at : at + size], "little")
            at += size
        else:
            raise ProtocolError("the message is no protobuf message")


def _end_of_run(body: bytes, at: int) -> int:
    """Where the fields end that begin like the one at `at`, whose tag is one byte."""
    start, tag, end = at, body[at], len(body)
    at += next((len(run) for run in _runs if body.startswith(run, at)), 0)
    is_known = at > start
    while at < end and body[at] == tag:
        size, at = (body[at + 1], at + 2) if at + 1 < end and body[at + 1] < 0x80 else read_varint(body, at + 1)
        at += size
    if at > end:
        raise ProtocolError("the message is cut short")
    if not is_known and at - start in LONG:
        _runs.append(body[start:at])
    return at


def read_varint(body: bytes, at: int) -> tuple[int, int]:
    """The varint at `at`, and where it ends. Raises ProtocolError when there is none."""
    value = shift = 0
    while at < len(body) and shift < 70:
        byte = body[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
    raise ProtocolError("the message is cut short")


def text(value: bytes | int) -> str:
    """A string field's value. Raises ProtocolError when it is no UTF-8 text."""
    if isinstance(value, int):
        raise ProtocolError("a string field holds a number")
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise ProtocolError("a string field holds no UTF-8 text") from None


def varint(value: int) -> bytes:
    """A varint."""
    if value < 0x80:
        return bytes((value,))
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def number(field: int, value: int) -> bytes:
    """A field of a number that is not negative."""
    return varint(field << 3 | VARINT) + varint(value)


def delimited(number: int, value: bytes | str) -> bytes:
    """A length-delimited field: a string, bytes, or a message that is already encoded."""
    body = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | LENGTH) + varint(len(body)) + body

"""Encoded responses: the bytes that streams which are told the same share."""

from __future__ import annotations

from typing import Any, Final

from xds.codec import wire

NONCE: Final = 5
"""The number of the field `nonce` in both kinds of response."""


class Encoded:
    """A response without its nonce, the only part of it that is a stream's own: `body` is the same object for all streams
    that are told the same. In `made` whoever sends it keeps what it makes of it.
    """

    __slots__ = ("body", "made")

    def __init__(self, body: bytes) -> None:
        self.body = body
        self.made: dict[Any, Any] = {}

    def message(self, nonce: str) -> bytes:
        """The whole response."""
        return self.body + tail(nonce)


def tail(nonce: str) -> bytes:
    """What a stream adds to the body: the nonce. The order of fields is free in protobuf's wire format."""
    return wire.delimited(NONCE, nonce)

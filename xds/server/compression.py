"""Compression: what clients may have done to their messages, undone within bounds.

https://github.com/grpc/grpc/blob/master/doc/compression.md
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Final

from xds.model import ProtocolError

FORMATS: Final[Mapping[str, int]] = {"gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}
"""grpc-encoding -> zlib's word for it."""

ACCEPTED: Final = ", ".join(("identity", *FORMATS))
"""The header grpc-accept-encoding."""


def decompress(body: bytes, encoding: str, limit: int) -> bytes:
    """The message in a compressed body. It is never grown to more than `limit` bytes.

    Raises ProtocolError for an unknown encoding, for what it does not decode, and for more than `limit`.
    """
    if encoding not in FORMATS:
        raise ProtocolError(f"messages compressed with {encoding!r} cannot be read: use {ACCEPTED}", code="UNIMPLEMENTED")
    one = zlib.decompressobj(FORMATS[encoding])
    try:
        message = one.decompress(body, limit + 1)
    except zlib.error as error:
        raise ProtocolError(f"a message is no {encoding}: {error}") from None
    if len(message) > limit:
        raise ProtocolError(f"a message is over {limit} bytes when it is decompressed", code="RESOURCE_EXHAUSTED")
    if not one.eof:
        raise ProtocolError(f"a message is {encoding} that ends too soon")
    return message

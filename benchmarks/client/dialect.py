"""The two dialects, as bytes: requests put together from parts, responses read no further than an ACK needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from msgspec import Struct

from xds.codec import message_class
from xds.codec.wire import delimited
from xds.model.type_url import CDS, LDS

ADS: Final = "/envoy.service.discovery.v3.AggregatedDiscoveryService/"
DISCOVERY: Final = "envoy.service.discovery.v3."
COMPLETE: Final = frozenset({CDS, LDS})
"""The types of which a SotW response lists all that there is; of others it may list what is new alone."""
NEAR: Final = 512
"""Bytes at the end of a response within which its type URL and nonce are looked for: most encoders write them there."""
VERSION, TYPE_URL, NONCE = 1, 4, 5
"""Fields of a response, in both dialects."""
KEY, VALUE = 1, 2
"""Fields of an entry of a map."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """One dialect: its method and messages, and the fields of its requests; SotW has no `initial`, delta no `version`."""

    path: str
    request: str
    response: str
    node: int
    type_url: int
    names: int
    nonce: int
    initial: int = 0
    version: int = 0

    def adds(self, type_url: str) -> bool:
        """Whether a response adds to what those before it said of this type."""
        return not self.version or type_url not in COMPLETE

    def parse(self, message: bytes) -> Any:
        """A response, decoded."""
        return message_class(DISCOVERY + self.response).FromString(message)


DIALECTS: Final[Mapping[str, Dialect]] = {
    "delta": Dialect(
        ADS + "DeltaAggregatedResources",
        *("DeltaDiscoveryRequest", "DeltaDiscoveryResponse"),
        node=1,
        type_url=2,
        names=3,
        nonce=6,
        initial=5,
    ),
    "sotw": Dialect(
        ADS + "StreamAggregatedResources",
        *("DiscoveryRequest", "DiscoveryResponse"),
        node=2,
        type_url=4,
        names=3,
        nonce=5,
        version=1,
    ),
}


class Held(Struct, frozen=True):
    """What a proxy holds of a type from an earlier stream: the version of all in SotW, versions by name in delta."""

    version: str = ""
    versions: Mapping[str, str] = {}


NOTHING: Final = Held()


class Ask(Struct, frozen=True):
    """What a proxy asks for: a type, by names or, without any, all of it. It asks for the next when `expect` resources of
    this have come, or with 0 any answer; at once where it `waits` for none. With `returning` it says what it holds.
    """

    type_url: str
    names: tuple[str, ...] = ()
    expect: int = 0
    waits: bool = True
    returning: bool = False


class Question:
    """An ask in one dialect, made once for all proxies: `opening` is its first request, but for the node; `tail` is what
    stands before the nonce of its responses; `adds` tells whether a response adds to those before it.
    """

    __slots__ = ("_ack", "_dialect", "_nonce", "_version", "adds", "ask", "opening", "tail", "url")

    def __init__(self, dialect: Dialect, ask: Ask, held: Held) -> None:
        self.ask, self._dialect = ask, dialect
        self.adds = dialect.adds(ask.type_url)
        self.url = ask.type_url.encode()
        self.tail = delimited(TYPE_URL, self.url) + _tag(NONCE)
        named = delimited(dialect.type_url, self.url)
        names = b"".join(delimited(dialect.names, name) for name in ask.names)
        self.opening = named + names + _holding(dialect, held)
        self._nonce = _tag(dialect.nonce)
        self._version = dialect.version
        self._ack = named + (names if dialect.version else b"") + self._nonce

    def ack(self, message: bytes, at: int) -> bytes:
        """The ACK of a response whose nonce is at this place. A field is taken over as it is: its length, its text; in SotW
        the version with its tag, too, since it is field 1 of both.
        """
        size = message[at]
        if size > 127 or (self._version and (message[0] != 0x0A or message[1] > 127)):
            return self._slow_ack(message)
        ack = self._ack + message[at : at + 1 + size]
        return message[: 2 + message[1]] + ack if self._version else ack

    def answers(self, message: bytes) -> bytes | None:
        """The ACK of a response that was not understood at a glance; None when it is of another type."""
        return self._slow_ack(message) if self._dialect.parse(message).type_url == self.ask.type_url else None

    def _slow_ack(self, message: bytes) -> bytes:
        response = self._dialect.parse(message)
        version = delimited(self._version, response.version_info) if self._version else b""
        return version + self._ack[: -len(self._nonce)] + delimited(self._dialect.nonce, response.nonce)


def _tag(number: int) -> bytes:
    """The tag of a field of text."""
    return delimited(number, b"")[:-1]


def _holding(dialect: Dialect, held: Held) -> bytes:
    if dialect.version:
        return delimited(dialect.version, held.version) if held.version else b""
    entries = (delimited(KEY, name) + delimited(VALUE, version) for name, version in held.versions.items())
    return b"".join(delimited(dialect.initial, entry) for entry in entries)

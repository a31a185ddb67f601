"""Proxies that poll: what an Envoy does that takes its configuration over REST, in the place of a stream.

A proxy is brought what a stream would bring, a DiscoveryResponse, but for its resources: those stay the JSON that came, in a
field of their own, which only the check of a proxy reads.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from dataclasses import dataclass
from typing import Any, Final, cast

import msgspec

from benchmarks.client.dialect import DISCOVERY, NONCE, TYPE_URL, VERSION, Dialect
from benchmarks.client.http2 import Listener
from xds.codec import encode, from_json, message_class
from xds.codec.wire import delimited, fields
from xds.server.service import PATHS

PERIOD: Final = 1.0
"""Seconds from an answer to the next request, give or take a half: an Envoy, too, keeps its polls apart by chance."""
JSON: Final = 100
"""The field that a response has the JSON in: none of a DiscoveryResponse."""
BREAK: Final = b"\r\n\r\n"
PATH: Final = {type_url: path for path, type_url in PATHS.items()}
UNCHANGED: Final = frozenset({304, 404})
"""Answers that there is nothing new, or nothing at all."""


@dataclass(frozen=True, slots=True)
class Rest(Dialect):
    """SotW as it goes over REST."""

    def parse(self, message: bytes) -> Any:
        """A response, decoded."""
        response = Dialect.parse(self, message)
        for text in (value for number, value in fields(message) if number == JSON and isinstance(value, bytes)):
            for one in msgspec.json.decode(text)["resources"]:
                response.resources.add(type_url=response.type_url, value=encode(from_json(one)))
        return response


REST: Final = Rest("", "DiscoveryRequest", "DiscoveryResponse", node=2, type_url=4, names=3, nonce=5, version=1)


class Answer(msgspec.Struct, frozen=True):
    """What a proxy must know of an answer."""

    version_info: str


class Poll(asyncio.Protocol):
    """The polls of one proxy, on one connection, one after the other. `bytes` is how many came."""

    __slots__ = ("_asked", "_chance", "_listener", "_node", "_requests", "_rest", "_transport", "bytes", "why")

    def __init__(self, listener: Listener, _: bytes) -> None:
        self._listener = listener
        self._transport: asyncio.Transport | None = None
        self._node: dict[str, str] = {}
        self._requests: dict[str, bytes] = {}
        self._asked: deque[str] = deque()
        self._chance = random.Random()
        self._rest = b""
        self.bytes = 0
        self.why = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Waits for what is to be asked for."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by descent

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
        """Asks for a type: at once when it is asked for first, a while after what it answers else."""
        request: Any = message_class(DISCOVERY + "DiscoveryRequest").FromString(message)
        if request.HasField("node"):
            self._node = {"id": request.node.id, "cluster": request.node.cluster}
            self._chance.seed(request.node.id)
        self._requests[request.type_url] = self._written(request)
        if request.response_nonce:
            self._ask_later(request.type_url)
        else:
            self._ask(request.type_url)

    def _written(self, request: Any) -> bytes:
        told = {"version_info": request.version_info, "resource_names": list(request.resource_names), "node": self._node}
        body = msgspec.json.encode(told)
        head = f"POST {PATH[request.type_url]} HTTP/1.1\r\nHost: xds\r\nContent-Type: application/json\r\n"
        return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body

    def _ask_later(self, type_url: str) -> None:
        asyncio.get_running_loop().call_later(PERIOD * (0.5 + self._chance.random()), self._ask, type_url)

    def _ask(self, type_url: str) -> None:
        """Asks when what was asked before is answered."""
        self._asked.append(type_url)
        if len(self._asked) == 1:
            self._write()

    def _write(self) -> None:
        if self._asked and self._transport is not None:
            self._transport.write(self._requests[self._asked[0]])

    def data_received(self, data: bytes) -> None:
        """Takes an answer when it is whole: there is one at a time."""
        self.bytes += len(data)
        self._rest += data
        head, ended, body = self._rest.partition(BREAK)
        if ended and len(body) >= _length(head):
            self._rest = b""
            self._take(int(head.split(maxsplit=2)[1]), body)

    def _take(self, status: int, body: bytes) -> None:
        type_url = self._asked[0]
        if status == 200:
            version = msgspec.json.decode(body, type=Answer).version_info
            told = ((VERSION, version.encode()), (JSON, body), (TYPE_URL, type_url.encode()), (NONCE, b"polled"))
            self._listener.received(b"".join(delimited(*one) for one in told))
        elif status in UNCHANGED:
            self._ask_later(type_url)
        else:
            self._end(f"a poll was answered with {status} {body[:200].decode(errors='replace')}")
        self._asked.popleft()
        self._write()

    def _end(self, why: str) -> None:
        if not self.why:
            self.why = why
            self._listener.ended(why)
            self.close()


def _length(head: bytes) -> int:
    """The length of the body: a server that does not say it ahead has none that we could wait for."""
    name = b"content-length:"
    return next((int(line[len(name) :]) for line in head.lower().split(b"\r\n") if line.startswith(name)), 0)

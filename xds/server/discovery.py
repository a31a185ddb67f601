"""The discovery services over gRPC: a thin shell that feeds streams and writes what they say."""

from __future__ import annotations

import asyncio
import itertools
import logging
import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, TypeAlias, cast

from grpclib.const import Cardinality, Handler, Status
from grpclib.encoding.base import CodecBase
from grpclib.exceptions import GRPCError
from grpclib.server import Stream as GrpcStream

from xds.codec import decode_node
from xds.model import NO_RESOURCES, Principal, ProtocolError
from xds.model.type_url import short_type
from xds.protocol import SOTW, Limits, Request, Response, Stream
from xds.protocol.limits import DEFAULT
from xds.server.authority import OPEN, Authority, Caller
from xds.server.fleet import Fleet, Session, Visit
from xds.server.grouping import GroupOf, by_cluster
from xds.server.http2_stream import Http2Stream
from xds.server.identity import identify
from xds.server.metrics import Metrics
from xds.server.service import METHODS, Method
from xds.server.talk import LONGEST, Desk, Talk, in_words

log = logging.getLogger(__name__)

SILENCE: Final = 60.0
"""Seconds in which the first message must come: a client opens a stream when it has something to ask."""

UNDIVIDED: Final = Limits(response_bytes=sys.maxsize)
"""For an answer that nothing follows."""

Wire: TypeAlias = GrpcStream[bytes, bytes]


def caller_of(wire: Wire) -> Caller:
    """Who opened a stream."""
    address = wire.peer.addr()
    host, port = address[:2] if address else ("unknown", 0)
    sent = wire.metadata.items() if wire.metadata is not None else ()
    metadata = {name: value for name, value in sent if isinstance(value, str)}
    return Caller(host, port, metadata, identify(wire.peer.cert()))


def http2_of(wire: Wire) -> Http2Stream:
    """The stream below a method's."""
    return cast(Http2Stream, wire._stream)  # noqa: SLF001  grpclib has no other way to it


async def first_message(wire: Wire) -> bytes | None:
    """The first message of a stream; None when it ends without one. Raises ProtocolError when none comes."""
    try:
        async with asyncio.timeout(SILENCE):
            return await wire.recv_message()
    except TimeoutError:
        raise ProtocolError(f"nothing was asked in {SILENCE:.0f} s", code="DEADLINE_EXCEEDED") from None


class PassThrough(CodecBase):
    """gRPC messages as bytes: requests are read by field, responses are spliced from what is already encoded."""

    __content_subtype__ = "proto"

    def encode(self, message: bytes, message_type: Any) -> bytes:  # noqa: ARG002  grpclib's interface
        """The bytes as they are."""
        return message

    def decode(self, data: bytes, message_type: Any) -> bytes:  # noqa: ARG002  grpclib's interface
        """The bytes as they are."""
        return bytes(data)


@dataclass(frozen=True, slots=True)
class Fetched:
    """The bytes of a DiscoveryResponse, and whether its version is another than the one that the request came with."""

    body: bytes
    is_news: bool


class Discovery:
    """All discovery services, served from a fleet, to whom the authority lets in.

    `grouping` tells the node group of a node. `identifier` names this control plane in every response.
    """

    def __init__(
        self,
        fleet: Fleet,
        metrics: Metrics,
        *,
        grouping: GroupOf = by_cluster,
        authority: Authority = OPEN,
        identifier: str = "",
        limits: Limits = DEFAULT,
    ) -> None:
        self._fleet, self._metrics, self._grouping, self._authority = fleet, metrics, grouping, authority
        self._desk = Desk(fleet, metrics, identifier or f"legation-{os.getpid()}", limits)
        self._numbers = itertools.count(1)
        self._salt = os.urandom(3).hex()

    def __mapping__(self) -> Mapping[str, Handler]:
        """The methods, as grpclib asks for them."""
        return {
            path: Handler(
                self._method(method), Cardinality.UNARY_UNARY if method.once else Cardinality.STREAM_STREAM, bytes, bytes
            )
            for path, method in METHODS.items()
        }

    def _method(self, method: Method) -> Callable[[Wire], Any]:
        """The coroutine itself, and none around it: thousands of them wait."""
        return partial(self._fetch if method.once else self._serve, method=method)

    def _refusal(self, wire: Wire, method: Method, error: ProtocolError) -> GRPCError:
        return GRPCError(Status[error.code], self.refuse(caller_of(wire), method.service, error))

    async def authenticate(self, caller: Caller) -> Principal:
        """Who calls. Raises ProtocolError for whom nothing is to be told."""
        return await self._authority.authenticate(caller)

    def refuse(self, caller: Caller, service: str, error: ProtocolError) -> str:
        """Notes that a caller was turned away or cut off. Returns the words for it."""
        words = in_words(error)
        self._metrics.refused(service, error.code)
        log.info("%s: %s, %s: %s", caller, service, error.code, words)
        return words

    async def _serve(self, wire: Wire, method: Method) -> None:
        """One stream, from its first message to its end."""
        try:
            talk = await self._begin(wire, method)
            if talk is None:
                return
            self._join(talk.session)
            try:
                await wire.send_initial_metadata()
                await talk.begin()
            finally:
                talk.close()
                self._leave(talk.session)
        except ProtocolError as error:
            raise self._refusal(wire, method, error) from None

    def _join(self, session: Session) -> None:
        self._fleet.join(session)
        known = self._fleet.served(session.group)
        waits = "" if known else "; nothing is known of this node group, and it keeps what it has"
        who, method = session.node.id or "without an id", session.method
        log.info("%s: connected (%s, %s %s)%s", session.group, who, method.service, method.dialect.name, waits)

    def _leave(self, session: Session) -> None:
        self._fleet.leave(session)
        log.info("%s: disconnected (%s)", session.group, session.node.id)

    async def _begin(self, wire: Wire, method: Method) -> Talk | None:
        """The talk on a stream, with its first message, which nobody keeps: it may be long. None where there is none."""
        principal = await self.authenticate(caller_of(wire))
        first = await first_message(wire)
        if first is None:
            return None
        request = method.dialect.read(first)
        talk = Talk(self._desk, self._open(wire, method, principal, request), http2_of(wire))
        talk.take(request)
        return talk

    def _open(self, wire: Wire, method: Method, principal: Principal, first: Request) -> Session:
        """The session of a stream, by the node of its first message; later nodes are not looked at."""
        visit = self.enter(principal, first, method.only)
        features = visit.node.features
        stream = Stream(method.dialect, prefix=self._prefix(), only=method.only, limits=self._desk.limits, features=features)
        return Session(visit, str(caller_of(wire)), stream, method)

    def enter(self, principal: Principal, request: Request, only: str) -> Visit:
        """Who asks, for which group, and for what. Raises ProtocolError for whom that is not to be told."""
        node = decode_node(request.node)
        group = self._grouping(node)
        if not group:
            raise ProtocolError("the first message must carry a node with an id and a cluster, which names its node group")
        if len(node.id) + len(group) > LONGEST or not (node.id + group).isprintable():
            raise ProtocolError("the node's id and group must be short and printable")
        grant = self._authority.authorize(principal, node, group)
        if only and not grant.covers(only):
            raise ProtocolError(f"{principal} may not ask for {short_type(only)}", code="PERMISSION_DENIED")
        return Visit(node, group, grant)

    def _prefix(self) -> str:
        """What makes the nonces of a stream its own."""
        return f"{self._salt}-{next(self._numbers)}-"

    async def _fetch(self, wire: Wire, method: Method) -> None:
        """One answer, without a stream."""
        try:
            principal = await self.authenticate(caller_of(wire))
            body = await first_message(wire)
            await wire.send_message(self.fetch(principal, body or b"", method.only).body)
        except ProtocolError as error:
            raise self._refusal(wire, method, error) from None

    def fetch(self, principal: Principal, body: bytes, only: str) -> Fetched:
        """All that is served now of what a DiscoveryRequest's bytes ask for, of the type `only`.

        Raises ProtocolError when the request is none or is not to be answered, UNAVAILABLE before the first snapshot.
        """
        request = SOTW.read(body)
        visit = self.enter(principal, request, only)
        if (served := self._fleet.served(visit.group)) is None:
            raise ProtocolError(f"nothing is known of the node group {visit.group!r} yet", code="UNAVAILABLE")
        stream = Stream(SOTW, prefix=self._prefix(), only=only, limits=UNDIVIDED)
        stream.receive(Request(request.type_url, names=request.names))
        stream.serve(served)
        self._metrics.request(only)
        self._metrics.response(only)
        response = stream.respond(time.monotonic()) or Response(only, "", NO_RESOURCES.version, ())
        return Fetched(SOTW.write(response, self._desk.identifier), is_news=response.version != request.version)

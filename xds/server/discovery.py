"""The aggregated discovery service over gRPC: a thin shell that feeds streams and writes what they say."""

from __future__ import annotations

import itertools
import logging
import os
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

import anyio
from anyio.abc import TaskGroup
from grpclib.const import Cardinality, Handler, Status
from grpclib.encoding.base import CodecBase
from grpclib.exceptions import GRPCError, StreamTerminatedError
from grpclib.server import Stream as GrpcStream

from xds.codec import decode_node
from xds.model import Node, ProtocolError
from xds.model.type_url import short_type
from xds.protocol import DELTA, SOTW, Dialect, Fact, Rejected, Stream
from xds.server.fleet import Fleet, Session
from xds.server.metrics import Metrics

log = logging.getLogger(__name__)

SERVICE: Final = "/envoy.service.discovery.v3.AggregatedDiscoveryService/"
METHODS: Final[Mapping[str, Dialect]] = {
    SERVICE + "StreamAggregatedResources": SOTW,
    SERVICE + "DeltaAggregatedResources": DELTA,
}

Wire: TypeAlias = GrpcStream[bytes, bytes]
Grouping: TypeAlias = Callable[[Node], str]
"""Which node group a node belongs to."""


def by_cluster(node: Node) -> str:
    """The group that the node's `cluster` names: what our own bootstrap says."""
    return node.cluster


class PassThrough(CodecBase):
    """gRPC messages as bytes: requests are read by field, responses are spliced from what is already encoded."""

    __content_subtype__ = "proto"

    def encode(self, message: bytes, message_type: Any) -> bytes:  # noqa: ARG002  grpclib's interface
        """The bytes as they are."""
        return message

    def decode(self, data: bytes, message_type: Any) -> bytes:  # noqa: ARG002  grpclib's interface
        """The bytes as they are."""
        return bytes(data)


class Discovery:
    """ADS in both dialects, served from a fleet. `identifier` names this control plane in every response."""

    def __init__(self, fleet: Fleet, metrics: Metrics, *, grouping: Grouping = by_cluster, identifier: str = "") -> None:
        self._fleet, self._metrics, self._grouping = fleet, metrics, grouping
        self._identifier = identifier or f"legation-{os.getpid()}"
        self._numbers = itertools.count(1)
        self._salt = os.urandom(3).hex()

    def __mapping__(self) -> Mapping[str, Handler]:
        """The methods, as grpclib asks for them."""
        return {
            path: Handler(self._method(dialect), Cardinality.STREAM_STREAM, bytes, bytes)
            for path, dialect in METHODS.items()
        }

    def _method(self, dialect: Dialect) -> Callable[[Wire], Any]:
        async def method(wire: Wire) -> None:
            try:
                await self._serve(wire, dialect)
            except ProtocolError as error:
                raise GRPCError(Status[error.code], str(error)) from None

        return method

    async def _serve(self, wire: Wire, dialect: Dialect) -> None:
        """One stream, from its first message to its end."""
        first = await wire.recv_message()
        if first is None:
            return
        session = self._open(wire, dialect, first)
        self._fleet.join(session)
        log.info("%s: connected (%s, %s)", session.group, session.node.id, dialect.name)
        try:
            await self._talk(wire, session, first)
        finally:
            self._fleet.leave(session)
            log.info("%s: disconnected (%s)", session.group, session.node.id)

    def _open(self, wire: Wire, dialect: Dialect, first: bytes) -> Session:
        """The session of a stream, by the node of its first message; later nodes are not looked at."""
        node = decode_node(dialect.read(first).node)
        group = self._grouping(node)
        if not node.id or not group:
            raise ProtocolError("the first message must carry a node with an id and a cluster, which names its node group")
        address = wire.peer.addr()
        peer = f"{address[0]}:{address[1]}" if address else "unknown"
        stream = Stream(dialect, prefix=f"{self._salt}-{next(self._numbers)}-")
        return Session(node, group, peer, stream)

    async def _talk(self, wire: Wire, session: Session, first: bytes) -> None:
        """Reads and writes until one of them ends; raises ProtocolError when the client broke the protocol."""
        faults: list[ProtocolError] = []
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._write, wire, session, tasks)
            try:
                self._take(session, first)
                async for body in wire:
                    self._take(session, body)
            except ProtocolError as error:
                faults.append(error)
            except StreamTerminatedError:
                pass
            tasks.cancel_scope.cancel()
        for fault in faults:
            raise fault

    def _take(self, session: Session, body: bytes) -> None:
        """Takes one request: decides at once, and leaves the writing to the writer."""
        request = session.stream.dialect.read(body)
        fact = session.stream.receive(request)
        self._metrics.request(request.type_url)
        if fact is not None:
            self._note(session, fact)
            self._fleet.judge(session, fact)
        session.signal.set()

    def _note(self, session: Session, fact: Fact) -> None:
        if not isinstance(fact, Rejected):
            published = self._fleet.group(session.group).published
            self._metrics.ack(fact.type_url, time.monotonic() - published)
            return
        self._metrics.nack(fact.type_url)
        whom = ", ".join(one.name for one in fact.culprits) or f"one of {len(fact.offered)}"
        log.debug("%s: %s refused %s %s: %s", session.group, session.node.id, short_type(fact.type_url), whom, fact.message)

    async def _write(self, wire: Wire, session: Session, tasks: TaskGroup) -> None:
        """Sends whatever the stream has to say; waits while it has nothing."""
        group = self._fleet.group(session.group)
        try:
            while True:
                for fact in session.stream.serve(group.served.value):
                    self._fleet.judge(session, fact)
                response = session.stream.respond()
                if response is None:
                    self._fleet.settle(session)
                    await session.signal.wait()
                    continue
                session.quiet = False
                self._metrics.response(response.type_url)
                await wire.send_message(session.stream.dialect.write(response, self._identifier))
        except (StreamTerminatedError, ConnectionError):
            tasks.cancel_scope.cancel()

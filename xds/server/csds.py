"""CSDS over gRPC: proxies' standing, asked of the control plane. Its stream is questions and answers, and not a watch."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Final, TypeAlias

from anyio import to_thread
from grpclib.const import Cardinality, Handler, Status
from grpclib.exceptions import GRPCError

from xds.codec import encode
from xds.codec.matcher import matches_node
from xds.model import Node, Principal, ProtocolError
from xds.server.authority import Authority, Grant
from xds.server.client_status import answer, read
from xds.server.discovery import Discovery, Wire, caller_of
from xds.server.fleet import Fleet

SERVICE: Final = "/envoy.service.status.v3.ClientStatusDiscoveryService/"
METHODS: Final = {
    SERVICE + "StreamClientStatus": Cardinality.STREAM_STREAM,
    SERVICE + "FetchClientStatus": Cardinality.UNARY_UNARY,
}


Answering: TypeAlias = Callable[[Principal, bytes], Awaitable[bytes]]
"""Makes a ClientStatusResponse for somebody of a ClientStatusRequest, both encoded."""


class ClientStatus:
    """The service. Whoever may ask for what a proxy is served may ask how the proxy stands with it."""

    def __init__(self, discovery: Discovery, answering: Answering) -> None:
        self._discovery, self._answering = discovery, answering

    def __mapping__(self) -> Mapping[str, Handler]:
        """The methods, as grpclib asks for them."""
        return {path: Handler(self._serve, cardinality, bytes, bytes) for path, cardinality in METHODS.items()}

    async def _serve(self, wire: Wire) -> None:
        try:
            principal = await self._discovery.authenticate(caller_of(wire))
            while (body := await wire.recv_message()) is not None:
                await wire.send_message(await self._answering(principal, body))
        except ProtocolError as error:
            raise GRPCError(Status[error.code], self._discovery.refuse(caller_of(wire), "csds", error)) from None


async def answered(fleet: Fleet, authority: Authority, principal: Principal, body: bytes) -> bytes:
    """The answer to a request, of the streams of this fleet. Raises ProtocolError when the bytes are no request."""
    request = read(body)

    def grant(node: Node, group: str) -> Grant | None:
        """What of a stream's resources is asked about and may be told."""
        if not matches_node(request.node_matchers, node):
            return None
        try:
            return authority.authorize(principal, node, group)
        except ProtocolError:
            return None

    told = [one async for one in fleet.deliveries(grant)]
    return encode(await to_thread.run_sync(answer, request, told))

"""CSDS over gRPC: proxies' standing, asked of the control plane. Its stream is questions and answers, and not a watch."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from anyio import to_thread
from grpclib.const import Cardinality, Handler, Status
from grpclib.exceptions import GRPCError

from xds.codec import encode
from xds.codec.matcher import matches_node
from xds.model import Principal, ProtocolError
from xds.server.authority import Authority, Grant
from xds.server.client_status import answer, gathered, read
from xds.server.discovery import Discovery, Wire, caller_of
from xds.server.fleet import Fleet, Session

SERVICE: Final = "/envoy.service.status.v3.ClientStatusDiscoveryService/"
METHODS: Final = {
    SERVICE + "StreamClientStatus": Cardinality.STREAM_STREAM,
    SERVICE + "FetchClientStatus": Cardinality.UNARY_UNARY,
}


class ClientStatus:
    """The service. Whoever may ask for what a proxy is served may ask how the proxy stands with it."""

    def __init__(self, fleet: Fleet, discovery: Discovery, authority: Authority) -> None:
        self._fleet, self._discovery, self._authority = fleet, discovery, authority

    def __mapping__(self) -> Mapping[str, Handler]:
        """The methods, as grpclib asks for them."""
        return {path: Handler(self._serve, cardinality, bytes, bytes) for path, cardinality in METHODS.items()}

    async def _serve(self, wire: Wire) -> None:
        try:
            principal = await self._discovery.authenticate(caller_of(wire))
            while (body := await wire.recv_message()) is not None:
                request = read(body)
                told = await gathered(self._fleet.deliveries(partial(self._grant, principal, request)))
                await wire.send_message(encode(await to_thread.run_sync(answer, request, told)))
        except ProtocolError as error:
            raise GRPCError(Status[error.code], self._discovery.refuse(caller_of(wire), "csds", error)) from None

    def _grant(self, principal: Principal, request: Any, session: Session) -> Grant | None:
        """What of a stream's resources is asked about and may be told."""
        if not matches_node(request.node_matchers, session.node):
            return None
        try:
            return self._authority.authorize(principal, session.node, session.group)
        except ProtocolError:
            return None

"""The gRPC server: grpclib's, with a transport that can face the world."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final, Protocol

import anyio
from anyio import to_thread
from grpclib.config import Configuration
from grpclib.const import Handler
from grpclib.encoding.base import CodecBase
from grpclib.protocol import H2Protocol
from grpclib.server import Server
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.settings import SettingCodes, Settings

from xds.server.background import background
from xds.server.bind import cannot_listen
from xds.server.client_connection import ClientConnection, Reception
from xds.server.connection import STREAM_WINDOW
from xds.server.pace import Gate, Pace
from xds.server.tls import Certificates, in_words
from xds.server.transport import Transport

log = logging.getLogger(__name__)

BACKLOG: Final = 4096
"""Connections that the system keeps until they are taken up: after a restart all proxies come at the same time."""
BREATH: Final = 0.5
"""Seconds until the next try, when the system has no more file descriptors for connections."""
HANDSHAKE: Final[Mapping[str, float]] = {"ssl_handshake_timeout": 15.0, "ssl_shutdown_timeout": 1.0}
"""Seconds that TLS may take to begin and to end."""
PATIENCE: Final = 2
"""New streams that may come at once, in seconds' worth."""


class Service(Protocol):
    """What grpclib serves."""

    def __mapping__(self) -> Mapping[str, Handler]:
        """Path -> method."""
        ...


@asynccontextmanager
async def serve(
    services: Collection[Service], codec: CodecBase, transport: Transport, host: str, port: int
) -> AsyncIterator[tuple[str, int]]:
    """Serves inside the `async with`; gives the (host, port) it listens on, where port 0 takes any free one. At the end
    the clients are told to connect anew, and every stream ends after the message that is being written.

    Raises ConfigError when the socket cannot be opened, and for TLS files that are wrong.
    """
    certificates = await to_thread.run_sync(Certificates, transport.tls) if transport.tls else None
    sockets = await listen(host, port, shared=transport.workers > 1)
    server = GrpcServer(services, codec, _reception(transport))
    try:
        async with background() as tasks:
            for one in sockets:
                tasks.start_soon(server.accept, one, certificates)
            if certificates is not None:
                tasks.start_soon(certificates.follow)
            yield sockets[0].getsockname()[:2]
    finally:
        for one in sockets:
            one.close()
        await server.drain()


async def listen(host: str, port: int, *, shared: bool = False) -> list[socket.socket]:
    """Sockets for all addresses of a host; `shared` with other processes that ask for that. Raises ConfigError."""
    sockets: list[socket.socket] = []
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        for family, _, _, _, address in found:
            sockets.append(socket.create_server(address, family=family, backlog=BACKLOG, reuse_port=shared))
    except OSError as error:
        for one in sockets:
            one.close()
        raise cannot_listen(error, (host, port), setting="xds.address and xds.port", flag="--port") from error
    return sockets


def _reception(transport: Transport) -> Reception:
    keepalive = Configuration(
        _keepalive_time=transport.keepalive_seconds,
        _keepalive_timeout=transport.keepalive_timeout_seconds,
        _keepalive_permit_without_calls=True,
        _http2_max_pings_without_data=0,
        _http2_min_sent_ping_interval_without_data=transport.keepalive_seconds / 2,
    )
    checked = H2Configuration(
        client_side=False, header_encoding="ascii", validate_outbound_headers=False, normalize_outbound_headers=False
    )
    settings = {
        SettingCodes.MAX_CONCURRENT_STREAMS: transport.max_concurrent_streams,
        SettingCodes.MAX_HEADER_LIST_SIZE: H2Connection.DEFAULT_MAX_HEADER_LIST_SIZE,
        SettingCodes.INITIAL_WINDOW_SIZE: STREAM_WINDOW,
    }
    gate = Gate(Pace(transport.new_streams_per_second, PATIENCE * transport.new_streams_per_second))
    return Reception(transport, keepalive, checked, Settings(client=False, initial_values=settings), gate)


class GrpcServer(Server):
    """grpclib's server with connections of our own."""

    def __init__(self, services: Collection[Service], codec: CodecBase, reception: Reception) -> None:
        super().__init__(services, codec=codec, config=reception.grpclib)
        self._reception = reception

    async def accept(self, listening: socket.socket, certificates: Certificates | None) -> None:
        """Takes up connections, for as long as it runs."""
        listening.setblocking(False)
        async with anyio.create_task_group() as tasks:
            while True:
                try:
                    accepted, address = await asyncio.get_running_loop().sock_accept(listening)
                except OSError as error:
                    log.error("no connection can be taken up: %s", error)  # noqa: TRY400  the system's fault: no traceback
                    await anyio.sleep(BREATH)
                else:
                    tasks.start_soon(self._secure, accepted, address, certificates)

    async def _secure(self, accepted: socket.socket, address: tuple[Any, ...], certificates: Certificates | None) -> None:
        """Makes the TLS handshake, where there is one, and a connection."""
        secured: dict[str, Any] = {"ssl": certificates.context, **HANDSHAKE} if certificates else {}
        try:
            # asyncio does so only for sockets that it opened: else what follows a header waits 40 ms for a delayed ACK.
            accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await asyncio.get_running_loop().connect_accepted_socket(self._protocol_factory, accepted, **secured)
        except OSError as error:  # ssl.SSLError is one
            level = logging.INFO if isinstance(error, ssl.SSLError) else logging.DEBUG  # others look whether we are up
            log.log(level, "%s:%s: no TLS connection: %s", address[0], address[1], in_words(error))

    def _protocol_factory(self) -> H2Protocol:
        return ClientConnection(super()._protocol_factory().handler, self._reception)

    async def drain(self) -> None:
        """Returns when all connections have ended well, or LINGER seconds are over and they have ended at once."""
        with anyio.CancelScope(shield=True):
            for one in list(self._reception.connections):
                one.leave()
            while self._reception.connections:
                await self._reception.left.wait()
            for handler in self._handlers:
                await handler.wait_closed()

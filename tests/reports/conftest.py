"""A server with all its reports on a loopback port, and real gRPC clients."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any

import anyio
import grpc.aio
import pytest
from blockbuster import blockbuster_ctx

from xds.codec import message_class
from xds.codec.descriptors import pool
from xds.model.type_url import CDS
from xds.protocol import DELTA, SOTW, Dialect
from xds.server.report import Reports
from xds.server.service import METHODS
from xds.server.xds_server import XdsServer

DEADLINE = 60
DISCOVERY = "envoy.service.discovery.v3."


@pytest.fixture(autouse=True)
def _nothing_blocks() -> Iterator[None]:
    """A call of ours that blocks the event loop is an error; the descriptors are read once, at the start."""
    pool()
    with blockbuster_ctx("xds"):
        yield


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session", autouse=True)
async def _one_loop(anyio_backend: str) -> AsyncIterator[None]:
    """Keeps one event loop, and grpc, for all tests: grpc ends when its last channel is forgotten, which blocks."""
    grpc.aio.init_grpc_aio()
    yield
    grpc.aio.shutdown_grpc_aio()


@dataclass
class Proxy:
    """One ADS stream of a client that answers only when it is told to."""

    call: Any
    dialect: Dialect
    id: str
    group: str = "edge"

    async def ask(self, *names: str, type_url: str = CDS, **fields: Any) -> None:
        """Sends a request: of everything, or of these names."""
        kind, listed = ("Delta", "resource_names_subscribe") if self.dialect is DELTA else ("", "resource_names")
        node = {"id": self.id, "cluster": self.group, "metadata": {"zone": "a"}}
        request = message_class(f"{DISCOVERY}{kind}DiscoveryRequest")(
            type_url=type_url, node=node, **{listed: names}, **fields
        )
        await self.call.write(request.SerializeToString())

    async def read(self) -> Any:
        """The next response."""
        kind = "Delta" if self.dialect is DELTA else ""
        with anyio.fail_after(DEADLINE):
            body = await self.call.read()
        return message_class(f"{DISCOVERY}{kind}DiscoveryResponse").FromString(body)

    async def accept(self, response: Any, *names: str) -> None:
        listed = names if self.dialect is SOTW else ()
        await self.ask(*listed, type_url=response.type_url, response_nonce=response.nonce)

    async def refuse(self, response: Any, words: str, *names: str) -> None:
        listed = names if self.dialect is SOTW else ()
        error = {"code": 3, "message": words}
        await self.ask(*listed, type_url=response.type_url, response_nonce=response.nonce, error_detail=error)


@dataclass
class Served:
    """A server and a channel to it."""

    server: XdsServer
    channel: Any
    calls: list[Any] = field(default_factory=list)

    def connect(self, dialect: Dialect, node: str = "envoy-1") -> Proxy:
        (path,) = [path for path, one in METHODS.items() if (one.dialect, one.only) == (dialect, "")]
        return Proxy(self.open(path), dialect, node)

    def open(self, path: str) -> Any:
        """A stream of any service."""
        self.calls.append(self.channel.stream_stream(path)())
        return self.calls[-1]

    async def until(self, condition: Any) -> None:
        with anyio.fail_after(DEADLINE):
            while not condition():  # noqa: ASYNC110  nobody tells when a test's condition comes true
                await anyio.sleep(0.005)


@pytest.fixture
def options() -> dict[str, Any]:
    """What the server is made with."""
    return {"reports": Reports(client_status=True, load_interval=0.5)}


@pytest.fixture
async def served(anyio_backend: str, options: dict[str, Any]) -> AsyncIterator[Served]:
    server = XdsServer(**options)
    async with server.serve() as (host, port):
        pool_of_its_own = [("grpc.use_local_subchannel_pool", 1)]
        async with grpc.aio.insecure_channel(f"{host}:{port}", options=pool_of_its_own) as channel:
            made = Served(server, channel)
            yield made
            for call in made.calls:
                call.cancel()
            await made.until(lambda: not list(server.fleet.sessions()))

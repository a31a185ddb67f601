"""Real gRPC clients that ask for clusters."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import anyio
import grpc
import grpc.aio
from raw_client import PATHS, SOON

from xds.codec import message_class, resource
from xds.model import Resource, Snapshot
from xds.model.type_url import CDS
from xds.protocol import DELTA, SOTW, Dialect

NODE = {"id": "n1", "cluster": "edge"}
REQUESTS = {SOTW: "DiscoveryRequest", DELTA: "DeltaDiscoveryRequest"}
RESPONSES = {SOTW: "DiscoveryResponse", DELTA: "DeltaDiscoveryResponse"}
DISCOVERY = "envoy.service.discovery.v3."


def cluster(name: str, mark: str = "1") -> Resource:
    return resource({"@type": CDS, "name": name, "alt_stat_name": mark})


def clusters(*names: str, mark: str = "1") -> Snapshot:
    return Snapshot.of([cluster(name, mark) for name in names])


def request(dialect: Dialect, node: dict | None = None, *, of: str = CDS, **fields: Any) -> bytes:
    """A request for all clusters, or all of another type; the first of a stream has the node."""
    message = message_class(DISCOVERY + REQUESTS[dialect])(type_url=of, **fields, **({"node": node} if node else {}))
    return message.SerializeToString()


def opening(dialect: Dialect, **fields: Any) -> bytes:
    return request(dialect, NODE, **fields)


def response(dialect: Dialect, body: bytes) -> Any:
    return message_class(DISCOVERY + RESPONSES[dialect]).FromString(body)


@dataclass
class Talk:
    """One stream."""

    call: Any
    dialect: Dialect

    async def send(self, body: bytes) -> None:
        """What is sent on a stream that has ended is lost; `end` tells why."""
        with suppress(grpc.aio.AioRpcError):
            await self.call.write(body)

    async def names(self) -> list[str]:
        """Reads a response, ACKs it, and gives the names in it."""
        with anyio.fail_after(SOON):
            body = await self.call.read()
        assert body is not grpc.aio.EOF, await self.call.details()
        got = response(self.dialect, body)
        await self.send(request(self.dialect, response_nonce=got.nonce))
        if self.dialect is DELTA:
            return [one.name for one in got.resources]
        return [message_class(CDS.partition("/")[2]).FromString(one.value).name for one in got.resources]

    async def end(self) -> tuple[grpc.StatusCode, str]:
        """How the server ended it."""
        with anyio.fail_after(SOON):
            return await self.call.code(), await self.call.details()


@dataclass
class Talks:
    """Streams, each on a connection of its own unless a channel is given."""

    stack: AsyncExitStack
    calls: list[Any] = field(default_factory=list)

    @classmethod
    @asynccontextmanager
    async def open(cls) -> AsyncIterator[Talks]:
        async with AsyncExitStack() as stack:
            made = cls(stack)
            yield made
            for call in made.calls:
                call.cancel()
                await call.code()

    async def channel(self, address: tuple[str, int], credentials: grpc.ChannelCredentials | None = None, **options: Any):
        target = f"{address[0]}:{address[1]}"
        args = [("grpc.use_local_subchannel_pool", 1), *((f"grpc.{name}", value) for name, value in options.items())]
        secure = credentials is not None
        made = grpc.aio.secure_channel(target, credentials, args) if secure else grpc.aio.insecure_channel(target, args)
        return await self.stack.enter_async_context(made)

    async def begin(
        self, address: tuple[str, int], dialect: Dialect, *, node: dict = NODE, channel: Any = None, **how
    ) -> Talk:
        """A stream that has asked for all clusters. `how` is compression and credentials of the call."""
        talk = await self.silent(address, dialect, channel=channel, **how)
        await talk.send(request(dialect, node))
        return talk

    async def silent(self, address: tuple[str, int], dialect: Dialect, *, channel: Any = None, **how) -> Talk:
        """A stream that has said nothing yet."""
        channel = channel or await self.channel(address)
        call = channel.stream_stream(PATHS[dialect])(**how)
        self.calls.append(call)
        return Talk(call, dialect)

"""A simulated proxy: what an Envoy says on its stream, without the Envoy, so that there can be many."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import anyio
import grpc
import grpc.aio

from xds.codec import message_class
from xds.codec.bootstrap import Dialect

PATIENCE: Final = 30.0
QUIET: Final = 0.3
"""Seconds without a message, after which a stream is thought to have none any more."""

SERVICE: Final = "/envoy.service.discovery.v3.AggregatedDiscoveryService/"
METHODS: Final = {"sotw": SERVICE + "StreamAggregatedResources", "delta": SERVICE + "DeltaAggregatedResources"}
REQUESTS: Final = {"sotw": "DiscoveryRequest", "delta": "DeltaDiscoveryRequest"}
RESPONSES: Final = {"sotw": "DiscoveryResponse", "delta": "DeltaDiscoveryResponse"}

Held = dict[str, Any]
"""What a client holds of a type: in SotW the `version` of all, in delta the versions by name."""


@dataclass(slots=True)
class Client:
    """One stream. By type URL: `held` is what it held when an earlier stream ended, and what it holds now; `names` what it
    asks for; `received` how many bytes came.
    """

    call: Any
    dialect: Dialect
    node: dict[str, str]
    held: dict[str, Held] = field(default_factory=dict)
    names: dict[str, tuple[str, ...]] = field(default_factory=dict)
    received: Counter[str] = field(default_factory=Counter)

    async def want(self, type_url: str, names: Sequence[str] = ()) -> None:
        """Asks for a type for the first time on this stream, and says what it still holds of it."""
        self.names[type_url] = tuple(names)
        held = self.held.get(type_url, {})
        if self.dialect == "sotw":
            await self._send(type_url, resource_names=names, version_info=held.get("version", ""), node=self.node)
        else:
            await self._send(type_url, resource_names_subscribe=names, initial_resource_versions=held, node=self.node)

    async def read(self) -> Any:
        """The next response, accepted."""
        with anyio.fail_after(PATIENCE):
            body = await self.call.read()
        if body is grpc.aio.EOF:
            raise ConnectionError(f"the stream ended: {await self.call.code()} {await self.call.details()}")
        response: Any = message_class(f"envoy.service.discovery.v3.{RESPONSES[self.dialect]}").FromString(body)
        self.received[response.type_url] += len(body)
        await self._accept(response)
        return response

    async def read_until(self, *type_urls: str, mark: str = "") -> tuple[str, ...]:
        """Reads until each of these types has come with this mark in it; gives them in the order in which they came."""
        came: dict[str, None] = {}
        while not came.keys() >= set(type_urls):
            response = await self.read()
            if mark.encode() in response.SerializeToString():
                came[response.type_url] = None
        return tuple(came)

    async def drain(self) -> None:
        """Reads until nothing comes any more; the last thing to do on a stream, which ends with it."""
        with anyio.move_on_after(QUIET) as quiet:
            while True:
                await self.read()
                quiet.deadline = anyio.current_time() + QUIET

    async def _accept(self, response: Any) -> None:
        type_url, ack = response.type_url, {"response_nonce": response.nonce}
        if self.dialect == "sotw":
            self.held[type_url] = {"version": response.version_info}
            await self._send(type_url, resource_names=self.names[type_url], version_info=response.version_info, **ack)
            return
        held = self.held.setdefault(type_url, {})
        held.update((one.name, one.version) for one in response.resources)
        for name in response.removed_resources:
            held.pop(name, None)
        await self._send(type_url, **ack)

    async def _send(self, type_url: str, **fields: Any) -> None:
        request: Any = message_class(f"envoy.service.discovery.v3.{REQUESTS[self.dialect]}")(type_url=type_url, **fields)
        await self.call.write(request.SerializeToString())


@asynccontextmanager
async def client(xds: str, dialect: Dialect, group: str, held: dict[str, Held] | None = None) -> AsyncIterator[Client]:
    """A client of the group on a connection of its own; with `held`, one that comes back."""
    async with grpc.aio.insecure_channel(xds, options=[("grpc.use_local_subchannel_pool", 1)]) as channel:
        call = channel.stream_stream(METHODS[dialect])()
        try:
            yield Client(call, dialect, {"id": group, "cluster": group}, held or {})
        finally:
            call.cancel()

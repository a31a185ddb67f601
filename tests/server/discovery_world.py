"""A discovery service on a loopback port, and a real gRPC client that speaks real protobuf to it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import anyio
import grpc
import grpc.aio

from xds.codec import message_class, resource
from xds.model import Resource, Snapshot
from xds.model.type_url import CDS
from xds.protocol import DELTA, SOTW, Dialect, Limits
from xds.server.discovery import Discovery
from xds.server.fleet import Fleet
from xds.server.service import METHODS

SOON = 30
"""Seconds, after which a test gives up waiting, however busy this machine is."""

NODE = {"id": "n1", "cluster": "edge"}
MESSAGES = {
    SOTW: ("DiscoveryRequest", "DiscoveryResponse", "resource_names"),
    DELTA: ("DeltaDiscoveryRequest", "DeltaDiscoveryResponse", "resource_names_subscribe"),
}


def cluster(name: str, mark: str = "1") -> Resource:
    return resource({"@type": CDS, "name": name, "alt_stat_name": mark})


@dataclass
class Call:
    """One stream of a client."""

    call: Any
    dialect: Dialect

    async def send(self, type_url: str = CDS, names: tuple[str, ...] = (), **fields: Any) -> None:
        kind, _, field_ = MESSAGES[self.dialect]
        message = message_class(f"envoy.service.discovery.v3.{kind}")(type_url=type_url, **{field_: names}, **fields)
        await self.call.write(message.SerializeToString())

    async def read(self) -> Any:
        with anyio.fail_after(SOON):
            body = await self.call.read()
        assert body is not grpc.aio.EOF, await self.call.details()
        return message_class(f"envoy.service.discovery.v3.{MESSAGES[self.dialect][1]}").FromString(body)

    async def names(self) -> set[str]:
        """Reads a response, ACKs it, and gives the names in it."""
        got = await self.read()
        await self.send(got.type_url, response_nonce=got.nonce)
        if self.dialect is DELTA:
            return {one.name for one in got.resources}
        return {message_class(one.type_url.partition("/")[2]).FromString(one.value).name for one in got.resources}

    async def end(self) -> tuple[grpc.StatusCode, str]:
        """How the server ended the call."""
        with anyio.fail_after(SOON):
            return await self.call.code(), await self.call.details()


@dataclass
class World:
    """A server, its fleet, and a channel to it."""

    fleet: Fleet
    discovery: Discovery
    channel: Any
    target: str
    calls: list[Any] = field(default_factory=list)

    def open(self, dialect: Dialect, channel: Any = None) -> Call:
        (path,) = [path for path, one in METHODS.items() if (one.dialect, one.only) == (dialect, "")]
        call = (channel or self.channel).stream_stream(path)()
        self.calls.append(call)
        return Call(call, dialect)

    def publish(self, **groups: tuple[Resource, ...]) -> list[str]:
        return self.fleet.publish({name: Snapshot.of(resources) for name, resources in groups.items()})

    def limit(self, **limits: Any) -> None:
        """Holds the streams that open from now on to these limits."""
        self.discovery._desk = replace(self.discovery._desk, limits=Limits(**limits))

    async def until(self, condition: Any) -> None:
        with anyio.fail_after(SOON):
            while not condition():  # noqa: ASYNC110  nobody tells when a test's condition comes true
                await anyio.sleep(0.005)

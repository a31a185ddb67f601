"""The edge: a control plane with one node group, a relay in front of it, and a real Envoy behind that."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
from envoy_proxy import GROUP, Proxy, running
from patience import SECONDS
from recording import breaches
from relay import Relay, relaying

from xds.model import Answer, Resource, Snapshot
from xds.server.transport import Transport
from xds.server.xds_server import Publication, XdsServer


@dataclass(eq=False)
class Edge:
    """All that a test needs of it."""

    server: XdsServer
    relay: Relay
    proxy: Proxy

    async def publish(self, *resources: Resource) -> Publication:
        """Publishes this, and returns when Envoy has answered all of it: sooner than the 15 s of a stall."""
        self.relay.mark()
        with anyio.fail_after(SECONDS):
            return await self.server.publish(GROUP, Snapshot.of(resources), until="accepted")

    def answers(self) -> list[Answer]:
        """What Envoy last said of each type."""
        return [held.answer for one in self.server.fleet.streams(GROUP) for held in one.stream.subscribed()]


@asynccontextmanager
async def an_edge(
    program: str, home: Path, dialect: Any, *resources: Resource, wordy: bool = False, hurried: bool = False
) -> AsyncIterator[Edge]:
    """An edge that is live with these resources; a `wordy` Envoy says who it is in every request. A `hurried` control plane
    waits for an answer for a second only, and then says the next thing without it.
    """
    server = XdsServer(identifier="real clients", transport=Transport(patience_seconds=1) if hurried else Transport())
    await server.publish(GROUP, Snapshot.of(resources))
    async with server.serve() as address, relaying(address) as relay:
        proxy = Proxy(program, home, relay.address, dialect, wordy=wordy)
        async with running(proxy):
            yield Edge(server, relay, proxy)
        assert hurried or not (wrong := breaches(relay, dialect)), wrong

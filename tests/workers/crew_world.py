"""A server with two worker processes on a loopback port, and real gRPC clients of both."""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import anyio
import grpc
import grpc.aio
from discovery_world import SOON, Call

from xds.protocol import SOTW, Dialect
from xds.server.service import METHODS
from xds.server.transport import Transport
from xds.server.workers.crew import Crew, Member
from xds.server.xds_server import XdsServer

GROUP = "edge"


async def until(condition: Callable[[], Any]) -> None:
    with anyio.fail_after(SOON):
        while not condition():  # noqa: ASYNC110  nobody tells when a test's condition comes true
            await anyio.sleep(0.005)


@dataclass(eq=False)
class Client:
    """One ADS stream on a connection of its own, and what it had before."""

    id: str
    call: Call
    channel: Any
    held: dict[str, str] = field(default_factory=dict)

    async def start(self, group: str = GROUP, **fields: Any) -> None:
        await self.call.send(node={"id": self.id, "cluster": group}, **fields)

    async def names(self) -> set[str]:
        return await self.call.names()

    async def read(self) -> Any:
        return await self.call.read()

    async def accept(self, got: Any) -> None:
        await self.call.send(got.type_url, response_nonce=got.nonce, **self._version(got))

    async def refuse(self, got: Any, words: str) -> None:
        await self.call.send(got.type_url, response_nonce=got.nonce, error_detail={"code": 3, "message": words})

    def _version(self, got: Any) -> dict[str, str]:
        return {"version_info": got.version_info} if self.call.dialect is SOTW else {}

    def returning(self, got: Any) -> dict[str, Any]:
        """What it says first when it connects anew with what it has of a response."""
        if self.call.dialect is SOTW:
            return {"version_info": got.version_info}
        return {"initial_resource_versions": {one.name: one.version for one in got.resources}}


@dataclass
class World:
    """The server, and who is with which worker."""

    server: XdsServer
    target: str
    clients: list[Client] = field(default_factory=list)

    @property
    def crew(self) -> Crew:
        return self.server._serving.__self__

    @property
    def workers(self) -> list[Member]:
        return list(self.crew._members.values())

    def connect(self, dialect: Dialect, name: str = "") -> Client:
        """A client of any worker."""
        channel = grpc.aio.insecure_channel(self.target, options=[("grpc.use_local_subchannel_pool", 1)])
        (path,) = [path for path, one in METHODS.items() if (one.dialect, one.only) == (dialect, "")]
        client = Client(name or f"n{len(self.clients)}", Call(channel.stream_stream(path)(), dialect), channel)
        self.clients.append(client)
        return client

    async def client_of(self, worker: Member, dialect: Dialect, **first: Any) -> Client:
        """A client of this worker: the system chooses, and so it is tried until it is one."""
        with anyio.fail_after(SOON):
            while True:
                client, before = self.connect(dialect), worker.post.streams(GROUP)
                total = self.server.fleet.count(GROUP)
                await client.start(**first)
                await until(lambda total=total: self.server.fleet.count(GROUP) > total)
                if worker.post.streams(GROUP) > before:
                    return client
                await client.channel.close()
                await until(lambda total=total: self.server.fleet.count(GROUP) == total)

    async def pair(self, dialect: Dialect, **first: Any) -> tuple[Client, Client]:
        """A client of each worker."""
        one, other = [await self.client_of(worker, dialect, **first) for worker in self.workers]
        return one, other

    async def kill(self, worker: Member) -> None:
        os.kill(worker.process.pid, signal.SIGKILL)
        await until(lambda: worker.post not in self.server.fleet.posts)

    async def all_up(self) -> None:
        """Returns when both workers serve."""
        await until(lambda: len(self.server.fleet.posts) == 2 and all(one.serves for one in self.workers))

    async def close(self) -> None:
        for one in self.clients:
            await one.channel.close()


@asynccontextmanager
async def crewed(**options: Any) -> AsyncIterator[World]:
    """Serves with two workers while the block runs."""
    terms = options.pop("terms", {})
    server = XdsServer(identifier="me", transport=Transport(workers=2, **terms), **options)
    async with server.serve() as (host, port):
        world = World(server, f"{host}:{port}")
        yield world
        await world.close()

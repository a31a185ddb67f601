"""The server as a library: publish and wait for the proxies' answers, clear and go on."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import anyio
import grpc.aio
import pytest
from discovery_world import NODE, SOON, Call, cluster

from xds.model import ConfigError, Snapshot
from xds.protocol import SOTW, Dialect
from xds.server.xds_server import Publication, XdsServer

ADS = "/envoy.service.discovery.v3.AggregatedDiscoveryService/"


@asynccontextmanager
async def a_client(server: XdsServer, dialect: Dialect) -> AsyncIterator[Call]:
    method = "StreamAggregatedResources" if dialect is SOTW else "DeltaAggregatedResources"
    async with (
        server.serve() as (host, port),
        grpc.aio.insecure_channel(f"{host}:{port}", options=[("grpc.use_local_subchannel_pool", 1)]) as channel,
    ):
        call = Call(channel.stream_stream(ADS + method)(), dialect)
        yield call
        call.call.cancel()
        await until(lambda: not server.fleet.streams("edge"))


async def until(condition: Callable[[], bool]) -> None:
    with anyio.fail_after(SOON):
        while not condition():  # noqa: ASYNC110  nobody tells when a test's condition comes true
            await anyio.sleep(0.005)


async def published(server: XdsServer, snapshot: Snapshot, into: list[Publication]) -> None:
    into.append(await server.publish("edge", snapshot, until="accepted"))


async def test_a_publication_is_accepted_when_every_proxy_has_said_so(dialect):
    server, done = XdsServer(), list[Publication]()
    await server.publish("edge", Snapshot.of([cluster("a")]))
    async with a_client(server, dialect) as client, anyio.create_task_group() as tasks:
        await client.send(node=NODE)
        await client.names()
        tasks.start_soon(published, server, Snapshot.of([cluster("a", "2")]), done)
        got = await client.read()
        assert not done
        await client.send(got.type_url, response_nonce=got.nonce)
        await until(lambda: bool(done))
    assert done == [Publication("edge", 1, ())]
    assert done[0].accepted


async def test_a_publication_that_says_nothing_new_is_accepted_at_once(dialect):
    server = XdsServer()
    await server.publish("edge", Snapshot.of([cluster("a")]))
    async with a_client(server, dialect) as client:
        await client.send(node=NODE)
        await client.names()
        await until(lambda: server.fleet.is_live("edge"))
        with anyio.fail_after(SOON):
            assert (await server.publish("edge", Snapshot.of([cluster("a")]), until="accepted")).accepted


async def test_a_publication_tells_what_was_refused(dialect):
    server, done = XdsServer(), list[Publication]()
    await server.publish("edge", Snapshot.of([cluster("a")]))
    async with a_client(server, dialect) as client, anyio.create_task_group() as tasks:
        await client.send(node=NODE)
        await client.names()
        tasks.start_soon(published, server, Snapshot.of([cluster("a", "2")]), done)
        got = await client.read()
        await client.send(got.type_url, response_nonce=got.nonce, error_detail={"code": 3, "message": "no good"})
        await until(lambda: bool(done))
    assert not done[0].accepted
    assert [(one.name, one.message, one.kept) for one in done[0].refusals] == [("a", "no good", True)]


async def test_a_group_without_proxies_is_not_waited_for():
    server = XdsServer()
    with anyio.fail_after(SOON):
        assert await server.publish("edge", Snapshot.of([cluster("a")]), until="accepted") == Publication("edge", 0, ())


async def test_a_proxy_that_leaves_is_waited_for_no_longer(dialect):
    server, done = XdsServer(), list[Publication]()
    await server.publish("edge", Snapshot.of([cluster("a")]))
    async with a_client(server, dialect) as client, anyio.create_task_group() as tasks:
        await client.send(node=NODE)
        await client.read()
        tasks.start_soon(published, server, Snapshot.of([cluster("a", "2")]), done)
        client.call.cancel()
        await until(lambda: bool(done))
    assert done == [Publication("edge", 0, ())]


async def test_after_a_clear_proxies_keep_what_they_have_and_hear_of_the_next_snapshot(dialect):
    server = XdsServer()
    await server.publish("edge", Snapshot.of([cluster("a")]))
    async with a_client(server, dialect) as client:
        await client.send(node=NODE)
        assert await client.names() == {"a"}
        server.clear("edge")
        await server.publish("edge", Snapshot.of([cluster("b")]))
        assert await client.names() == {"b"}


async def test_a_taken_port_is_named():
    server = XdsServer()
    async with server.serve() as (host, port):
        with pytest.raises(ConfigError, match=f"{host}:{port} is already in use"):
            async with XdsServer().serve(host, port):
                pass


async def test_a_publication_tells_the_culprit_of_a_refusal_that_names_none(dialect):
    """Rows 15, 69: when it was found, and all others are in force."""
    server, done = XdsServer(), list[Publication]()
    names = [f"c{number}" for number in range(8)]
    await server.publish("edge", Snapshot.of(map(cluster, names)))
    async with a_client(server, dialect) as client, anyio.create_task_group() as tasks:
        await client.send(node=NODE)
        await client.names()
        bad = cluster("c5", "bad")
        tasks.start_soon(refusing, client, bad.body)
        changed = Snapshot.of([*(cluster(name, "2") for name in names), bad])
        tasks.start_soon(published, server, changed, done)
        await until(lambda: bool(done))
        tasks.cancel_scope.cancel()
    assert [(one.name, one.message, one.kept) for one in done[0].refusals] == [("c5", "no good", True)]


async def refusing(client: Call, bad: bytes) -> None:
    """Refuses every response that has these bytes in it, and accepts the rest."""
    while True:
        got = await client.read()
        error = {"error_detail": {"message": "no good"}} if bad in got.SerializeToString() else {}
        await client.send(got.type_url, response_nonce=got.nonce, **error)

"""Several processes that serve one port: with real gRPC clients, in both dialects."""

from __future__ import annotations

import anyio
import grpc
import pytest
from crew_world import GROUP, World, crewed, until
from discovery_world import cluster

from xds.codec import resource
from xds.model import ConfigError, Snapshot
from xds.model.type_url import CDS, EDS
from xds.protocol import SOTW
from xds.server.fleet import Fleet
from xds.server.http2_stream import GOING
from xds.server.transport import Transport
from xds.server.xds_server import Publication, XdsServer


async def accepting(world: World, snapshot: Snapshot, into: list[Publication]) -> None:
    into.append(await world.server.publish(GROUP, snapshot, until="accepted"))


async def test_an_update_reaches_the_proxies_of_all_workers(world, dialect):
    await world.server.publish(GROUP, Snapshot.of([cluster("a")]))
    pair = await world.pair(dialect)
    for client in pair:
        assert await client.names() == {"a"}
    await world.server.publish(GROUP, Snapshot.of([cluster("b")]))
    for client in pair:
        got = await client.read()
        assert "b" in str(got)


async def test_a_publication_returns_when_all_workers_serve_it(world):
    for mark in "123":
        await world.server.publish(GROUP, Snapshot.of([cluster("a", mark)]))
        served = world.server.fleet.served(GROUP)
        assert [post._taken[GROUP] for post in world.server.fleet.posts] == [served, served]


async def test_a_publication_is_accepted_when_the_proxies_of_all_workers_have_said_so(world, dialect):
    await world.server.publish(GROUP, Snapshot.of([cluster("a")]))
    one, other = await world.pair(dialect)
    assert (await one.names(), await other.names()) == ({"a"}, {"a"})
    done: list[Publication] = []
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(accepting, world, Snapshot.of([cluster("a", "2")]), done)
        assert await one.names() == {"a"}
        await until(lambda: world.workers[0].post.has_answered(GROUP, world.server.fleet.served(GROUP)))
        assert not done
        assert await other.names() == {"a"}
        await until(lambda: bool(done))
    assert done == [Publication(GROUP, 2, ())]
    assert world.server.fleet.is_live(GROUP)


async def test_a_proxy_that_asks_for_more_is_to_answer_that_too(world, dialect):
    await world.server.publish(GROUP, Snapshot.of([cluster("a"), resource({"@type": EDS, "cluster_name": "a"})]))
    client = world.connect(dialect)
    await client.start()
    assert await client.names() == {"a"}
    await until(lambda: world.server.fleet.is_live(GROUP))
    await client.call.send(EDS, ("a",))
    got = await client.read()
    await until(lambda: not world.server.fleet.has_answered(GROUP))
    await client.call.send(EDS, ("a",) if dialect is SOTW else (), response_nonce=got.nonce)
    await until(lambda: world.server.fleet.is_live(GROUP))


async def test_a_group_without_proxies_is_not_waited_for(world):
    assert await world.server.publish(GROUP, Snapshot.of([cluster("a")]), until="accepted") == Publication(GROUP, 0, ())


async def test_what_a_proxy_of_one_worker_refuses_is_kept_from_those_of_all(world, dialect):
    await world.server.publish(GROUP, Snapshot.of([cluster("a")]))
    one, other = await world.pair(dialect)
    assert (await one.names(), await other.names()) == ({"a"}, {"a"})
    await until(lambda: world.server.fleet.is_live(GROUP))
    done: list[Publication] = []
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(accepting, world, Snapshot.of([cluster("a", "worse"), cluster("b")]), done)
        await one.refuse(await one.read(), "cluster a is no good")
        await until(lambda: list(world.server.fleet.refusals()))
        await other.accept(await other.read())
        got = await other.read()
        assert b"worse" not in got.SerializeToString()
        await other.accept(got)
        tasks.start_soon(accepting_all, one)
        await until(lambda: bool(done))
        assert [(one.name, one.message, one.kept) for one in done[0].refusals] == [("a", "cluster a is no good", True)]
        for worker in world.workers:
            newcomer = await world.client_of(worker, dialect)
            got = await newcomer.read()
            assert b"worse" not in got.SerializeToString()
            assert len(got.resources) == 2
        tasks.cancel_scope.cancel()


async def accepting_all(client) -> None:
    while True:
        await client.accept(await client.read())


async def test_what_was_refused_may_be_offered_again_by_all_workers(world, dialect):
    await world.server.publish(GROUP, Snapshot.of([cluster("a")]))
    pair = await world.pair(dialect)
    for client in pair:
        assert await client.names() == {"a"}
    await until(lambda: world.server.fleet.is_live(GROUP))
    await world.server.publish(GROUP, Snapshot.of([cluster("a", "2")]))
    for client in pair:
        await client.refuse(await client.read(), "cannot bind")
    await until(lambda: list(world.server.fleet.refusals()) and world.server.fleet.is_live(GROUP))
    assert world.server.fleet.pardon("cannot bind")
    for client in pair:
        assert cluster("a", "2").body in (await client.read()).SerializeToString()


class AtOnce:
    """Pardons whatever is refused, before anybody can be told that it was."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet

    def set(self) -> None:
        self._fleet.pardon("cannot bind")


async def test_what_is_pardoned_at_once_is_offered_again_too(world, dialect):
    """What is served is the same all the while."""
    await world.server.publish(GROUP, Snapshot.of([cluster("a")]))
    client = world.connect(dialect)
    await client.start()
    world.server.fleet.refused.follow(AtOnce(world.server.fleet))
    for _ in range(2):
        await client.refuse(await client.read(), "cannot bind")
    assert await client.names() == {"a"}


async def test_after_a_clear_proxies_keep_what_they_have(world, dialect):
    await world.server.publish(GROUP, Snapshot.of([cluster("a")]))
    pair = await world.pair(dialect)
    for client in pair:
        assert await client.names() == {"a"}
    world.server.clear(GROUP)
    await world.server.publish(GROUP, Snapshot.of([cluster("b")]))
    for client in pair:
        assert await client.names() == {"b"}


async def test_a_group_that_is_taken_away_is_emptied(world, dialect):
    world.server.fleet.publish({GROUP: Snapshot.of([cluster("a")])})
    pair = await world.pair(dialect)
    for client in pair:
        assert await client.names() == {"a"}
    await until(lambda: world.server.fleet.is_live(GROUP))
    world.server.fleet.publish({})
    for client in pair:
        got = await client.read()
        assert not got.resources


async def test_a_worker_that_dies_comes_back_and_its_proxies_are_told_nothing_twice(world, dialect, caplog):
    await world.server.publish(GROUP, Snapshot.of([cluster("a")]))
    one, other = await world.pair(dialect)
    got = await one.read()
    await one.accept(got)
    assert await other.names() == {"a"}
    dead, _ = world.workers
    await world.kill(dead)
    assert (await one.call.end())[0] is grpc.StatusCode.UNAVAILABLE
    await world.all_up()
    assert "worker 1 was ended by signal 9; its proxies" in caplog.text
    back = await world.client_of(world.workers[0], dialect, **one.returning(got))
    await until(lambda: world.server.fleet.is_live(GROUP))
    await world.server.publish(GROUP, Snapshot.of([cluster("a"), cluster("b")]))
    for client in (back, other):
        first = await client.read()
        assert "b" in str(first)


async def test_all_workers_drain_at_the_end(dialect):
    async with crewed() as world:
        await world.server.publish(GROUP, Snapshot.of([cluster("a")]))
        pair = await world.pair(dialect)
        for client in pair:
            assert await client.names() == {"a"}
        workers, clients = world.workers, list(world.clients)
        world.clients.clear()
    for client in pair:
        assert await client.call.end() == (grpc.StatusCode.UNAVAILABLE, GOING)
    assert [one.process.returncode for one in workers] == [0, 0]
    for client in clients:
        await client.channel.close()


async def test_who_is_connected_is_told_of_all_workers(world, dialect):
    await world.server.publish(GROUP, Snapshot.of([cluster("a")]))
    pair = await world.pair(dialect)
    for client in pair:
        assert await client.names() == {"a"}
    await until(lambda: world.server.fleet.is_live(GROUP))
    proxies = await world.server.fleet.proxies()
    assert {one.node.id for one in proxies} == {client.id for client in pair}
    assert {(held.type_url, held.resources) for one in proxies for held in one.types} == {(CDS, 1)}


async def test_a_taken_port_is_named(world):
    host, port = world.target.split(":")
    with pytest.raises(ConfigError, match=f"{world.target} is already in use"):
        async with XdsServer(transport=Transport(workers=2)).serve(host, int(port)):
            pass

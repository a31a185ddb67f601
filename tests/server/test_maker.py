"""Hooks that make what a proxy asks for: over real gRPC, in both dialects."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import grpc.aio
import pytest
from discovery_world import NODE, SOON, Call, cluster

from xds.codec import decode, own_name, resource
from xds.model import Node, OnDemand, Snapshot
from xds.model.type_url import CDS, EDS
from xds.protocol import DELTA, Limits, Request, Stream
from xds.server import fleet as fleets
from xds.server.demand import MOST, Demand, Demands
from xds.server.fleet import Fleet, Session, Visit
from xds.server.maker import CALLS, Maker
from xds.server.service import METHODS
from xds.server.xds_server import XdsServer

NOT_FOUND, UNAVAILABLE = 5, 14


class Hook:
    """Makes a cluster and its endpoints of every name that begins with `made`, and remembers what it was asked."""

    types = frozenset({CDS})

    def __init__(self):
        self.asked: list[tuple[str, str, str]] = []
        self.open = anyio.Event()
        self.open.set()

    async def make(self, group, type_url, name):
        self.asked.append((group, type_url, name))
        await self.open.wait()
        if name.startswith("broken"):
            raise RuntimeError("no registry")
        if name.startswith("odd"):
            return ["a cluster"]
        return [cluster(name), resource({"@type": EDS, "cluster_name": name})] if name.startswith("made") else None


class Other(Hook):
    async def make(self, group, type_url, name):
        self.asked.append((group, type_url, name))
        return cluster(name)


async def until(condition) -> None:
    with anyio.fail_after(SOON):
        while not condition():  # noqa: ASYNC110  nobody tells when a test's condition comes true
            await anyio.sleep(0.005)


@pytest.fixture
def hook(anyio_backend) -> Hook:
    return Hook()


@asynccontextmanager
async def serving(*hooks: OnDemand, patience: float = 10.0, linger: float = 60.0) -> AsyncIterator[tuple[XdsServer, str]]:
    server = XdsServer(on_demand=hooks)
    server._maker._patience, server._maker._linger = patience, linger
    await server.publish("edge", Snapshot.of([cluster("a")]))
    async with server.serve() as (host, port):
        yield server, f"{host}:{port}"


@asynccontextmanager
async def a_client(target: str, dialect) -> AsyncIterator[Call]:
    path = next(path for path, one in METHODS.items() if (one.dialect, one.only) == (dialect, ""))
    async with grpc.aio.insecure_channel(target, options=[("grpc.use_local_subchannel_pool", 1)]) as channel:
        call = Call(channel.stream_stream(path)(), dialect)
        yield call
        call.call.cancel()


def names(got) -> set[str]:
    return {getattr(one, "name", "") or resource_name(one) for one in got.resources}


def resource_name(packed) -> str:
    return own_name(decode(packed.type_url, packed.value))


async def test_what_a_proxy_asks_for_is_made(hook, dialect):
    """Row 101: with what it needs, once, however many proxies ask."""
    async with serving(hook) as (_, target), a_client(target, dialect) as one, a_client(target, dialect) as two:
        hook.open = anyio.Event()
        await one.send(names=("made",), node=NODE)
        await until(lambda: hook.asked)
        await two.send(names=("made",), node={"id": "n2", "cluster": "edge"})
        hook.open.set()
        for client in (one, two):
            assert names(await client.read()) == {"made"}
            await client.send(EDS, ("made",))
            assert names(await client.read()) == {"made"}
    assert hook.asked == [("edge", CDS, "made")]


async def test_what_cannot_be_made_is_missing(hook, dialect):
    """Rows 59, 94."""
    async with serving(hook) as (_, target), a_client(target, dialect) as client:
        await client.send(names=("zz",), node=NODE)
        got = await client.read()
        assert [one.error_detail.code for one in got.resource_errors] == [NOT_FOUND]
        assert list(getattr(got, "removed_resources", ["zz"])) == ["zz"]


@pytest.mark.parametrize(("name", "words"), [("broken", "RuntimeError: no registry"), ("odd", "no Resources")])
async def test_a_hook_that_fails_is_a_line_in_the_log(hook, dialect, caplog, name, words):
    """Row 95: and the others go on."""
    async with serving(hook) as (_, target), a_client(target, dialect) as client:
        await client.send(names=(name,), node=NODE)
        (error,) = (await client.read()).resource_errors
        assert error.error_detail.code == UNAVAILABLE
        assert "try again later" in error.error_detail.message
    (line,) = [one.getMessage() for one in caplog.records if one.levelno >= logging.WARNING]
    assert line.startswith(f"edge: cds {name!r} on demand: Hook failed: ")
    assert words in line


async def test_a_hook_that_does_not_answer_made_nothing(hook, dialect, caplog):
    async with serving(hook, patience=0.01) as (_, target), a_client(target, dialect) as client:
        hook.open = anyio.Event()
        await client.send(names=("made",), node=NODE)
        (error,) = (await client.read()).resource_errors
        assert error.error_detail.code == NOT_FOUND
    assert "Hook did not answer in 0.01 s" in caplog.text


async def test_what_is_configured_comes_before_what_was_made(hook, dialect):
    async with serving(hook) as (server, target), a_client(target, dialect) as client:
        await client.send(names=("made",), node=NODE)
        got = await client.read()
        again = () if dialect is DELTA else ("made",)
        await client.send(names=again, response_nonce=got.nonce)
        await server.publish("edge", Snapshot.of([cluster("a"), cluster("made", "configured")]))
        assert "configured" in str(await client.read())


async def test_the_first_hook_that_makes_something_counts(hook, dialect):
    other, elsewhere = Other(), Other()
    elsewhere.types = frozenset({EDS})
    async with serving(elsewhere, hook, other) as (_, target), a_client(target, dialect) as client:
        await client.send(names=("made", "else"), node=NODE)
        assert names(await client.read()) <= {"made", "else"}
        await until(lambda: len(hook.asked) == 2)
        assert [name for _, _, name in other.asked] == ["else"]
        assert not elsewhere.asked


class Busy(Hook):
    """Counts how many of its calls run at once."""

    def __init__(self):
        super().__init__()
        self.running = self.most = 0

    async def make(self, group, type_url, name):
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            return await super().make(group, type_url, name)
        finally:
            self.running -= 1


async def test_only_so_many_calls_run_at_once(anyio_backend, dialect):
    """And none is forgotten."""
    hook, names_ = Busy(), tuple(f"made-{number:02}" for number in range(2 * CALLS))
    hook.open = anyio.Event()
    async with serving(hook) as (server, target), a_client(target, dialect) as client:
        await client.send(names=names_, node=NODE)
        await until(lambda: len(hook.asked) == CALLS)
        hook.open.set()
        await until(lambda: len(hook.asked) == 2 * CALLS)
        await until(lambda: all(server.fleet.served("edge").get((CDS, name)) for name in names_))
    assert hook.most == CALLS


async def test_types_that_no_hook_makes_are_missing_at_once(hook, dialect):
    async with serving(hook) as (_, target), a_client(target, dialect) as client:
        await client.send(EDS, ("zz",), node=NODE)
        await client.read()
    assert not hook.asked


async def test_what_nobody_asks_for_any_more_is_taken_away(hook, dialect):
    async with serving(hook, linger=0.01) as (server, target):
        async with a_client(target, dialect) as client:
            await client.send(names=("made",), node=NODE)
            await client.read()
            assert server.fleet.served("edge").get((EDS, "made")) is not None
        await until(lambda: server.fleet.served("edge").get((EDS, "made")) is None)
        assert server.fleet.served("edge") is server.fleet.asked()["edge"]


async def test_a_server_is_left_with_the_error_that_was_raised(hook):
    with pytest.raises(KeyError, match="mine"):
        async with serving(hook):
            raise KeyError("mine")


# Floods


def test_demands_are_known_once_and_never_too_many():
    demands = Demands()
    every = [Demand("edge", CDS, str(number)) for number in range(MOST)]
    assert all(map(demands.add, every))
    assert demands.add(every[0])
    assert not demands.add(Demand("edge", CDS, "one more"))
    assert demands.take() == every[0]
    assert demands.add(every[0])
    demands.close(every[0])
    assert demands.add(Demand("edge", CDS, "one more"))
    assert [demands.take() for _ in range(MOST)][-1].name == "one more"
    assert demands.take() is None


def a_session(fleet: Fleet, *asked: str) -> Session:
    session = Session(Visit(Node("n"), "edge"), "peer", Stream(DELTA, limits=Limits(on_demand=frozenset({CDS}))))
    fleet.join(session)
    session.stream.receive(Request(CDS, subscribe=asked))
    session.stream.serve(fleet.served("edge"))
    assert session.stream.respond(0.0) is None
    return session


def test_a_flood_of_names_is_unavailable():
    fleet = Fleet()
    fleet.put("edge", Snapshot())
    session = a_session(fleet, *map(str, range(MOST + 1)))
    fleet.want(session)
    assert [one.code for one in session.stream.respond(0.0).faults] == [UNAVAILABLE]


def test_there_is_an_end_to_what_is_kept(monkeypatch):
    monkeypatch.setattr(fleets, "MOST_MADE", 1)
    fleet = Fleet()
    fleet.put("edge", Snapshot())
    session = a_session(fleet, "a", "b")
    fleet.want(session)
    for name in "ab":
        fleet.fulfil(fleet.demands.take(), (cluster(name),))
    session.stream.serve(fleet.served("edge"))
    response = session.stream.respond(0.0)
    assert ([one.name for one in response.resources], [one.code for one in response.faults]) == (["a"], [UNAVAILABLE])


def test_a_group_that_is_gone_needs_nothing():
    fleet = Fleet()
    fleet.fulfil(Demand("edge", CDS, "a"), (cluster("a"),))
    assert not fleet.snapshots()


def test_what_was_made_for_a_group_without_configuration_waits_for_it():
    """Row 46."""
    fleet = Fleet()
    group = fleet.group("edge")
    group.fulfil((CDS, "a"), (cluster("a"),))
    assert group.served.value is None
    fleet.put("edge", Snapshot.of([cluster("b")]))
    assert set(group.served.value.of_type(CDS)) == {"a", "b"}
    assert Maker([], fleet).types == frozenset()

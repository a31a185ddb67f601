"""The synthetic client understands a server, and notices one that errs."""

from __future__ import annotations

from contextlib import asynccontextmanager

import anyio
import pytest
from scripted_service import scripted

from benchmarks import workload
from benchmarks.client.check import digest
from benchmarks.client.dialect import DIALECTS, DISCOVERY, Ask
from benchmarks.client.fleet import Fleet, Terms
from benchmarks.client.node import node
from benchmarks.error import BenchError
from xds.codec import decode, message_class, resource
from xds.codec.wire import delimited
from xds.model import Snapshot
from xds.model.type_url import CDS, EDS, RDS, SHORT_TYPES
from xds.protocol import DELTA
from xds.server.xds_server import XdsServer

GROUP = "edge"
SOON = 30.0


@pytest.fixture
def anyio_backend():
    return "asyncio"


class World:
    """Our server, and the state that it serves."""

    def __init__(self, server, address) -> None:
        self._server, self._state = server, {}
        self.target = "{}:{}".format(*address)

    async def publish(self, *resources) -> None:
        self._state |= {(one.type_url, one.name): one for one in resources}
        made = [resource(decode(one.type_url, one.value), name=one.name) for one in self._state.values()]
        await self._server.publish(GROUP, Snapshot.of(made))

    def asks(self, *shorts, **fields):
        names = {short: [name for url, name in self._state if url == SHORT_TYPES[short]] for short in shorts}
        return [
            Ask(SHORT_TYPES[short], () if short == "cds" else tuple(named), len(named), **fields)
            for short, named in names.items()
        ]

    def expected(self):
        found = {}
        for (type_url, name), one in self._state.items():
            found.setdefault(type_url, {})[name] = digest(type_url, one.value)
        return found


@pytest.fixture
async def world(anyio_backend):
    server = XdsServer()
    async with server.serve() as address:
        yield World(server, address)


@asynccontextmanager
async def fleet(target, dialect, proxies=5, **terms):
    """Proxies of which all are checked."""
    made = Fleet(Terms(target, GROUP, dialect.name, proxies, checked=1.0, **terms))
    try:
        yield made
    finally:
        made.close()
        await anyio.wait_all_tasks_blocked()


@pytest.mark.parametrize("short", ["cds", "eds", "rds"])
@pytest.mark.parametrize("fat_acks", [False, True], ids=["thin", "fat"])
async def test_every_proxy_gets_every_change_and_holds_what_was_set(world, dialect, short, fat_acks):
    await world.publish(*workload.resources(short, 20))
    async with fleet(world.target, dialect, fat_acks=fat_acks) as proxies:
        settled = await proxies.settle(world.asks(short), SOON)
        assert (settled.times.count, settled.endings) == (5, {})
        for change in (1, 2, 3):
            await world.publish(workload.resource(short, change, change))
            await proxies.reach(change, SOON)
        found = proxies.latencies({2: 0, 3: 0})
        assert (found.every.count, list(found.last)) == (10, [2, 3])
        assert proxies.verify(world.expected()) == []


async def test_types_are_asked_for_one_after_the_other(world, dialect):
    await world.publish(*(one for short in ("cds", "eds", "rds") for one in workload.resources(short, 10)))
    async with fleet(world.target, dialect) as proxies:
        await proxies.settle(world.asks("cds", "eds", "rds"), SOON)
        assert proxies.verify(world.expected()) == []


async def test_lists_longer_than_frames_and_windows_come_whole(world, dialect):
    await world.publish(*workload.resources("cds", 3000))
    async with fleet(world.target, dialect, proxies=1) as proxies:
        await proxies.settle(world.asks("cds"), SOON)
        for change in range(1, 16):  # 13 MB in SotW: more than half of what the window allows
            await world.publish(workload.resource("cds", change, change))
            await proxies.reach(change, SOON)
        assert proxies.verify(world.expected()) == []


async def test_proxies_that_come_back_with_what_they_hold_are_sent_it_no_more(world, dialect):
    await world.publish(*workload.resources("cds", 100), *workload.resources("rds", 1))
    async with fleet(world.target, dialect) as proxies:
        first = await proxies.settle(world.asks("cds"), SOON)
        again = await proxies.settle([*world.asks("cds", returning=True, waits=False), *world.asks("rds")], SOON)
        assert again.bytes < first.bytes / 10
        assert proxies.verify(world.expected()) == []
        anew = await proxies.settle(world.asks("cds"), SOON)
        assert anew.bytes > first.bytes / 2


@pytest.mark.parametrize("deaf", [True, False], ids=["deaf", "mute"])
async def test_nobody_waits_for_a_proxy_that_is_stuck(world, dialect, deaf):
    await world.publish(*workload.resources("cds", 10))
    made = Fleet(Terms(world.target, GROUP, dialect.name, 4, checked=0.25))
    await made.settle(world.asks("cds"), SOON)
    made.stick(1, deaf=deaf)
    for change in (1, 2):
        await world.publish(workload.resource("cds", change, change))
        await made.reach(change, SOON)
    with pytest.raises(BenchError, match="3 of 4 proxies lack change 3 after 0 s"):
        await made.reach(3, 0.2)
    assert made.latencies({1: 0, 2: 0}).every.count == 6
    made.close()
    await anyio.wait_all_tasks_blocked()


async def test_how_often_proxies_had_to_try_again_is_told_and_they_do(dialect):
    server = XdsServer()
    async with server.serve() as (host, port):
        pass
    async with fleet(f"{host}:{port}", dialect, proxies=2) as proxies, anyio.create_task_group() as tasks:
        found = []

        async def settle():
            found.append(await proxies.settle([Ask(CDS, expect=1)], SOON))

        tasks.start_soon(settle)
        while not proxies._endings:  # noqa: ASYNC110  they are refused, and tell nobody
            await anyio.sleep(0.01)
        async with server.serve(host, port):
            await server.publish(GROUP, Snapshot.of([resource({"@type": CDS, "name": "a"})]))
            while not found:  # noqa: ASYNC110
                await anyio.sleep(0.01)
            assert all(why.startswith("no connection: ") for why in found[0].endings)
            assert sum(found[0].endings.values()) >= 2
            assert proxies.verify({}) == []


async def test_a_server_that_is_not_there_is_told(dialect):
    async with fleet("127.0.0.1:1", dialect) as proxies:
        with pytest.raises(BenchError, match=r"5 of 5 proxies lack .* \(\d+ x no connection: "):
            await proxies.settle([Ask(CDS)], 0.3)


def test_a_node_is_as_long_as_an_envoys():
    body = node("edge-1", GROUP)
    assert 58_000 < len(body) < 64_000
    assert message_class("envoy.config.core.v3.Node").FromString(body).id == "edge-1"


def said(dialect, *clusters, nonce="1"):
    """A response with these (index, change) of clusters."""
    made = [workload.resource("cds", *one) for one in clusters]
    bodies = [{"type_url": CDS, "value": one.value} for one in made]
    if dialect.name == "delta":
        bodies = [{"name": one.name, "version": str(one), "resource": body} for one, body in zip(made, bodies, strict=True)]
    response = message_class(DISCOVERY + DIALECTS[dialect.name].response)
    return response(type_url=CDS, nonce=nonce, resources=bodies).SerializeToString()


@pytest.mark.parametrize(
    ("rounds", "words"),
    [
        ([[(0, 0), (1, 0)], [(0, 1), (1, 0)]], None),
        ([[(0, 0)], [(0, 1)]], "cds service-00001 never came"),
        ([[(0, 0), (1, 0), (2, 0)], [(0, 1), (1, 0), (2, 0)]], "cds service-00002 came, and should not be there"),
        ([[(0, 0), (1, 0), (1, 0)], [(0, 1), (1, 0)]], "cds service-00001 came 2 times in one response"),
        ([[(0, 2), (1, 0)], [(0, 1), (1, 0)]], "cds service-00000 came as it was before: out of order"),
        ([[(0, 0), (1, 0)], [(0, 1), (1, 7)]], "cds service-00001 is not as it was set"),
    ],
    ids=["right", "lost", "too many", "doubled", "reordered", "wrong"],
)
async def test_the_check_notices_a_server_that_errs(dialect, rounds, words):
    """The right state is cluster 0 as change 1 left it, and cluster 1 as it was."""
    if dialect.name == "delta":  # what did not change is not sent again
        rounds = [rounds[0], [one for one in rounds[1] if one not in rounds[0]]]
    right = [workload.resource("cds", 0, 1), workload.resource("cds", 1)]
    expected = {CDS: {one.name: digest(CDS, one.value) for one in right}}
    async with (
        scripted([said(dialect, *one) for one in rounds]) as (target, _),
        fleet(target, dialect, proxies=1) as proxies,
    ):
        await proxies.settle([Ask(CDS)], SOON)
        await proxies.reach(1, SOON)
        found = proxies.verify(expected)
    assert found == ([] if words is None else [f"edge-0: {words}"])


async def test_a_delta_server_that_says_again_what_is_known_is_noticed():
    both = [said(DELTA, (0, 0), (1, 0)), said(DELTA, (0, 1), (1, 0))]
    async with scripted(both) as (target, _), fleet(target, DELTA, proxies=1) as proxies:
        await proxies.settle([Ask(CDS)], SOON)
        await proxies.reach(1, SOON)
        assert proxies.verify({}) == ["edge-0: cds service-00001 came again, and nothing was new"]


@pytest.mark.parametrize("nonce", ["1", "n" * 200], ids=["short", "long"])
async def test_an_ack_is_right_wherever_a_response_says_its_nonce(dialect, nonce):
    """The fields of a message have no order, and texts any length."""
    form = DIALECTS[dialect.name]
    usual = said(dialect, (0, 1), nonce=nonce)
    head = delimited(4, CDS) + delimited(5, nonce)
    turned = head + usual.removesuffix(head)
    assert turned != usual
    for response in (usual, turned):
        async with scripted([response]) as (target, service), fleet(target, dialect, proxies=1) as proxies:
            await proxies.settle([Ask(CDS)], SOON)
            with anyio.fail_after(SOON):
                while len(service.requests) < 2:  # noqa: ASYNC110  the server in the test has no other way to tell
                    await anyio.sleep(0.01)
        ack = message_class(DISCOVERY + form.request).FromString(service.requests[1])
        assert (ack.type_url, ack.response_nonce) == (CDS, nonce)
        assert not ack.HasField("node")


async def test_a_type_that_nobody_asked_for_ends_the_stream(dialect):
    async with scripted([said(dialect, (0, 1))]) as (target, _), fleet(target, dialect, proxies=1) as proxies:
        with pytest.raises(BenchError, match="of a type that nobody asked for"):
            await proxies.settle([Ask(EDS, ("service-00000",), 1)], 0.5)


async def test_how_a_stream_ended_is_told_with_its_status(dialect, world):
    async with fleet(world.target, dialect, proxies=1) as proxies:
        proxies._terms = Terms(world.target, "", dialect.name, 1)  # a node of no group is refused
        with pytest.raises(BenchError, match="the stream ended with gRPC status 3 "):
            await proxies.settle([Ask(RDS, ("x",), 1)], 0.5)

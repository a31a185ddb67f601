"""Clients that ask for much, change their minds, or do not listen: what they cost, and that nobody else pays."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import grpc
import grpc.aio
import pytest
from discovery_world import NODE, Call, cluster
from test_services import STREAMS

from xds.model.type_url import CDS, EDS, LDS
from xds.protocol import DELTA

ADS = [path for path, one in STREAMS.items() if not one.only]
MANY = 100_000
UNLIMITED = [("grpc.use_local_subchannel_pool", 1), ("grpc.max_receive_message_length", -1)]

pytestmark = [pytest.mark.parametrize("path", ADS, ids=["sotw", "delta"])]


@pytest.fixture
async def bystander(served, path) -> AsyncIterator[Call]:
    """A client that is served before, and must be after."""
    await served.publish(cluster("a"))
    call = served.open(path)
    await call.send(node=NODE)
    assert await call.names() == {"a"}
    yield call
    await served.publish(cluster("a", "2"))
    assert await call.names() == {"a"}


@asynccontextmanager
async def another(served) -> AsyncIterator[grpc.aio.Channel]:
    """A connection of its own, which takes messages of any size."""
    async with grpc.aio.insecure_channel(served.target, options=UNLIMITED) as channel:
        yield channel


def opened(channel, path: str) -> Call:
    return Call(channel.stream_stream(path)(), STREAMS[path].dialect)


async def gone(served) -> None:
    """Returns when the bystander is alone."""
    await served.until(lambda: len(list(served.server.fleet.sessions())) == 1)


async def test_a_hundred_thousand_names_are_remembered_and_forgotten(served, bystander, path):
    """They cost what they say, and nothing once the client is gone."""
    names = tuple(f"name-{number}" for number in range(MANY))
    gc.collect()
    tracemalloc.start()
    try:
        async with another(served) as channel:
            call = opened(channel, path)
            await call.send(EDS, names, node={"id": "n2", "cluster": "edge"})
            got = await call.read()
            told = (
                {*got.removed_resources}
                if call.dialect is DELTA
                else {one.resource_name.name for one in got.resource_errors}
            )
            assert told <= {*names}
            call.call.cancel()
            await gone(served)
        gc.collect()
        now, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 300 << 20
    assert now < 20 << 20


async def test_a_flood_of_requests_is_answered_as_one_client_is(served, bystander, path):
    """Stale, repeated and senseless requests: no response for each, no memory of each."""
    async with another(served) as channel:
        call = opened(channel, path)
        await call.send(node={"id": "n2", "cluster": "edge"})
        assert await call.names() == {"a"}
        gc.collect()
        tracemalloc.start()
        try:
            for number in range(3000):
                await call.send(LDS if number % 2 else CDS, response_nonce=f"made up {number}")
            await call.send(EDS, ("b",))
            seen = [await call.read()]
            while seen[-1].type_url != EDS:
                seen.append(await call.read())
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert len(seen) < 4
        assert peak < 20 << 20
        call.call.cancel()
        await gone(served)


async def test_streams_that_never_read_hold_one_response_each_at_most(served, bystander, path):
    """Rows 109, 110: a hundred of them, while the group changes again and again."""
    heavy = 200_000
    async with another(served) as channel:
        calls = [opened(channel, path) for _ in range(100)]
        for number, call in enumerate(calls):
            await call.send(node={"id": f"deaf-{number}", "cluster": "edge"})
        await served.until(lambda: len(list(served.server.fleet.sessions())) == 101)
        gc.collect()
        tracemalloc.start()
        try:
            for mark in "bcdefghijk":
                await served.publish(cluster("a", mark * heavy))
                assert await bystander.names() == {"a"}
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert peak < (len(calls) + 20) * 2 * heavy
        for call in calls:
            call.call.cancel()
        await gone(served)


async def test_a_stream_that_is_cut_off_in_the_middle_disturbs_nobody(served, bystander, path):
    """A hundred streams on one connection, half of them wrong, and then the connection ends."""
    async with another(served) as channel:
        calls = [opened(channel, path) for _ in range(100)]
        for number, call in enumerate(calls):
            await call.send(node={"id": f"n{number}", "cluster": "edge"})
            assert await call.names() == {"a"}
        for call in calls[::2]:
            await call.call.write(b"\xff\xff\xff")
        for call in calls[::2]:
            assert (await call.end())[0] == grpc.StatusCode.INVALID_ARGUMENT
        assert len(list(served.server.fleet.sessions())) == 51
    await gone(served)


async def test_a_node_that_is_too_large_is_refused(served, bystander, path):
    """The metadata of a node is taken apart: a client does not choose for how long."""
    async with another(served) as channel:
        call = opened(channel, path)
        metadata = {"fields": {f"key-{number}": {"string_value": "v"} for number in range(20_000)}}
        await call.send(node={"id": "n2", "cluster": "edge", "metadata": metadata})
        code, words = await call.end()
    assert (code, "the node has" in words) == (grpc.StatusCode.INVALID_ARGUMENT, True)

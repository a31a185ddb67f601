"""Clients that ask for much, change their minds, or do not listen: what they cost, and that nobody else pays."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

import anyio
import grpc
import grpc.aio
import pytest
from discovery_world import NODE, Call, cluster
from test_services import STREAMS

from xds.model.type_url import CDS, EDS, LDS
from xds.server import discovery

ADS = [path for path, one in STREAMS.items() if not one.only]
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


@dataclass
class Used:
    """Bytes of memory: the most at one moment, and those at the end."""

    peak: int = 0
    kept: int = 0


@contextmanager
def counted() -> Iterator[Used]:
    """What is used of memory inside the `with`, known after it."""
    used = Used()
    gc.collect()
    tracemalloc.start()
    try:
        yield used
        used.peak = tracemalloc.get_traced_memory()[1]
        gc.collect()
        used.kept = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()


async def gone(served) -> None:
    """Returns when the bystander is alone."""
    await served.until(lambda: len(list(served.server.fleet.sessions())) == 1)


async def test_a_hundred_thousand_names_are_taken(served, bystander, path):
    names = tuple(f"name-{number}" for number in range(100_000))
    async with another(served) as channel:
        call = opened(channel, path)
        await call.send(EDS, names, node={"id": "n2", "cluster": "edge"})
        with anyio.fail_after(60):
            assert len(await call.call.read()) > 1_000_000
        call.call.cancel()
        await gone(served)


async def test_names_cost_what_they_say_and_nothing_once_the_client_is_gone(served, bystander, path):
    names = tuple(f"name-{number}" for number in range(10_000))
    async with another(served) as channel:
        call = opened(channel, path)
        await call.send(LDS, node={"id": "n2", "cluster": "edge"})
        await call.names()
        with counted() as used:
            await call.send(EDS, names)
            await call.read()
            call.call.cancel()
            await gone(served)
        assert used.peak < 3000 * len(names)
        assert used.kept < 100 * len(names)


async def test_a_flood_of_requests_is_answered_as_one_client_is(served, bystander, path):
    """Stale, repeated and senseless requests: no response for each, no memory of each."""
    async with another(served) as channel:
        call = opened(channel, path)
        await call.send(node={"id": "n2", "cluster": "edge"})
        assert await call.names() == {"a"}
        with counted() as used:
            for number in range(1000):
                await call.send(LDS if number % 2 else CDS, response_nonce=f"made up {number}")
            await call.send(EDS, ("b",))
            seen = [await call.read()]
            while seen[-1].type_url != EDS:
                seen.append(await call.read())
        assert len(seen) < 4
        assert used.peak < 20 << 20
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
        with counted() as used:
            for mark in "bcdefghijk":
                await served.publish(cluster("a", mark * heavy))
                assert await bystander.names() == {"a"}
        assert used.peak < (len(calls) + 20) * 2 * heavy
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


async def test_a_node_that_says_too_much_of_itself_is_not_kept_waiting_for(served, bystander, path):
    """Its metadata would take long to take apart, and all of it would be kept for as long as the stream is open."""
    fields = {f"key-{number}": {"string_value": "v"} for number in range(20_000)}
    async with another(served) as channel:
        call = opened(channel, path)
        await call.send(node={"id": "n2", "cluster": "edge", "metadata": {"fields": fields}})
        assert await call.names() == {"a"}
        assert all(not one.node.metadata for one in served.server.fleet.sessions())
        call = opened(channel, path)
        await call.send(node={"id": "n3", "cluster": "edge", "user_agent_name": "x" * (1 << 20)})
        code, words = await call.end()
    assert (code, "the node of the first message has 1" in words) == (grpc.StatusCode.INVALID_ARGUMENT, True)
    await gone(served)


async def test_a_type_url_of_a_megabyte_ends_its_stream_with_few_words(served, bystander, path):
    async with another(served) as channel:
        call = opened(channel, path)
        await call.send("x" * (1 << 20), node={"id": "n2", "cluster": "edge"})
        code, words = await call.end()
    assert (code, "type_url" in words, len(words) < 500) == (grpc.StatusCode.INVALID_ARGUMENT, True, True)
    assert served.counted("legation_xds_requests_total", type="other") == 0


async def test_types_without_end_end_their_stream_and_no_metric_has_their_names(served, bystander, path):
    async with another(served) as channel:
        call = opened(channel, path)
        for number in range(65):
            await call.send(f"made-up-{number}", ("a",), node={"id": "n2", "cluster": "edge"})
        await served.until(
            lambda: served.counted("legation_xds_refused_total", service="ads", code="RESOURCE_EXHAUSTED") == 1
        )
        await gone(served)
    assert served.counted("legation_xds_requests_total", type="other") == 64
    assert b"made-up" not in served.server.metrics.render()[1]


async def test_a_stream_on_which_nothing_is_asked_ends(served, bystander, path, monkeypatch):
    monkeypatch.setattr(discovery, "SILENCE", 0.05)
    async with another(served) as channel:
        code, words = await opened(channel, path).end()
    assert (code, "nothing was asked" in words) == (grpc.StatusCode.DEADLINE_EXCEEDED, True)

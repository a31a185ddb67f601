"""How connections end: of old age, and with the server."""

from __future__ import annotations

import asyncio
import struct
from contextlib import AsyncExitStack
from itertools import count, islice

import anyio
import grpc
import pytest
from grpc_client import clusters, opening, request, response
from h2.errors import ErrorCodes
from h2.events import ConnectionTerminated, StreamReset
from raw_client import SOON, connected, framed

from xds.model.type_url import LDS
from xds.server import client_connection, http2_stream
from xds.server.http2_stream import GOING

UNAVAILABLE = "14"
PINGS = count()


@pytest.fixture
def quick(monkeypatch):
    """Nobody waits long."""
    monkeypatch.setattr(client_connection, "LINGER", 0.3)
    monkeypatch.setattr(http2_stream, "FIRST_RESPONSE", 0.05)


@pytest.fixture
def patient(monkeypatch):
    """Everybody waits longer than the test does."""
    monkeypatch.setattr(client_connection, "LINGER", 6 * SOON)


async def heard(client) -> None:
    """Returns when the server has taken all that was sent, and has had a moment to say something."""
    for number in islice(PINGS, 5):
        body = number.to_bytes(8, "big")
        client.http2.ping(body)
        await client.until(lambda body=body: any(getattr(one, "ping_data", None) == body for one in client.events))


def is_told(client) -> bool:
    return any(isinstance(one, ConnectionTerminated) for one in client.events)


async def test_an_old_connection_is_sent_away(serving, dialect, patient):
    """Row 112: GOAWAY without an error, the streams end UNAVAILABLE, the connection closes."""
    async with serving(max_connection_age_seconds=0.3) as (server, address), connected(address) as client:
        await server.publish("edge", clusters("a"))
        streams = [await client.open(dialect) for _ in range(3)]
        for stream in streams:
            await client.send(stream, framed(opening(dialect)))
        for stream in streams:
            assert await client.status(stream) == (UNAVAILABLE, GOING)
            assert client.data(stream)
        await client.until(lambda: client.closed)
        assert client.goaways() == [(ErrorCodes.NO_ERROR, streams[-1])]


async def test_an_old_connection_without_streams_closes(serving, patient):
    async with serving(max_connection_age_seconds=0.1) as (_, address), connected(address) as client:
        await client.until(lambda: client.closed)
        assert client.goaways() == [(ErrorCodes.NO_ERROR, 0)]


async def test_not_all_connections_end_at_once(serving, connections):
    async with serving(max_connection_age_seconds=1000) as (_, address):
        for _ in range(20):
            async with connected(address):
                pass
        now = asyncio.get_running_loop().time()
        ages = [one._timers[0].when() - now for one in connections]
        assert 890 < min(ages) < max(ages) < 1101
        assert max(ages) - min(ages) > 20


async def test_a_client_connects_anew_without_noticing(serving, talks, dialect):
    """Row 112: with a real gRPC channel."""
    async with serving(max_connection_age_seconds=0.3) as (server, address):
        await server.publish("edge", clusters("a"))
        channel = await talks.channel(address)
        for _ in range(3):
            talk = await talks.begin(address, dialect, channel=channel, wait_for_ready=True)
            assert await talk.names() == ["a"]
            assert await talk.end() == (grpc.StatusCode.UNAVAILABLE, GOING)


async def test_a_message_that_is_being_written_is_written(serving, dialect, connections):
    """Row 113: the client has room for a part of it when the end comes."""
    async with serving() as (server, address), connected(address) as client:
        await server.publish("edge", clusters("a", mark="x" * 200_000))
        client.reads = False
        stream = await client.open(dialect)
        await client.send(stream, framed(opening(dialect)))
        await client.until(lambda: len(client.data(stream)) == 65_535)
        connections[-1].leave()
        await client.until(lambda: is_told(client))
        client.http2.increment_flow_control_window(2**20)
        client.http2.increment_flow_control_window(2**20, stream)
        await client.flush()
        assert await client.status(stream) == (UNAVAILABLE, GOING)
        assert response(dialect, client.data(stream)[5:]).nonce


async def test_after_the_message_that_is_being_written_a_stream_begins_no_other(serving, dialect, connections):
    """A response for listeners, of which there are none, would come next."""
    async with serving() as (server, address), connected(address) as client:
        await server.publish("edge", clusters("a", mark="x" * 200_000))
        client.reads = False
        stream = await client.open(dialect)
        await client.send(stream, framed(opening(dialect)))
        await client.until(lambda: len(client.data(stream)) == 65_535)
        await client.send(stream, framed(request(dialect, of=LDS)))
        await heard(client)
        connections[-1].leave()
        client.http2.increment_flow_control_window(2**20)
        client.http2.increment_flow_control_window(2**20, stream)
        assert await client.status(stream) == (UNAVAILABLE, GOING)
        (size,) = struct.unpack(">I", client.data(stream)[1:5])
        assert len(client.data(stream)) == 5 + size


async def test_a_stream_has_a_first_response_where_one_is_due(serving, dialect, connections):
    """Row 113: what is known a moment later is still said, and to its end."""
    async with serving() as (server, address), connected(address) as client:
        client.reads = False
        stream = await client.open(dialect)
        await client.send(stream, framed(opening(dialect)))
        await heard(client)
        (ours,) = connections[-1].processor.streams.values()
        connections[-1].leave()
        await heard(client)
        await server.publish("edge", clusters("a", mark="x" * 200_000))
        await client.until(lambda: len(client.data(stream)) == 65_535)
        ours._leave()  # as when the time for a first response is over
        await heard(client)
        client.http2.increment_flow_control_window(2**20)
        client.http2.increment_flow_control_window(2**20, stream)
        assert await client.status(stream) == (UNAVAILABLE, GOING)
        assert response(dialect, client.data(stream)[5:]).nonce


async def test_a_stream_of_which_nothing_is_known_ends_all_the_same(serving, dialect, connections, quick):
    async with serving() as (_, address), connected(address) as client:
        stream = await client.open(dialect)
        await client.send(stream, framed(opening(dialect)))
        connections[-1].leave()
        assert await client.status(stream) == (UNAVAILABLE, GOING)


async def test_a_stream_that_comes_too_late_may_be_tried_elsewhere(serving, dialect, connections):
    """gRPC does so by itself when a stream is refused."""
    async with serving() as (_, address), connected(address) as client:
        first = await client.open(dialect)
        await client.send(first, framed(opening(dialect)))
        await heard(client)
        connections[-1].leave()
        late = await client.open(dialect)
        await client.until(lambda: client.seen(late, StreamReset))
        (reset,) = client.seen(late, StreamReset)
        assert reset.error_code == ErrorCodes.REFUSED_STREAM


async def test_streams_see_the_end_of_the_server_as_such(serving, talks, dialect, patient):
    """Row 113."""
    async with serving() as (server, address):
        await server.publish("edge", clusters("a"))
        every = [await talks.begin(address, dialect) for _ in range(5)]
        for talk in every:
            assert await talk.names() == ["a"]
    for talk in every:
        assert await talk.end() == (grpc.StatusCode.UNAVAILABLE, GOING)
    with pytest.raises(OSError, match="All connection attempts failed"):
        await anyio.connect_tcp(*address)


async def test_a_client_that_does_not_read_holds_up_no_end(serving, dialect, quick):
    async with AsyncExitStack() as longer:
        async with serving() as (server, address):
            await server.publish("edge", clusters("a", mark="x" * 200_000))
            client = await longer.enter_async_context(connected(address))
            client.reads = False
            stream = await client.open(dialect)
            await client.send(stream, framed(opening(dialect)))
            await client.until(lambda: client.data(stream))
        await client.until(lambda: client.closed)


async def test_an_end_leaves_nothing_behind(serving, talks, dialect):
    before = asyncio.all_tasks()
    async with serving() as (server, address), connected(address) as client:
        await server.publish("edge", clusters("a"))
        stream = await client.open(dialect)
        await client.send(stream, framed(opening(dialect)))
        await client.until(lambda: client.data(stream))
        assert asyncio.all_tasks() > before
    assert asyncio.all_tasks() == before


async def test_an_error_of_the_block_is_raised_as_it_is(serving):
    with pytest.raises(ZeroDivisionError):
        async with serving():
            raise ZeroDivisionError

"""Clients that do not read, or are not there any more: they end, and nobody else notices."""

from __future__ import annotations

from contextlib import suppress
from socket import SO_RCVBUF, SO_SNDBUF, SOL_SOCKET

import anyio
import pytest
from anyio.abc import SocketAttribute
from grpc_client import clusters, opening, request, response
from h2.errors import ErrorCodes
from h2.events import PingAckReceived
from hyperframe.frame import DataFrame
from raw_client import SOON, connected, framed

UNAVAILABLE = "14"
HEAVY = clusters("a", mark="x" * 3_000_000)


async def until(condition) -> None:
    with anyio.fail_after(SOON):
        while not condition():  # noqa: ASYNC110  nobody tells when a connection is gone
            await anyio.sleep(0.01)


async def is_closed(socket) -> None:
    """Returns when the other side has closed; what it still says is not answered."""
    with anyio.fail_after(SOON):
        try:
            while True:
                await socket.receive()
        except (anyio.EndOfStream, anyio.BrokenResourceError):
            return


@pytest.fixture
def nodes():
    """The ids of the nodes that a server has streams of."""
    return lambda server: {one.node.id for one in server.fleet.sessions()}


async def test_a_stream_that_is_not_read_ends_and_the_others_go_on(serving, talks, dialect, nodes):
    """Rows 109-111: its window is full."""
    async with serving(write_timeout_seconds=0.3) as (server, address), connected(address) as client:
        await server.publish("edge", HEAVY)
        client.reads = False
        stream = await client.open(dialect)
        await client.send(stream, framed(opening(dialect)))
        assert await client.status(stream) == (UNAVAILABLE, "nothing was read for 0.3 s")
        await until(lambda: not nodes(server))
        client.reads = True
        client.http2.increment_flow_control_window(2**24)
        other = await client.open(dialect)
        client.http2.increment_flow_control_window(2**24, other)
        await client.send(other, framed(opening(dialect)))
        await client.until(lambda: len(client.data(other)) > 3_000_000)


async def test_a_stream_that_is_read_slowly_goes_on(serving, dialect):
    """Every 64 KiB has the whole time."""
    async with serving(write_timeout_seconds=0.5) as (server, address), connected(address) as client:
        await server.publish("edge", clusters("a", mark="x" * 500_000))
        stream = await client.open(dialect)
        await client.send(stream, framed(opening(dialect)))
        while len(client.data(stream)) < 500_000:
            await client.listen()
            await anyio.sleep(0.05)


async def test_a_connection_that_takes_nothing_ends_and_the_others_go_on(serving, talks, dialect, nodes):
    """Its windows are wide open, and nobody reads from the socket."""
    async with serving(write_timeout_seconds=0.3) as (server, address):
        await server.publish("edge", clusters("a"))
        good = await talks.begin(address, dialect, node={"id": "good", "cluster": "edge"})
        assert await good.names() == ["a"]
        async with connected(address) as client:
            client.http2.increment_flow_control_window(2**30)
            streams = [await client.open(dialect) for _ in range(4)]
            for stream in streams:
                client.http2.increment_flow_control_window(2**30, stream)
                await client.send(stream, framed(opening(dialect)))
            await until(lambda: nodes(server) == {"good", "n1"})
            await server.publish("edge", HEAVY)
            assert await good.names() == ["a"]
            await until(lambda: nodes(server) == {"good"})
            await server.publish("edge", clusters("b"))
            assert await good.names() == ["b"]


async def test_a_connection_that_is_read_again_goes_on(serving, dialect, connections):
    """What it sent meanwhile is read, too."""
    async with serving() as (server, address), connected(address) as client:
        await server.publish("edge", HEAVY)
        client.http2.increment_flow_control_window(2**30)
        streams = [await client.open(dialect) for _ in range(8)]
        for stream in streams:
            client.http2.increment_flow_control_window(2**30, stream)
            await client.send(stream, framed(opening(dialect)))
        await until(lambda: not connections[0].connection.write_ready.is_set())
        await client.until(lambda: all(len(client.data(stream)) > 3_000_000 for stream in streams))
        await server.publish("edge", clusters("b"))
        nonce = response(dialect, client.data(streams[0])[5:]).nonce
        client.events.clear()
        await client.send(streams[0], framed(request(dialect, response_nonce=nonce)))
        await client.until(lambda: client.data(streams[0]))


async def test_pings_are_answered_however_many_and_without_a_stream(serving):
    """Row 111."""
    async with serving() as (_, address), connected(address) as client:
        for number in range(100):
            client.http2.ping(number.to_bytes(8, "big"))
        await client.flush()
        await client.until(lambda: sum(isinstance(one, PingAckReceived) for one in client.events) == 100)
        assert not client.goaways()


async def test_pings_of_a_client_that_does_not_read_are_not_answered_without_end(serving, talks, dialect, connections):
    """The server stops reading, and keeps no more answers than it had."""
    pings = b"\x00\x00\x08\x06\x00\x00\x00\x00\x00" + bytes(8)

    async def flood(socket) -> None:
        while True:
            await socket.send(pings * 1000)

    async with serving() as (server, address), connected(address) as client, anyio.create_task_group() as tasks:
        await server.publish("edge", clusters("a"))
        transport = connections[0].connection.transport
        client.socket.extra(SocketAttribute.raw_socket).setsockopt(SOL_SOCKET, SO_RCVBUF, 4096)
        transport.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_SNDBUF, 4096)
        tasks.start_soon(flood, client.socket)
        await until(lambda: not transport.is_reading())
        assert transport.get_write_buffer_size() < 1_000_000
        assert await (await talks.begin(address, dialect)).names() == ["a"]
        assert not transport.is_reading()
        tasks.cancel_scope.cancel()


async def test_a_client_that_answers_no_ping_is_let_go(serving, dialect, nodes):
    """Row 111: it may be gone without a word."""
    async with serving(keepalive_seconds=0.1, keepalive_timeout_seconds=0.1) as (server, address):
        await server.publish("edge", clusters("a"))
        async with connected(address) as client:
            stream = await client.open(dialect)
            await client.send(stream, framed(opening(dialect)))
            await until(lambda: nodes(server) == {"n1"})
            await is_closed(client.socket)
            await until(lambda: not nodes(server))


async def test_a_client_that_says_nothing_at_all_is_let_go(serving):
    terms = {"keepalive_seconds": 0.1, "keepalive_timeout_seconds": 0.1}
    async with serving(**terms) as (_, address), await anyio.connect_tcp(*address) as socket:
        await is_closed(socket)


async def test_a_client_that_answers_pings_stays(serving, talks, dialect):
    async with serving(keepalive_seconds=0.05, keepalive_timeout_seconds=2) as (server, address):
        await server.publish("edge", clusters("a"))
        talk = await talks.begin(address, dialect)
        assert await talk.names() == ["a"]
        async with connected(address) as client:
            with anyio.move_on_after(1):
                while not client.closed:
                    await client.listen()
            assert not client.closed
        await server.publish("edge", clusters("b"))
        assert await talk.names() == ["b"]


async def test_a_client_that_sends_more_than_it_may_ends_alone(serving, talks, dialect):
    """Ten requests are read at once, and the others are more than its window."""
    async with serving(requests_per_second=1) as (server, address), connected(address) as client:
        await server.publish("edge", clusters("a"))
        other = await talks.begin(address, dialect, node={"id": "good", "cluster": "edge"})
        assert await other.names() == ["a"]
        stream = await client.open(dialect)
        await client.send(stream, framed(opening(dialect)))
        await client.until(lambda: client.data(stream))
        message = framed(request(dialect, node={"id": "x" * 16_000}))
        with suppress(anyio.BrokenResourceError):
            await client.socket.send(DataFrame(stream, data=message).serialize() * 30)
        await client.until(lambda: client.closed)
        assert [error for error, _ in client.goaways()] == [ErrorCodes.FLOW_CONTROL_ERROR]
        await server.publish("edge", clusters("b"))
        assert await other.names() == ["b"]

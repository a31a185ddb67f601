"""Many at once: new streams and requests are taken up at a pace, in turns, and none is refused."""

from __future__ import annotations

from contextlib import AsyncExitStack

import anyio
from grpc_client import clusters, opening, request
from h2.events import StreamEnded
from raw_client import SOON, connected, framed

from xds.server.talk import Talk


async def opened(client, dialect, many: int) -> list[int]:
    """Streams of one connection that have asked."""
    streams = [await client.open(dialect) for _ in range(many)]
    for stream in streams:
        await client.send(stream, framed(opening(dialect)))
    return streams


async def test_all_proxies_at_once_are_all_served(serving, dialect):
    """Row 117: 300 streams, where 200 may come at once; nobody is sent away."""
    async with serving(new_streams_per_second=100) as (server, address), AsyncExitStack() as stack:
        await server.publish("edge", clusters("a"))
        clients = [await stack.enter_async_context(connected(address)) for _ in range(30)]
        streams = [await opened(client, dialect, 10) for client in clients]
        for client, numbers in zip(clients, streams, strict=True):
            await client.until(lambda client=client, numbers=numbers: all(map(client.data, numbers)))
            assert not any(client.seen(number, StreamEnded) for number in numbers)
        assert len(list(server.fleet.sessions())) == 300


async def test_those_who_wait_do_not_hold_up_those_who_are_in(serving, talks, dialect):
    """Row 117: two may come at once, and then one a second."""
    async with serving(new_streams_per_second=1) as (server, address), connected(address) as client:
        await server.publish("edge", clusters("a"))
        talk = await talks.begin(address, dialect)
        assert await talk.names() == ["a"]
        await opened(client, dialect, 50)
        await client.until(lambda: any(map(client.data, range(1, 100, 2))))
        await server.publish("edge", clusters("b"))
        assert await talk.names() == ["b"]
        assert len(list(server.fleet.sessions())) < 50


async def test_connections_take_turns(serving, dialect):
    """One that opens 200 streams is not in the way of one that opens one."""
    async with serving(new_streams_per_second=20) as (server, address), connected(address) as greedy:
        await server.publish("edge", clusters("a"))
        many = await opened(greedy, dialect, 200)
        async with connected(address) as modest:
            (stream,) = await opened(modest, dialect, 1)
            await modest.until(lambda: modest.data(stream))
            assert len(list(server.fleet.sessions())) < len(many)


async def test_streams_that_were_given_up_are_not_waited_for(serving, talks, dialect):
    """Opened and reset in a moment, a hundred times: they would be served for 20 s."""
    async with serving(new_streams_per_second=5) as (server, address), connected(address) as client:
        await server.publish("edge", clusters("a"))
        for _ in range(110):
            stream = await client.open(dialect)
            await client.send(stream, framed(opening(dialect)))
            client.http2.reset_stream(stream)
        await client.flush()
        assert await (await talks.begin(address, dialect)).names() == ["a"]


async def test_a_flood_of_requests_is_read_at_a_pace(serving, talks, dialect, monkeypatch):
    """Row 118: by not reading, so that the client must wait; the others do not."""
    taken = []
    take = Talk.take
    monkeypatch.setattr(Talk, "take", lambda self, request: (taken.append(self.session), take(self, request)))
    async with serving(requests_per_second=1) as (server, address), connected(address) as client:
        await server.publish("edge", clusters("a"))
        (stream,) = await opened(client, dialect, 1)
        with anyio.move_on_after(SOON):
            await client.send(stream, framed(request(dialect)) * 3000)
        talk = await talks.begin(address, dialect, node={"id": "good", "cluster": "edge"})
        assert await talk.names() == ["a"]
        await server.publish("edge", clusters("b"))
        assert await talk.names() == ["b"]
        flood = sum(one.node.id == "n1" for one in taken)
        assert 10 <= flood < 300
        assert not client.seen(stream, StreamEnded)


async def test_hundreds_of_streams_of_one_connection_are_served(serving, dialect):
    """Row 116: as an Envoy without ADS opens them, one for the endpoints of every cluster."""
    async with serving(new_streams_per_second=100_000) as (server, address), connected(address) as client:
        assert client.http2.remote_settings.max_concurrent_streams >= 1_000_000
        await server.publish("edge", clusters("a"))
        streams = await opened(client, dialect, 400)
        await client.until(lambda: client.data(streams[-1]))
        await client.until(lambda: all(map(client.data, streams)))

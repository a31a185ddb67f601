"""L: what a server bears: clients that do not read, large messages, many streams, floods, bursts of changes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import grpc.aio
from case import World, case
from resources import CDS, EDS, LDS, RDS
from talk import Talk, Unmet
from traces import Trace
from variant import ADS, ALL, DELTA, SINGLE

MIB = 1 << 20
GRPC_LIMIT = 4 * MIB
"""What a gRPC client reads of one message, unless it is told otherwise."""

MANY = 200
"""So many streams are more than the hundred that most HTTP/2 servers allow on a connection."""

FLOOD = 300
"""After so many requests without a pause a stream is flooded."""


@asynccontextmanager
async def connected(world: World, *, window: int = MIB) -> AsyncIterator[Talk]:
    """A client on a connection of its own, which reads only when the case lets it, and until then takes `window` bytes."""
    options = [("grpc.use_local_subchannel_pool", 1), ("grpc.max_receive_message_length", -1)]
    options += [("grpc.http2.bdp_probe", 0), ("grpc.http2.lookahead_bytes", window)]
    async with grpc.aio.insecure_channel(world.target.xds, options=options) as channel:
        call = channel.stream_stream(world.variant.path(world.type_url))()
        trace = Trace(f"{world.group}.alone", world.variant.single)
        try:
            yield Talk(call, trace, world.dialect, {"id": world.group, "cluster": world.group}, world.sentinel)
        finally:
            call.cancel()


@asynccontextmanager
async def listening(talk: Talk) -> AsyncIterator[None]:
    """The client reads."""
    reading = asyncio.create_task(talk.listen())
    try:
        yield
    finally:
        talk.call.cancel()
        with suppress(asyncio.CancelledError):
            await reading


@case(109, variants=ALL, types=(CDS, EDS))
async def a_client_that_does_not_read_holds_up_nobody(world: World) -> None:
    async with connected(world, window=1) as deaf:
        await world.set(world.heavy("a", MIB))
        await deaf.want(world.type_url, "a")
        talk = await world.client(world.heavy("a", MIB, "2"))
        for mark in "3456":
            await world.update(world.heavy("a", MIB, mark))
            await talk.becomes(world.type_url, world.heavy("a", MIB, mark))


@case(110, variants=ALL, types=(CDS, EDS))
async def a_client_that_reads_late_gets_the_newest(world: World) -> None:
    """What it is sent is what was under way when it stopped reading, and the newest; not what was in between."""
    size, changes = MIB // 4, 20
    await world.set(world.heavy("a", size))
    async with connected(world, window=1) as late:
        await late.want(world.type_url, "a")
        for number in range(changes):
            await world.update(world.heavy("a", size, f"{number}"))
        async with listening(late):
            came = await late.settles(world.type_url, world.heavy("a", size, f"{changes - 1}"))
    kept = {got.bodies["a"] for got in came if "a" in got.bodies}
    if len(kept) > 3:
        raise Unmet(f"{len(kept)} of {changes} changes had been kept for a client that did not read")


@case(114, variants=ADS)
async def a_first_message_of_many_mib_is_read(world: World) -> None:
    """A client that comes back says all that it has; one in state of the world names all that it wants."""
    await world.set(world.make("a"))
    names = [f"{number:0400}" for number in range(12_000)]
    talk = world.talk()
    if world.dialect == "delta":
        await talk.want(world.type_url, initial_resource_versions=dict.fromkeys(names, "old"))
    else:
        await talk.want(world.type_url, "a", *names)
    await talk.settles(world.type_url, world.make("a"))


@case(115, variants=DELTA, types=(CDS, EDS))
async def a_lot_comes_in_pieces_that_grpc_reads(world: World) -> None:
    resources = [world.heavy(f"{number}", MIB) for number in range(6)]
    await world.set(*resources)
    talk = world.talk()
    await talk.want(world.type_url, *(one.name for one in resources))
    for got in await talk.settles(world.type_url, *resources):
        if got.size > GRPC_LIMIT:
            raise Unmet(f"a {got} has {got.size} bytes")


@case(116, variants=SINGLE, types=(EDS,))
async def many_streams_share_a_connection(world: World) -> None:
    resources = [world.make(f"{number}") for number in range(MANY)]
    await world.set(*resources)
    talks = [world.talk() for _ in resources]
    for talk, one in zip(talks, resources, strict=True):
        await talk.want(world.type_url, one.name)
    for talk, one in zip(talks, resources, strict=True):
        await talk.becomes(world.type_url, one)


@case(118, variants=ADS, types=(CDS, EDS))
async def a_flood_of_requests_holds_up_nobody(world: World) -> None:
    async with connected(world) as noisy, listening(noisy):
        flooded = asyncio.Event()
        flood = asyncio.create_task(_flood(world, noisy, flooded))
        await flooded.wait()
        talk = await world.client(world.make("a"))
        await world.update(world.make("a", "2"))
        await talk.becomes(world.type_url, world.make("a", "2"))
        flood.cancel()


async def _flood(world: World, noisy: Talk, flooded: asyncio.Event) -> None:
    """Asks and asks, always for something else, and never says what became of the answers."""
    name = "resource_names" if world.dialect == "sotw" else "resource_names_subscribe"
    with suppress(Unmet):
        for number in range(10_000):
            await noisy.send(world.type_url, **{name: [f"a-{number % 10}"]})
            if number == FLOOD:
                flooded.set()


@case(119, variants=ALL, types=(CDS, EDS, LDS, RDS))
async def after_a_burst_of_changes_the_client_has_the_last(world: World) -> None:
    talk = await world.client(world.make("a"))
    for number in range(30):
        await world.update(world.make("a", f"burst-{number}"))
    await talk.settles(world.type_url, world.make("a", "burst-29"))


@case(120, variants=ALL, types=(CDS, EDS, LDS, RDS))
async def a_group_that_is_cleared_and_set_again_goes_on(world: World) -> None:
    talk = await world.client(world.make("a"))
    await world.clear()
    await world.set(world.make("a", "2"))
    while talk.known(world.type_url).holds.get("a") != world.make("a", "2").value:  # nobody asks for anything
        await talk.take(world.type_url)

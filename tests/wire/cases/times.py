"""I: resources that a client lets go of when it hears nothing of them for a time."""

from __future__ import annotations

from dataclasses import replace

from case import World, case
from resources import CDS, EDS, LDS, make
from talk import Talk, Unmet
from traces import Got, Item
from variant import ALL, SOTW

FEATURES = ["xds.config.resource-in-sotw", "xds.config.supports-resource-ttl"]
"""What a client says that reads resources wrapped in discovery.v3.Resource, and lets go of them in time."""

LONG, SHORT = 60.0, 1.0
"""Seconds to live: of what is looked at once, and of what is to be kept alive."""


async def reader(world: World, name: str = "a") -> Talk:
    """A client that reads wrapped resources."""
    node = {"id": world.group, "cluster": world.group, "client_features": FEATURES}
    talk = world.talk(node=node)
    await talk.want(world.type_url, name)
    return talk


def only(got: Got) -> Item:
    """The only resource of a response."""
    if len(got.items) != 1:
        raise Unmet(f"a {got} came, not one with one resource")
    return got.items[0]


@case(96, variants=ALL, types=(CDS, EDS, LDS))
async def the_time_to_live_is_told(world: World) -> None:
    await world.set(replace(world.make("a"), ttl=LONG))
    talk = await reader(world)
    one = only(await talk.becomes(world.type_url, world.make("a")))
    if one.ttl != LONG or one.name != "a":
        raise Unmet(f"{one.name} came with the time {one.ttl}, not a with {LONG}")


@case(97, variants=ALL, types=(CDS, EDS))
async def a_heartbeat_keeps_it_alive(world: World) -> None:
    """It has no body; though in a full state of the world it may, as Envoy takes what has none for missing there."""
    await world.set(replace(world.make("a"), ttl=SHORT))
    talk = await reader(world)
    first = await talk.take(world.type_url)
    for _ in range(2):
        got = await talk.take(world.type_url)
        beat, bodies = only(got), [None, only(first).value] if got.is_full else [None]
        if (beat.name, beat.version, beat.ttl) != ("a", only(first).version, SHORT) or beat.value not in bodies:
            raise Unmet(f"a {got} came, version {beat.version!r}, time {beat.ttl}, and no heartbeat")


@case(98, variants=SOTW, types=(CDS, EDS))
async def a_client_that_does_not_read_wrapped_resources_gets_bare_ones(world: World) -> None:
    await world.set(replace(world.make("a"), ttl=LONG))
    talk = world.talk()
    await talk.want(world.type_url, "a")
    one = only(await talk.becomes(world.type_url, world.make("a")))
    if one.ttl is not None or one.type_url != world.type_url:
        raise Unmet(f"a {one.type_url} came with the time {one.ttl}")


@case(99, variants=ALL, types=(CDS, EDS))
async def the_end_of_the_time_to_live_is_told(world: World) -> None:
    await world.set(replace(world.make("a"), ttl=LONG))
    talk = await reader(world)
    await talk.take(world.type_url)
    await world.update(make(world.type_url, "a"))
    one = only(await talk.becomes(world.type_url, make(world.type_url, "a")))
    if one.ttl is not None:
        raise Unmet(f"it still has the time {one.ttl}")

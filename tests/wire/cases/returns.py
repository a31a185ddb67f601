"""D: a client that comes back in state of the world: what it says it has, and what it is sent all the same."""

from __future__ import annotations

from case import World, case
from resources import CDS, EDS, LDS, RDS, make
from talk import Talk
from variant import SOTW, SOTW_ADS


async def back(world: World, *names: str, version: str) -> Talk:
    """The same node on a new stream, with the version that it has."""
    talk = world.talk()
    await talk.want(world.type_url, *names, version_info=version)
    return talk


@case(49, variants=SOTW, types=(EDS, RDS))
async def a_version_does_not_tell_which_names_are_held(world: World) -> None:
    first = await world.client(world.make("a"), world.make("b"))
    talk = await back(world, "a", "b", version=first.known(world.type_url).version)
    await talk.becomes(world.type_url, world.make("a"), world.make("b"))


@case(50, variants=SOTW, types=(CDS, LDS))
async def a_full_state_that_is_held_is_not_sent(world: World) -> None:
    await world.set(world.make("a"))
    first = world.talk()
    await first.want(world.type_url)
    version = (await first.take(world.type_url)).version
    talk = await back(world, version=version)
    talk.known(world.type_url).holds = dict(first.known(world.type_url).holds)
    await talk.silent()


@case(51, variants=(SOTW_ADS,), types=(EDS,))
async def endpoints_are_sent_to_a_client_that_comes_back_warming(world: World) -> None:
    first = await world.client(make(EDS, "a"))
    version = first.known(EDS).version
    first.call.cancel()
    talk = await back(world, "a", version=version)
    await talk.becomes(EDS, make(EDS, "a"))


@case(52, variants=SOTW, types=(CDS, LDS, EDS, RDS))
async def a_version_of_somebody_else_is_no_error(world: World) -> None:
    await world.set(world.make("a"))
    talk = await back(world, "a", version="of another replica")
    await talk.becomes(world.type_url, world.make("a"))

"""K: the types beside clusters, endpoints, listeners and routes."""

from __future__ import annotations

from case import World, case
from resources import ECDS, LEDS, RTDS, SDS, SRDS, VHDS, make
from talk import Unmet
from variant import ADS, ALL, DELTA_ADS, DELTA_SINGLE

ON_DEMAND = (VHDS, LEDS)
"""Types that have a delta service alone."""


@case(106, variants=ALL, types=(SDS,))
async def a_secret_that_rotates_is_sent_alone(world: World) -> None:
    talk = await world.client(world.make("a"), world.make("b"))
    await world.update(world.make("a", "2"))
    got = await talk.becomes(SDS, world.make("a", "2"), world.make("b"))
    if got.names != {"a"}:
        raise Unmet(f"a {got} came, and the secret a alone had changed")


@case(106, variants=ADS, types=(SDS,))
async def a_secret_that_is_missing_is_not_told_of(world: World) -> None:
    talk = await world.client(world.make("a"))
    await talk.want(SDS, "zz")
    await talk.silent()
    await world.add(world.make("zz"))
    await talk.becomes(SDS, world.make("a"), world.make("zz"))


@case(107, variants=ALL, types=(ECDS, RTDS, SRDS))
async def any_type_is_served(world: World) -> None:
    talk = await world.client(world.make("a"), world.make("b"))
    await world.update(world.make("b", "2"))
    await talk.becomes(world.type_url, world.make("a"), world.make("b", "2"))
    await talk.silent()


@case(107, variants=(DELTA_ADS, DELTA_SINGLE), types=ON_DEMAND)
async def any_type_is_served_by_name_in_delta(world: World) -> None:
    await any_type_is_served(world)


@case(107, variants=ADS, types=(ECDS,))
async def absence_of_an_extension_is_not_told(world: World) -> None:
    """Envoy drops a filter's configuration when it is told that there is none."""
    talk = await world.client(world.make("a"))
    await talk.want(ECDS, "zz")
    await talk.silent()
    talk.has(ECDS, make(ECDS, "a"))

"""C: the forms of a subscription in state of the world, and what a client is told of what is not there."""

from __future__ import annotations

from case import World, case
from resources import CDS, EDS, LDS, RDS, SDS, VHDS, make, resource
from talk import Unmet
from variant import ALL, SOTW, SOTW_ADS

FULL = (CDS, LDS)
PARTIAL = (EDS, RDS)
LIMIT = 4 << 20
"""Bytes that a gRPC client takes in one message, unless it is told otherwise."""


@case(30, variants=SOTW, types=FULL)
async def no_names_at_first_is_everything(world: World) -> None:
    await world.set(world.make("a"), world.make("b"))
    talk = world.talk()
    await talk.want(world.type_url)
    await talk.becomes(world.type_url, world.make("a"), world.make("b"))
    await world.add(world.make("c"))
    await talk.becomes(world.type_url, world.make("a"), world.make("b"), world.make("c"))


@case(31, variants=SOTW, types=FULL)
async def a_name_beside_the_wildcard_keeps_it(world: World) -> None:
    await world.set(world.make("a"))
    talk = world.talk()
    await talk.want(world.type_url)
    await talk.becomes(world.type_url, world.make("a"))
    await talk.want(world.type_url, "*", "a")
    await talk.settles(world.type_url, world.make("a"))
    await world.add(world.make("b"))
    await talk.becomes(world.type_url, world.make("a"), world.make("b"))


@case(32, variants=SOTW, types=FULL)
async def a_name_alone_ends_the_wildcard(world: World) -> None:
    await world.set(world.make("a"), world.make("b"))
    talk = world.talk()
    await talk.want(world.type_url, "*", "a")
    await talk.becomes(world.type_url, world.make("a"), world.make("b"))
    await talk.drop(world.type_url, "*")
    await talk.settles(world.type_url, world.make("a"))
    await world.update(world.make("a", "2"), world.make("b", "2"))
    await talk.becomes(world.type_url, world.make("a", "2"))


@case(33, variants=SOTW, types=(CDS, LDS, EDS, RDS))
async def no_names_after_some_is_nothing(world: World) -> None:
    talk = await world.client(world.make("a"))
    await talk.drop(world.type_url, "a")
    await talk.silent()
    await world.update(world.make("a", "2"))
    await world.add(world.make("b"))
    await talk.silent()


@case(34, variants=SOTW, types=(CDS, LDS, EDS, RDS))
async def the_wildcard_is_for_any_type(world: World) -> None:
    await world.set(world.make("a"), world.make("b"))
    talk = world.talk()
    await talk.want(world.type_url, "*")
    await talk.becomes(world.type_url, world.make("a"), world.make("b"))
    await world.add(world.make("c"))
    await talk.becomes(world.type_url, world.make("a"), world.make("b"), world.make("c"))


@case(35, variants=SOTW, types=(EDS, RDS, SDS))
async def no_names_is_nothing_for_most_types(world: World) -> None:
    await world.set(world.make("a"))
    talk = world.talk()
    await talk.want(world.type_url)
    await talk.settles(world.type_url)
    await talk.want(world.type_url, "a")
    await talk.becomes(world.type_url, world.make("a"))


@case(36, variants=SOTW, types=FULL)
async def names_are_served_and_no_others(world: World) -> None:
    await world.set(world.make("a"), world.make("b"))
    talk = world.talk()
    await talk.want(world.type_url, "a")
    got = await talk.becomes(world.type_url, world.make("a"))
    if got.names != {"a"}:
        raise Unmet(f"a {got} came, and a alone was asked for")


@case(37, variants=SOTW, types=FULL)
async def a_full_state_lists_what_did_not_change(world: World) -> None:
    talk = await world.client(world.make("a"), world.make("b"))
    await world.update(world.make("a", "2"))
    await talk.becomes(world.type_url, world.make("a", "2"), world.make("b"))


@case(38, variants=SOTW, types=FULL)
async def a_removal_shows_down_to_the_last(world: World) -> None:
    talk = await world.client(world.make("a"), world.make("b"))
    await world.remove(world.make("a"))
    await talk.becomes(world.type_url, world.make("b"))
    await world.remove(world.make("b"))
    await talk.becomes(world.type_url)


@case(38, variants=SOTW, types=FULL)
async def a_removal_shows_to_a_wildcard(world: World) -> None:
    talk = await world.client(world.make("a"), wildcard=True)
    await world.remove(world.make("a"))
    await talk.becomes(world.type_url)


@case(39, variants=SOTW, types=(EDS, RDS, SDS))
async def nothing_tells_of_a_removal_where_parents_do(world: World) -> None:
    talk = await world.client(world.make("a"), world.make("b"))
    await world.remove(world.make("a"))
    await talk.settles(world.type_url, world.make("a"), world.make("b"))
    await world.add(world.make("a", "2"))
    await talk.becomes(world.type_url, world.make("a", "2"), world.make("b"))


@case(40, variants=SOTW, types=PARTIAL)
async def what_did_not_change_is_not_sent(world: World) -> None:
    talk = await world.client(world.make("a"), world.make("b"))
    await world.update(world.make("b", "2"))
    got = await talk.becomes(world.type_url, world.make("a"), world.make("b", "2"))
    if got.names != {"b"}:
        raise Unmet(f"a {got} came, and b alone had changed")


@case(41, variants=SOTW, types=(CDS, LDS, EDS, RDS))
async def a_change_of_others_is_not_told(world: World) -> None:
    await world.set(world.make("a"), world.make("c"))
    talk = world.talk()
    await talk.want(world.type_url, "a")
    await talk.becomes(world.type_url, world.make("a"))
    await world.update(world.make("c", "2"))
    await world.remove(world.make("c"))
    await talk.silent()


@case(42, variants=SOTW, types=(CDS, LDS, EDS, RDS))
async def what_is_asked_for_again_is_sent_again(world: World) -> None:
    talk = await world.client(world.make("a"))
    await talk.drop(world.type_url, "a")
    await talk.want(world.type_url, "a")
    await talk.becomes(world.type_url, world.make("a"))


@case(43, variants=SOTW, types=(CDS, LDS, RDS, SDS))
async def a_name_that_is_missing_is_sent_when_it_is_there(world: World) -> None:
    talk = await world.client(world.make("a"))
    await talk.want(world.type_url, "b")
    await talk.settles(world.type_url, world.make("a"))
    await world.add(world.make("b"))
    await talk.becomes(world.type_url, world.make("a"), world.make("b"))


@case(44, variants=SOTW, types=FULL)
async def a_name_that_is_missing_is_answered(world: World) -> None:
    await world.set(make(EDS, "other"))
    talk = world.talk()
    await talk.want(world.type_url, "zz")
    await talk.becomes(world.type_url)


@case(45, variants=SOTW, types=FULL)
async def a_type_that_is_empty_is_answered(world: World) -> None:
    await world.set(make(EDS, "other"))
    talk = world.talk()
    await talk.want(world.type_url)
    await talk.becomes(world.type_url)


@case(46, variants=ALL, types=FULL)
async def a_group_that_is_unknown_is_not_answered(world: World) -> None:
    """The first response, when something is known, is not an empty one: so none came before it."""
    talk = world.talk()
    await talk.want(world.type_url)
    await world.set(world.make("x"), group=f"{world.group}-other")
    await world.set(world.make("a"))
    await talk.becomes(world.type_url, world.make("a"))


@case(47, variants=SOTW, types=(EDS,))
async def endpoints_that_are_missing_are_none(world: World) -> None:
    await world.set(make(CDS, "zz"))
    talk = world.talk()
    await talk.want(EDS, "zz")
    await talk.becomes(EDS, resource(EDS, "zz", {"cluster_name": "zz"}))
    await world.add(make(EDS, "zz"))
    await talk.becomes(EDS, make(EDS, "zz"))


@case(48, variants=SOTW, types=(EDS,))
async def much_comes_in_parts(world: World) -> None:
    heavy = [world.heavy(f"h{number}", 1 << 20) for number in range(6)]
    await world.set(*heavy)
    talk = world.talk()
    await talk.want(EDS, *(one.name for one in heavy))
    sizes = []
    while len(talk.known(EDS).holds) < len(heavy):
        sizes.append((await talk.take(EDS)).size)
    talk.has(EDS, *heavy)
    if max(sizes) > LIMIT:
        raise Unmet(f"responses of {sizes} bytes came, and a client may take {LIMIT}")


@case(35, variants=(SOTW_ADS,), types=(VHDS,))
async def no_names_is_no_virtual_host(world: World) -> None:
    await world.set(make(VHDS, "r/a"))
    talk = world.talk()
    await talk.want(VHDS)
    await talk.settles(VHDS)

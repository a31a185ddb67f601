"""H, J: names that do not exist, and names that stand for more than one resource or for one among several."""

from __future__ import annotations

from dataclasses import replace

from case import World, case
from resources import CDS, EDS, LDS, RDS, VHDS, Resource, make
from talk import Talk, Unmet
from variant import ALL, DELTA

NOT_FOUND, UNAVAILABLE = 5, 14
"""Of google.rpc.Code."""

TYPE = "envoy.config.endpoint.v3.ClusterLoadAssignment"


def xdstp(path: str, parameters: str = "") -> str:
    """An xdstp name of endpoints."""
    return f"xdstp://authority/{TYPE}/{path}{'?' * bool(parameters)}{parameters}"


def named(name: str, mark: str = "1") -> Resource:
    """Endpoints with an xdstp name."""
    return make(EDS, name, mark)


@case(94, variants=ALL, types=(CDS, LDS, RDS))
@case(94, variants=DELTA, types=(EDS,))
async def a_missing_name_is_an_error_of_its_own(world: World) -> None:
    talk = await world.client(world.make("a"))
    await talk.want(world.type_url, "zz")
    got = await talk.take(world.type_url)
    if got.errors != {"zz": NOT_FOUND}:
        raise Unmet(f"a {got} came with the errors {dict(got.errors)}, and zz is not there")
    await world.update(world.make("a", "2"))
    again = await talk.take(world.type_url)
    if again.errors:
        raise Unmet(f"a {again} says again that {sorted(again.errors)} is not there")


@case(95, variants=ALL, types=(CDS, RDS))
@case(95, variants=DELTA, types=(EDS,))
async def what_another_client_refused_is_not_available(world: World) -> None:
    await world.set(world.make("a"))
    first, second = world.talk(), world.talk(node=world.second())
    await first.want(world.type_url, "a")
    await first.nack(await first.read(world.type_url))
    await second.want(world.type_url, "a")
    got = await second.take(world.type_url)
    if got.errors != {"a": UNAVAILABLE} or world.make("a").value in got.bodies.values():
        raise Unmet(f"a {got} came with the errors {dict(got.errors)}, and a was refused by another client")


@case(100, variants=DELTA, types=(VHDS,))
async def an_alias_is_answered_with_the_resource(world: World) -> None:
    host = replace(make(VHDS, "r/all"), aliases=("r/a.example", "r/b.example"))
    await world.set(host)
    talk = world.talk()
    await talk.want(VHDS, "r/a.example")
    got = await talk.take(VHDS)
    found = [(one.name, one.value, "r/a.example" in one.aliases) for one in got.items]
    if found != [("r/all", host.value, True)]:
        raise Unmet(f"a {got} came with the aliases {[one.aliases for one in got.items]}, not r/all for r/a.example")


@case(100, variants=DELTA, types=(VHDS,))
async def an_alias_of_nothing_is_answered_without_a_body(world: World) -> None:
    await world.set(make(VHDS, "r/all"))
    talk = world.talk()
    await talk.want(VHDS, "r/unknown.example")
    got = await talk.take(VHDS)
    found = [("r/unknown.example" in (one.name, *one.aliases), one.value) for one in got.items]
    if found != [(True, None)]:
        raise Unmet(f"a {got} came, not one resource without a body for r/unknown.example")


@case(101, variants=DELTA)
async def a_cluster_on_demand_is_answered_at_once(world: World) -> None:
    await world.set(make(CDS, "a"), make(CDS, "b"))
    talk = world.talk()
    await talk.want(CDS, "a")
    await talk.becomes(CDS, make(CDS, "a"))
    await talk.want(CDS, "b")
    await talk.becomes(CDS, make(CDS, "a"), make(CDS, "b"))
    await _is_told_of_none(talk)


@case(101, variants=DELTA)
async def a_cluster_on_demand_beside_a_wildcard(world: World) -> None:
    talk = await world.client(make(CDS, "a"), wildcard=True)
    await _is_told_of_none(talk)
    talk.has(CDS, make(CDS, "a"))


async def _is_told_of_none(talk: Talk) -> None:
    await talk.want(CDS, "none")
    got = await talk.take(CDS)
    if "none" not in got.removed:
        raise Unmet(f"a {got} came, and it does not say that there is no cluster none")


@case(102, variants=DELTA, types=(EDS,))
async def a_glob_is_for_all_under_its_path(world: World) -> None:
    inside = [named(xdstp("some/a")), named(xdstp("some/b"))]
    await world.set(*inside, named(xdstp("other/a")), named(xdstp("some/a", "zone=1")), named("some/a"))
    talk = world.talk()
    await talk.want(EDS, xdstp("some/*"))
    await talk.becomes(EDS, *inside)
    await world.add(named(xdstp("some/c")))
    await talk.becomes(EDS, *inside, named(xdstp("some/c")))
    await world.update(named(xdstp("other/a"), "2"))
    await talk.silent()
    await world.remove(named(xdstp("some/c")))
    await talk.becomes(EDS, *inside)


@case(102, variants=DELTA, types=(EDS,))
async def a_glob_has_parameters_like_any_name(world: World) -> None:
    await world.set(named(xdstp("some/a")), named(xdstp("some/b", "zone=1")), named(xdstp("some/c", "zone=2")))
    talk = world.talk()
    await talk.want(EDS, xdstp("some/*", "zone=1"))
    await talk.becomes(EDS, named(xdstp("some/b", "zone=1")))


@case(103, variants=DELTA, types=(EDS,))
async def a_glob_that_matches_nothing_is_removed(world: World) -> None:
    await world.set(named(xdstp("other/a")))
    talk = world.talk()
    await talk.want(EDS, xdstp("some/*"))
    got = await talk.take(EDS)
    if got.removed != (xdstp("some/*"),):
        raise Unmet(f"a {got} came, and it does not say that nothing matches")
    await world.add(named(xdstp("some/a")))
    await talk.becomes(EDS, named(xdstp("some/a")))


@case(104, variants=ALL, types=(EDS,))
async def the_order_of_parameters_does_not_matter(world: World) -> None:
    """What comes has the name that the client asked for."""
    asked = xdstp("some/a", "shard=2&zone=1")
    await world.set(named(xdstp("some/a", "zone=1&shard=2")))
    talk = world.talk()
    await talk.want(EDS, asked)
    got = await talk.take(EDS)
    if len(got.bodies) != 1 or (world.dialect == "delta" and got.names != {asked}):
        raise Unmet(f"a {got} came, and {asked} was asked for")


@case(105, variants=DELTA, types=(EDS,))
async def what_is_not_served_disturbs_nothing(world: World) -> None:
    talk = await world.client(make(EDS, "a"))
    collection = "xdstp://authority/envoy.config.endpoint.v3.LbEndpointCollection/some"
    await talk.want(EDS, collection)
    locator = {"name": "b", "dynamic_parameters": {"zone": "1"}}
    await talk.send(EDS, resource_locators_subscribe=[locator], response_nonce=talk.known(EDS).nonce)
    await talk.rest()
    await world.update(make(EDS, "a", "2"))
    await talk.becomes(EDS, make(EDS, "a", "2"))

"""A: how a stream opens, who its node is, and which types it serves."""

from __future__ import annotations

from case import World, case
from grpc import StatusCode
from resources import CDS, EDS, LDS, RDS, SDS, make
from talk import Unmet
from variant import ADS, ALL, SINGLE

UNKNOWN = "type.googleapis.com/example.Unknown"


@case(1, variants=ADS)
async def a_request_without_a_type_ends_the_aggregated_stream(world: World) -> None:
    await world.set(make(CDS, "a"))
    talk = world.talk()
    await talk.send("")
    await talk.ends(StatusCode.INVALID_ARGUMENT)


@case(2, variants=SINGLE, types=(CDS, EDS, LDS, RDS))
async def a_single_type_stream_knows_its_type(world: World) -> None:
    await world.set(make(world.type_url, "a"))
    talk = world.talk()
    await talk.send("", **{"resource_names" if world.dialect == "sotw" else "resource_names_subscribe": ["a"]})
    await talk.becomes(world.type_url, make(world.type_url, "a"))


@case(3, variants=SINGLE, types=(CDS, EDS, LDS, RDS))
async def a_single_type_stream_serves_no_other_type(world: World) -> None:
    other = RDS if world.type_url == EDS else EDS
    await world.set(make(world.type_url, "a"), make(other, "a"))
    talk = world.talk()
    await talk.want(other, "a")
    await talk.ends(StatusCode.INVALID_ARGUMENT)


@case(4, variants=ADS)
async def the_node_of_the_first_message_counts_for_all_types(world: World) -> None:
    await world.set(make(CDS, "a"), make(LDS, "b"))
    talk = world.talk()
    await talk.want(CDS)
    await talk.becomes(CDS, make(CDS, "a"))
    await talk.want(LDS)
    await talk.becomes(LDS, make(LDS, "b"))


@case(5, variants=ALL)
async def a_later_node_never_changes_the_group(world: World) -> None:
    other = f"{world.group}-other"
    await world.set(make(CDS, "a"))
    await world.set(make(CDS, "secret"), group=other)
    talk = world.talk()
    await talk.want(CDS)
    await talk.becomes(CDS, make(CDS, "a"))
    foreign = {"id": other, "cluster": other}
    await talk.send(CDS, node=foreign, response_nonce=talk.known(CDS).nonce)
    await world.update(make(CDS, "a", "2"))
    await world.set(make(CDS, "secret", "2"), group=other)
    if talk.status is None:
        await talk.becomes(CDS, make(CDS, "a", "2"))


@case(6, variants=ALL)
async def a_stream_without_a_node_is_refused(world: World) -> None:
    await world.set(make(CDS, "a"))
    for node in ({}, {"cluster": world.group}):
        talk = world.talk(node=node)
        await talk.want(CDS)
        await talk.ends(StatusCode.INVALID_ARGUMENT)


@case(7, variants=ADS, types=(EDS, LDS))
async def the_node_may_come_with_any_type(world: World) -> None:
    await world.set(make(world.type_url, "a"), make(CDS, "c"))
    talk = world.talk()
    await talk.want(world.type_url, "a")
    await talk.becomes(world.type_url, make(world.type_url, "a"))


@case(8, variants=ADS)
async def an_unknown_type_disturbs_nothing(world: World) -> None:
    await world.set(make(CDS, "a"))
    talk = world.talk()
    await talk.want(CDS)
    await talk.becomes(CDS, make(CDS, "a"))
    await talk.want(UNKNOWN, "x")
    await world.update(make(CDS, "a", "2"))
    await talk.accept(await talk.find(CDS))
    talk.has(CDS, make(CDS, "a", "2"))


@case(9, variants=ADS)
async def each_type_goes_its_own_way(world: World) -> None:
    """What is unanswered of one type says nothing of the others, and the nonce of one is none of another."""
    await world.set(make(CDS, "a"), make(SDS, "s"))
    talk = world.talk()
    await talk.want(CDS, "a")
    await talk.becomes(CDS, make(CDS, "a"))
    await talk.want(SDS, "s")
    await talk.becomes(SDS, make(SDS, "s"))
    await world.update(make(CDS, "a", "2"))
    unanswered = await talk.read(CDS)
    await world.update(make(SDS, "s", "2"))
    await talk.becomes(SDS, make(SDS, "s", "2"))
    if world.dialect == "sotw":
        await talk.send(CDS, resource_names=["a"], response_nonce=talk.known(SDS).nonce)
    await talk.silent()
    await talk.accept(unanswered)
    await world.update(make(CDS, "a", "3"))
    await talk.becomes(CDS, make(CDS, "a", "3"))
    talk.has(SDS, make(SDS, "s", "2"))


@case(10, variants=ALL)
async def no_nonce_comes_twice(world: World) -> None:
    await world.set(make(CDS, "a"))
    nonces = []
    for _ in range(2):
        talk = world.talk()
        await talk.want(CDS)
        nonces.append((await talk.take(CDS)).nonce)
    await world.update(make(CDS, "a", "2"))
    nonces += [(await talk.take(CDS)).nonce for talk in world.talks]
    if not all(nonces) or len(set(nonces)) < len(nonces):
        raise Unmet(f"the nonces of two streams are {nonces}")


@case(11, variants=ALL)
async def the_control_plane_names_itself(world: World) -> None:
    await world.set(make(CDS, "a"))
    talk = world.talk()
    await talk.want(CDS)
    if not (await talk.take(CDS)).identifier:
        raise Unmet("control_plane.identifier is empty")

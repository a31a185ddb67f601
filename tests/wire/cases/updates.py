"""B: versions, nonces, ACK and NACK in state of the world; what of it holds in delta as well is asked there, too."""

from __future__ import annotations

from case import World, case
from resources import CDS, EDS, LDS, RDS
from talk import Unmet
from variant import ALL, SOTW

EVERY = (CDS, EDS, LDS, RDS)
MANY = 100
"""Times that a refused response may come again, before it is too often to wait for the next one."""


@case(13, variants=SOTW, types=EVERY)
async def a_first_request_is_answered_with_all_that_it_names(world: World) -> None:
    await world.set(world.make("a"), world.make("b"), world.make("c"))
    talk = world.talk()
    await talk.want(world.type_url, "a", "b")
    got = await talk.becomes(world.type_url, world.make("a"), world.make("b"))
    if not got.version or not got.nonce:
        raise Unmet(f"version {got.version!r}, nonce {got.nonce!r}: neither may be empty")
    await talk.silent()


@case(14, variants=ALL, types=EVERY)
async def an_ack_is_not_answered(world: World) -> None:
    talk = await world.client(world.make("a"))
    await talk.silent()
    await world.update(world.make("a", "2"))
    await talk.becomes(world.type_url, world.make("a", "2"))
    await talk.silent()


@case(15, 68, variants=ALL, types=EVERY)
async def a_refused_update_is_not_sent_again(world: World) -> None:
    talk = await world.client(world.make("a"))
    await world.update(world.make("a", "2"))
    await talk.nack(await talk.read(world.type_url))
    await talk.silent()
    await world.set(world.make("a", "2"))
    await talk.silent()


@case(16, 68, variants=ALL, types=EVERY)
async def a_refused_first_response_is_not_sent_again(world: World) -> None:
    await world.set(world.make("a"))
    talk = world.talk()
    await talk.want(world.type_url, "a")
    refused = await talk.read(world.type_url)
    await talk.nack(refused)
    for got in (*await talk.rest(), *await talk.rest()):  # it may be told, once, that there is none
        if got.bodies.items() & refused.bodies.items():
            raise Unmet(f"a {got} came, which was refused")


@case(17, variants=SOTW, types=EVERY)
async def an_old_version_is_no_refusal(world: World) -> None:
    """Only `error_detail` tells a refusal: what came with the nonce is accepted, and taken back when it changes back."""
    first, second = world.make("a"), world.make("a", "2")
    talk = await world.client(first)
    await world.set(second, world.make("b"))
    got = await talk.read(world.type_url)
    talk.take_over(got)
    await talk.want(world.type_url, "b", response_nonce=got.nonce)
    await talk.becomes(world.type_url, second, world.make("b"))
    await world.update(first)
    await talk.becomes(world.type_url, first, world.make("b"))


@case(18, 68, variants=ALL, types=EVERY)
async def what_follows_a_refused_update_is_sent(world: World) -> None:
    """It may come after what was refused has come again, which is the matter of another row."""
    talk = await world.client(world.make("a"))
    await world.update(world.make("a", "2"))
    refused = await talk.read(world.type_url)
    await talk.nack(refused)
    await world.update(world.make("a", "3"))
    for _ in range(MANY):
        if (got := await talk.read(world.type_url)).bodies != refused.bodies:
            break
        await talk.nack(got)
    await talk.accept(got)
    talk.has(world.type_url, world.make("a", "3"))
    await talk.silent()


@case(19, variants=SOTW, types=(CDS, EDS))
async def a_change_back_after_a_refusal_leaves_what_there_was(world: World) -> None:
    talk = await world.client(world.make("a"))
    await world.update(world.make("a", "2"))
    await talk.nack(await talk.read(world.type_url))
    await world.update(world.make("a"))
    await talk.settles(world.type_url, world.make("a"))
    await world.update(world.make("a", "3"))
    await talk.becomes(world.type_url, world.make("a", "3"))


@case(21, variants=SOTW, types=(CDS, EDS))
async def a_request_with_an_old_nonce_is_not_answered(world: World) -> None:
    talk = await world.client(world.make("a"))
    old = talk.known(world.type_url).nonce
    await world.update(world.make("a", "2"))
    got = await talk.read(world.type_url)
    await talk.send(world.type_url, resource_names=["a"], response_nonce=old)
    await talk.silent()
    await talk.accept(got)
    await talk.silent()
    talk.has(world.type_url, world.make("a", "2"))


@case(22, variants=SOTW, types=(CDS, EDS))
async def names_of_a_request_with_an_old_nonce_are_served_in_the_end(world: World) -> None:
    talk = await world.client(world.make("a"))
    old = talk.known(world.type_url).nonce
    await world.set(world.make("a", "2"), world.make("b"))
    got = await talk.read(world.type_url)
    await talk.send(world.type_url, resource_names=["a", "b"], response_nonce=old)
    talk.known(world.type_url).names.append("b")
    await talk.accept(got)
    await talk.settles(world.type_url, world.make("a", "2"), world.make("b"))


@case(23, variants=SOTW, types=EVERY)
async def names_may_be_added_with_the_nonce_of_the_last_ack(world: World) -> None:
    await world.set(world.make("a"), world.make("b"))
    talk = world.talk()
    await talk.want(world.type_url, "a")
    await talk.becomes(world.type_url, world.make("a"))
    await talk.want(world.type_url, "b")
    await talk.becomes(world.type_url, world.make("a"), world.make("b"))
    await talk.silent()


@case(24, variants=SOTW, types=(CDS, EDS))
async def a_request_without_a_nonce_is_stale_after_a_response(world: World) -> None:
    talk = await world.client(world.make("a"))
    await talk.send(world.type_url, resource_names=["a"])
    await talk.silent()


@case(25, 71, variants=ALL, types=(CDS, EDS))
async def changes_wait_for_the_answer_and_come_as_one(world: World) -> None:
    talk = await world.client(world.make("a"))
    await world.update(world.make("a", "2"))
    got = await talk.read(world.type_url)
    await world.update(world.make("a", "3"))
    await world.update(world.make("a", "4"))
    await talk.silent()
    await talk.accept(got)
    await talk.becomes(world.type_url, world.make("a", "4"))
    await talk.silent()


@case(26, 56, variants=ALL, types=EVERY)
async def the_same_content_is_no_change(world: World) -> None:
    resources = [world.make("a"), world.make("b")]
    talk = await world.client(*resources)
    await world.set(*reversed(resources))
    await talk.silent()


@case(27, variants=ALL, types=(CDS, EDS))
async def a_name_that_is_asked_for_twice_comes_once(world: World) -> None:
    await world.set(world.make("a"))
    talk = world.talk()
    field = "resource_names" if world.dialect == "sotw" else "resource_names_subscribe"
    await talk.send(world.type_url, **{field: ["a", "a", "*", "a"]})
    got = await talk.becomes(world.type_url, world.make("a"))
    if len(got.items) != 1 or "a" in got.removed:
        raise Unmet(f"a {got} came, with {len(got.items)} resources")


@case(28, variants=ALL, types=EVERY)
async def every_body_is_of_the_response_s_type(world: World) -> None:
    await world.set(world.make("a"), world.make("b"))
    talk = world.talk()
    await talk.want(world.type_url, "a", "b")
    got = await talk.take(world.type_url)
    if wrong := {one.type_url for one in got.items} - {world.type_url}:
        raise Unmet(f"a {got} holds {sorted(wrong)}")


@case(29, variants=SOTW, types=(CDS, EDS))
async def the_version_follows_from_the_content(world: World) -> None:
    await world.set(world.make("a"))
    await world.set(world.make("x"), group=f"{world.group}-other")
    await world.set(world.make("a"), group=f"{world.group}-other")
    versions = set()
    for group in (world.group, f"{world.group}-other"):
        talk = world.talk(node={"id": group, "cluster": group})
        await talk.want(world.type_url, "a")
        versions.add((await talk.take(world.type_url)).version)
    if len(versions) > 1:
        raise Unmet(f"the same content has the versions {sorted(versions)}")

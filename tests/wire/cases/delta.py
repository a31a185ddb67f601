"""E, F: delta: what its responses hold, what the versions of a client are worth, and how names are added and dropped."""

from __future__ import annotations

from case import World, case
from resources import CDS, EDS, LDS, RDS, cluster, endpoints, make
from talk import Talk, Unmet
from traces import Got
from variant import DELTA, DELTA_ADS

EVERY = (CDS, LDS, EDS, RDS)
FULL = (CDS, LDS)


def lists(got: Got, *names: str, removed: tuple[str, ...] = ()) -> None:
    """The response has exactly these names, and these as removed."""
    if got.names != set(names) or sorted(got.removed) != sorted(removed):
        raise Unmet(f"a {got} came, and it should have {sorted(names)}, removed {sorted(removed)}")


async def back(world: World, *names: str, **held: str) -> Talk:
    """A new stream of a client that holds these versions."""
    talk = world.talk()
    await talk.want(world.type_url, *names, initial_resource_versions=held)
    return talk


def versions(got: Got) -> dict[str, str]:
    """Name -> version of what a response brings."""
    return {one.name: one.version for one in got.items}


@case(53, variants=DELTA, types=EVERY)
async def a_response_has_name_version_and_body(world: World) -> None:
    await world.set(world.make("a"), world.make("b"), world.make("c"))
    talk = world.talk()
    await talk.want(world.type_url, "a", "b")
    got = await talk.becomes(world.type_url, world.make("a"), world.make("b"))
    if not got.nonce or not all(one.version and one.name for one in got.items):
        raise Unmet(f"nonce {got.nonce!r}, versions {versions(got)}: none may be empty")


@case(54, variants=DELTA, types=EVERY)
async def what_changed_is_sent_alone(world: World) -> None:
    talk = await world.client(world.make("a"), world.make("b"), wildcard=world.type_url in FULL)
    await world.update(world.make("b", "2"))
    lists(await talk.becomes(world.type_url, world.make("a"), world.make("b", "2")), "b")
    await talk.silent()


@case(55, variants=DELTA, types=EVERY)
async def a_removal_is_told(world: World) -> None:
    talk = await world.client(world.make("a"), world.make("b"), wildcard=world.type_url in FULL)
    await world.remove(world.make("a"))
    lists(await talk.becomes(world.type_url, world.make("b")), removed=("a",))
    await talk.silent()


@case(57, variants=DELTA, types=(CDS, EDS))
async def the_version_of_a_resource_follows_from_its_bytes(world: World) -> None:
    other = f"{world.group}-other"
    await world.set(world.make("a"), world.make("b"))
    await world.set(world.make("a", "before"), group=other)
    await world.set(world.make("a"), group=other)
    found = set()
    for group in (world.group, world.group, other):
        talk = world.talk(node={"id": group, "cluster": group})
        await talk.want(world.type_url, "a")
        found.add(versions(await talk.take(world.type_url))["a"])
    if len(found) > 1:
        raise Unmet(f"the same bytes have the versions {sorted(found)}")


@case(58, variants=DELTA, types=FULL)
async def a_wildcard_that_matches_nothing_is_answered(world: World) -> None:
    await world.set(make(EDS, "other"))
    talk = world.talk()
    await talk.want(world.type_url)
    lists(await talk.becomes(world.type_url))
    await talk.silent()


@case(59, variants=DELTA, types=EVERY)
async def a_name_that_does_not_exist_is_removed_until_it_does(world: World) -> None:
    talk = await world.client(world.make("a"))
    await talk.want(world.type_url, "zz")
    lists(await talk.becomes(world.type_url, world.make("a")), removed=("zz",))
    await talk.silent()
    await world.add(world.make("zz"))
    await talk.becomes(world.type_url, world.make("a"), world.make("zz"))


@case(60, variants=DELTA, types=EVERY)
async def a_name_is_sent_when_it_is_created(world: World) -> None:
    await world.set(make(CDS, "other"))
    talk = world.talk()
    await talk.want(world.type_url, "zz")
    await talk.settles(world.type_url)
    await world.add(world.make("zz"))
    await talk.becomes(world.type_url, world.make("zz"))


@case(61, variants=DELTA, types=EVERY)
async def a_name_that_is_subscribed_again_is_sent_again(world: World) -> None:
    talk = await world.client(world.make("a"), world.make("b"))
    await talk.want(world.type_url, "a")
    lists(await talk.becomes(world.type_url, world.make("a"), world.make("b")), "a")
    await talk.silent()


@case(62, variants=DELTA, types=EVERY)
async def a_wildcard_that_is_subscribed_again_is_sent_again(world: World) -> None:
    await world.set(world.make("a"), world.make("b"))
    talk = world.talk()
    await talk.want(world.type_url, "*")
    await talk.becomes(world.type_url, world.make("a"), world.make("b"))
    await talk.want(world.type_url, "*")
    lists(await talk.becomes(world.type_url, world.make("a"), world.make("b")), "a", "b")
    await talk.silent()


@case(63, variants=DELTA, types=FULL)
async def versions_that_are_current_are_not_sent(world: World) -> None:
    await world.set(world.make("a"), world.make("b"))
    first = world.talk()
    await first.want(world.type_url, "*")
    held = versions(await first.take(world.type_url))
    await world.update(world.make("b", "2"))
    talk = await back(world, "*", **held)
    lists(await talk.becomes(world.type_url, world.make("b", "2")), "b")
    await talk.silent()
    talk = await back(world, "a", a=held["a"])
    await talk.silent()


@case(64, variants=DELTA, types=FULL)
async def a_version_of_what_is_gone_is_removed(world: World) -> None:
    first = await world.client(world.make("a"), world.make("b"), wildcard=True)
    await world.remove(world.make("b"))
    await first.becomes(world.type_url, world.make("a"))
    for names in (("*",), ("a", "b")):
        talk = await back(world, *names, b="1")
        lists(await talk.becomes(world.type_url, world.make("a")), "a", removed=("b",))


@case(65, variants=DELTA, types=EVERY)
async def a_version_of_what_is_not_subscribed_is_no_error(world: World) -> None:
    await world.set(world.make("a"), world.make("b"))
    talk = await back(world, "a", b="1", zz="1")
    got = await talk.becomes(world.type_url, world.make("a"))
    lists(got, "a", removed=got.removed)  # it may say that these are removed
    await world.update(world.make("b", "2"))
    await talk.silent()


@case(66, variants=(DELTA_ADS,), types=(EDS,))
async def endpoints_are_sent_to_a_client_that_comes_back_warming(world: World) -> None:
    await world.set(make(EDS, "a"))
    first = world.talk()
    await first.want(EDS, "a")
    held = versions(await first.take(EDS))
    first.call.cancel()
    talk = await back(world, "a", **held)
    await talk.becomes(EDS, make(EDS, "a"))


@case(67, variants=DELTA, types=(CDS, EDS))
async def names_count_whatever_the_nonce(world: World) -> None:
    talk = await world.client(world.make("a"))
    old = talk.known(world.type_url).nonce
    await world.set(world.make("a", "2"), world.make("b"))
    got = await talk.read(world.type_url)
    await talk.want(world.type_url, "b", response_nonce=old)
    await talk.accept(got)
    await talk.becomes(world.type_url, world.make("a", "2"), world.make("b"))


@case(69, variants=DELTA, types=EVERY)
async def all_that_was_refused_is_owed(world: World) -> None:
    """The client may have dropped what was good in a refused response."""
    talk = await world.client(world.make("a"), world.make("b"))
    await world.update(world.make("a", "2"), world.make("b", "2"))
    await talk.nack(await talk.read(world.type_url), "b: it does not please me")
    await world.update(world.make("b", "3"))
    await talk.settles(world.type_url, world.make("a", "2"), world.make("b", "3"))


@case(70, variants=DELTA, types=(CDS, EDS))
async def an_ack_may_subscribe_and_unsubscribe(world: World) -> None:
    talk = await world.client(world.make("a"), world.make("b"))
    await world.set(world.make("a", "2"), world.make("b"), world.make("c"))
    got = await talk.read(world.type_url)
    talk.take_over(got)
    known = talk.known(world.type_url)
    known.names, known.unanswered = ["a", "c"], False
    known.holds.pop("b")
    fields = {"resource_names_subscribe": ["c"], "resource_names_unsubscribe": ["b"]}
    await talk.send(world.type_url, response_nonce=got.nonce, **fields)
    await talk.becomes(world.type_url, world.make("a", "2"), world.make("c"))
    await world.update(world.make("b", "2"))
    await talk.silent()


@case(71, variants=(DELTA_ADS,))
async def endpoints_do_not_wait_for_their_cluster(world: World) -> None:
    await world.set(cluster("a"), endpoints("a"))
    talk = world.talk()
    await talk.want(CDS)
    await talk.becomes(CDS, cluster("a"))
    await talk.want(EDS, "a")
    await talk.becomes(EDS, endpoints("a"))
    await world.set(cluster("a", "2"), endpoints("a", "2"))
    unanswered = await talk.read(CDS)
    await talk.becomes(EDS, endpoints("a", "2"))
    await talk.accept(unanswered)
    await talk.silent()


@case(72, variants=DELTA, types=EVERY)
async def nothing_at_first_is_everything_for_some_types(world: World) -> None:
    await world.set(world.make("a"), world.make("b"))
    talk = world.talk()
    await talk.want(world.type_url)
    if world.type_url in FULL:
        await talk.becomes(world.type_url, world.make("a"), world.make("b"))
    else:
        await talk.settles(world.type_url)


@case(73, 74, 75, variants=DELTA, types=FULL)
async def a_wildcard_and_a_name_go_one_by_one(world: World) -> None:
    await world.set(world.make("a"), world.make("b"))
    talk = world.talk()
    await talk.want(world.type_url)
    await talk.becomes(world.type_url, world.make("a"), world.make("b"))
    await talk.want(world.type_url, "a")
    await talk.settles(world.type_url, world.make("a"), world.make("b"))
    await world.update(world.make("b", "2"))
    await talk.settles(world.type_url, world.make("a"), world.make("b", "2"))
    talk.known(world.type_url).legacy = False
    await talk.drop(world.type_url, "*")
    await talk.settles(world.type_url, world.make("a"))
    await world.update(world.make("a", "3"), world.make("b", "3"))
    await talk.settles(world.type_url, world.make("a", "3"))
    await talk.drop(world.type_url, "a")
    await talk.settles(world.type_url)
    await world.update(world.make("a", "4"), world.make("b", "4"))
    await talk.silent()


@case(76, variants=DELTA, types=EVERY)
async def what_only_the_wildcard_covered_is_silent_without_it(world: World) -> None:
    await world.set(world.make("a"), world.make("b"))
    talk = world.talk()
    await talk.want(world.type_url, "*", "a")
    await talk.becomes(world.type_url, world.make("a"), world.make("b"))
    await talk.drop(world.type_url, "*")
    await talk.settles(world.type_url, world.make("a"))
    await world.update(world.make("b", "2"))
    await talk.silent()
    await world.update(world.make("a", "2"))
    lists(await talk.becomes(world.type_url, world.make("a", "2")), "a")


@case(77, variants=DELTA, types=EVERY)
async def a_name_that_the_wildcard_covers_is_sent_when_it_is_dropped(world: World) -> None:
    await world.set(world.make("a"), world.make("b"))
    talk = world.talk()
    await talk.want(world.type_url, "*", "a", "zz")
    await talk.settles(world.type_url, world.make("a"), world.make("b"))
    await talk.drop(world.type_url, "a")
    lists(await talk.becomes(world.type_url, world.make("a"), world.make("b")), "a")
    await talk.drop(world.type_url, "zz")
    lists(await talk.becomes(world.type_url, world.make("a"), world.make("b")), removed=("zz",))


@case(78, variants=DELTA, types=EVERY)
async def a_name_that_was_dropped_is_silent(world: World) -> None:
    talk = await world.client(world.make("a"), world.make("b"))
    await talk.drop(world.type_url, "a")
    await talk.settles(world.type_url, world.make("b"))
    await world.update(world.make("a", "2"))
    await talk.silent()
    await world.update(world.make("b", "2"))
    lists(await talk.becomes(world.type_url, world.make("b", "2")), "b")


@case(79, variants=DELTA, types=EVERY)
async def dropping_what_was_never_asked_for_is_nothing(world: World) -> None:
    talk = await world.client(world.make("a"))
    await talk.drop(world.type_url, "zz")
    await talk.settles(world.type_url, world.make("a"))
    await world.update(world.make("a", "2"))
    await talk.becomes(world.type_url, world.make("a", "2"))


@case(80, variants=DELTA, types=EVERY)
async def a_name_both_added_and_dropped_is_dropped(world: World) -> None:
    talk = await world.client(world.make("a"))
    await world.add(world.make("b"))
    await talk.send(world.type_url, resource_names_subscribe=["b"], resource_names_unsubscribe=["b"])
    await talk.rest()
    await world.update(world.make("b", "2"))
    await talk.silent()

"""G: what is sent before what, so that no client ever has a name without what it stands for."""

from __future__ import annotations

from case import World, case
from resources import CDS, EDS, LDS, RDS, SDS, SRDS, Resource, cluster, endpoints, listener, make, route, scope, secured
from talk import Talk, Unmet
from traces import short
from variant import ADS, DELTA_ADS, SINGLE, SOTW_ADS

ORDER = (CDS, EDS, LDS, RDS)

Site = tuple[Resource, ...]


def site(to: str, mark: str = "1") -> Site:
    """A listener, a route to one cluster, and the cluster with its endpoints."""
    return cluster(to, mark), endpoints(to, mark), listener("l", "r", mark), route("r", to, mark)


async def visit(world: World, *resources: Resource, endpoints_of: tuple[str, ...]) -> Talk:
    """A client of all types that has a site: it asks for one after the other, as Envoy does."""
    await world.set(*resources)
    talk = world.talk()
    wanted = {CDS: (), EDS: endpoints_of, LDS: (), RDS: ("r",)}
    for type_url, names in wanted.items():
        await talk.want(type_url, *names)
        await talk.becomes(type_url, *(one for one in resources if one.type_url == type_url))
    return talk


async def repoint(world: World) -> Talk:
    """A client that has a site with a route to x, at the moment when it goes to y, and x is gone."""
    talk = await visit(world, *site("x"), endpoints_of=("x",))
    await talk.want(EDS, "y")
    await talk.rest()
    await world.set(*site("y", "2"))
    return talk


def missing(talk: Talk) -> bool:
    """Whether the client has a route to a cluster that it does not have."""
    to = {name for name in "xyz" if talk.known(RDS).holds.get("r") in (route("r", name).value, route("r", name, "2").value)}
    return not to <= talk.known(CDS).holds.keys()


@case(81, variants=ADS)
async def types_come_in_the_order_of_their_references(world: World) -> None:
    talk = await visit(world, *site("x"), endpoints_of=("x",))
    await world.set(*site("x", "2"))
    came = [got.type_url for got in await talk.rest() if got.names]
    first = list(dict.fromkeys(came))
    if first != list(ORDER):
        raise Unmet(f"the types came as {[short(one) for one in first]}, not {[short(one) for one in ORDER]}")


@case(82, 83, variants=ADS)
async def a_route_never_lacks_its_cluster(world: World) -> None:
    talk = await repoint(world)
    unanswered = await talk.read(CDS)
    await talk.rest()
    talk.has(RDS, route("r", "x"))
    await talk.accept(unanswered)
    for _ in range(12):
        if talk.known(RDS).holds["r"] == route("r", "y", "2").value and talk.known(CDS).holds.keys() == {"y"}:
            break
        await talk.accept(await talk.next())
        if missing(talk):
            raise Unmet("the client has a route to a cluster that it does not have")
    await talk.settles(CDS, cluster("y", "2"))
    talk.has(RDS, route("r", "y", "2"))
    talk.has(LDS, listener("l", "r", "2"))


@case(83, variants=ADS)
async def the_old_cluster_stays_until_the_route_is_accepted(world: World) -> None:
    talk = await repoint(world)
    unanswered = await talk.find(RDS)
    if "x" not in talk.known(CDS).holds:
        raise Unmet("cluster x was taken away before the route to y was sent")
    talk.take_over(unanswered)
    await talk.silent()
    await talk.ack(unanswered)
    await talk.settles(CDS, cluster("y", "2"))


@case(84, variants=ADS)
async def a_cluster_goes_after_what_names_it(world: World) -> None:
    talk = await visit(world, *site("x"), endpoints_of=("x",))
    await world.set(make(CDS, "other"))
    while (got := await talk.next()).type_url not in (LDS, RDS):
        await talk.accept(got)
    if "x" not in talk.known(CDS).holds:
        raise Unmet("cluster x was taken away before the listener and the route")
    await talk.accept(got)
    await talk.drop(RDS, "r")  # as Envoy does, when no listener names it
    await talk.settles(CDS, make(CDS, "other"))


@case(85, variants=ADS)
async def a_refused_cluster_stops_the_route_to_it(world: World) -> None:
    talk = await repoint(world)
    refused = await talk.read(CDS)
    await talk.rest()
    talk.has(RDS, route("r", "x"))
    await talk.nack(refused, "cluster y: it does not please me")
    await talk.settles(RDS, route("r", "x"))
    await world.set(*site("z", "2"))
    await talk.want(EDS, "z")
    await talk.settles(RDS, route("r", "z", "2"))
    talk.has(CDS, cluster("z", "2"))


@case(86, variants=ADS)
async def types_that_nobody_asks_for_hold_up_nothing(world: World) -> None:
    await world.set(*site("x"))
    talk = world.talk()
    await talk.want(LDS)
    await talk.becomes(LDS, listener("l", "r"))
    await talk.want(RDS, "r")
    await talk.becomes(RDS, route("r", "x"))
    await world.set(*site("y"))
    await talk.accept(await talk.find(RDS))
    talk.has(RDS, route("r", "y"))


@case(87, variants=(SOTW_ADS,))
async def endpoints_of_a_changed_cluster_are_sent_again_when_asked(world: World) -> None:
    talk = await visit(world, *site("x"), endpoints_of=("x",))
    await world.update(cluster("x", "2"))
    unanswered = await talk.read(CDS)
    await talk.want(EDS, "x")  # byte for byte its last ACK
    await talk.becomes(EDS, endpoints("x"))
    await talk.accept(unanswered)
    await talk.silent()


@case(88, variants=(DELTA_ADS,))
async def endpoints_of_a_changed_cluster_are_sent_again(world: World) -> None:
    talk = await visit(world, *site("x"), endpoints_of=("x",))
    await world.update(cluster("x", "2"))
    unanswered = await talk.read(CDS)
    got = await talk.becomes(EDS, endpoints("x"))
    if got.names != {"x"}:
        raise Unmet(f"a {got} came, without the endpoints of x")
    await talk.accept(unanswered)
    await talk.silent()


@case(89, variants=ADS)
async def endpoints_with_a_name_of_their_own_are_sent_again(world: World) -> None:
    await world.set(cluster("x", service="s"), endpoints("s"))
    talk = world.talk()
    await talk.want(CDS)
    await talk.becomes(CDS, cluster("x", service="s"))
    await talk.want(EDS, "s")
    await talk.becomes(EDS, endpoints("s"))
    await world.update(cluster("x", "2", service="s"))
    unanswered = await talk.read(CDS)
    if world.dialect == "sotw":
        await talk.want(EDS, "s")
    got = await talk.becomes(EDS, endpoints("s"))
    if got.names != {"s"}:
        raise Unmet(f"a {got} came, without the endpoints s")
    await talk.accept(unanswered)


@case(90, variants=ADS)
async def the_secret_of_a_changed_cluster_is_sent_again(world: World) -> None:
    await world.set(secured("x", "s"), make(SDS, "s"))
    talk = world.talk()
    await talk.want(CDS)
    await talk.becomes(CDS, secured("x", "s"))
    await talk.want(SDS, "s")
    await talk.becomes(SDS, make(SDS, "s"))
    await world.update(secured("x", "s", "2"))
    unanswered = await talk.read(CDS)
    if world.dialect == "sotw":
        await talk.want(SDS, "s")
    got = await talk.becomes(SDS, make(SDS, "s"))
    if got.names != {"s"}:
        raise Unmet(f"a {got} came, without the secret s")
    await talk.accept(unanswered)


@case(92, variants=ADS)
async def endpoints_that_no_cluster_names_are_served(world: World) -> None:
    await world.set(cluster("x"), endpoints("x"), endpoints("local"), endpoints("unused"))
    talk = world.talk()
    await talk.want(CDS)
    await talk.becomes(CDS, cluster("x"))
    await talk.want(EDS, "x", "local")
    await talk.becomes(EDS, endpoints("x"), endpoints("local"))


@case(93, variants=SINGLE)
async def streams_of_one_type_are_right_by_themselves(world: World) -> None:
    await world.set(cluster("x"), endpoints("x"))
    clusters, assignments = world.talk(type_url=CDS), world.talk(type_url=EDS)
    await clusters.want(CDS, "x")
    await clusters.becomes(CDS, cluster("x"))
    await assignments.want(EDS, "x")
    await assignments.becomes(EDS, endpoints("x"))
    await world.set(cluster("x", "2"), endpoints("x", "2"))
    await clusters.becomes(CDS, cluster("x", "2"))
    await assignments.becomes(EDS, endpoints("x", "2"))


@case(108, variants=ADS)
async def scoped_routes_and_their_routes_come_together(world: World) -> None:
    await world.set(scope("s", "r"), route("r", "x"), cluster("x"), endpoints("x"))
    talk = world.talk()
    for type_url, names, wanted in ((CDS, (), cluster("x")), (SRDS, (), scope("s", "r")), (RDS, ("r",), route("r", "x"))):
        await talk.want(type_url, *names)
        await talk.becomes(type_url, wanted)
    await talk.want(RDS, "q")
    await talk.rest()
    await world.set(scope("s", "q"), route("q", "y"), cluster("y"), endpoints("y"))
    await talk.settles(SRDS, scope("s", "q"))
    await talk.drop(RDS, "r")
    await talk.rest()
    talk.has(CDS, cluster("y"))
    if talk.known(RDS).holds.get("q") != route("q", "y").value:
        raise Unmet("the scope names the routes q, which did not come")

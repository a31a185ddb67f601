"""N: gRPC clients without a proxy. They speak state of the world on the aggregated stream, and ask for all by name."""

from __future__ import annotations

from case import World, case
from resources import CDS, EDS, LDS, PREFIX, RDS, Resource, cluster, endpoints, make, resource, route
from variant import SOTW_ADS

MANAGER = PREFIX + "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
ROUTER = PREFIX + "envoy.extensions.filters.http.router.v3.Router"

NAMES = (
    "greeter.example:50051",
    "grpc/server?xds.resource.listening_address=0.0.0.0:50051",
    "grpc/server?xds.resource.listening_address=[::]:50051",
    "50%25/of all%3F",
)


def api_listener(name: str, routes: dict[str, object]) -> Resource:
    """A listener for a client: no address, no filter chain."""
    router = {"name": "router", "typed_config": {"@type": ROUTER}}
    manager = {"@type": MANAGER, "http_filters": [router], **routes}
    return resource(LDS, name, {"name": name, "api_listener": {"api_listener": manager}})


def service(name: str, mark: str = "1") -> dict[str, Resource]:
    """All that a client needs for one target, by type, in the order in which it asks."""
    rds = {"rds": {"route_config_name": name, "config_source": {"ads": {}, "resource_api_version": "V3"}}}
    return {
        LDS: api_listener(name, rds),
        RDS: route(name, name, mark),
        CDS: cluster(name, mark),
        EDS: endpoints(name, mark),
    }


@case(125, variants=(SOTW_ADS,))
async def a_target_is_followed_name_by_name(world: World) -> None:
    """Each answer has what was asked for, and nothing of another target."""
    await world.set(*service("a").values(), *service("b").values())
    talk = world.talk()
    for type_url, one in service("a").items():
        await talk.want(type_url, "a")
        await talk.becomes(type_url, one)


@case(125, variants=(SOTW_ADS,), types=(LDS, RDS, CDS, EDS))
async def an_empty_list_unsubscribes(world: World) -> None:
    talk = await world.client(world.make("a"))
    await talk.drop(world.type_url, "a")
    await talk.silent()
    await world.update(world.make("a", "2"))
    await talk.silent()


@case(126, variants=(SOTW_ADS,))
async def a_listener_has_the_name_of_a_target_or_an_address(world: World) -> None:
    listeners = [make(LDS, name) for name in NAMES]
    await world.set(*listeners)
    for one in listeners:
        talk = world.talk()
        await talk.want(LDS, one.name)
        await talk.becomes(LDS, one)


@case(127, variants=(SOTW_ADS,))
async def routes_in_the_listener_need_no_route_resource(world: World) -> None:
    rule = {"match": {"prefix": ""}, "route": {"cluster": "a"}}
    host = {"name": "all", "domains": ["*"], "routes": [rule]}
    one = api_listener("a", {"route_config": {"name": "inline", "virtual_hosts": [host]}})
    await world.set(one, cluster("a"), endpoints("a"))
    talk = world.talk()
    await talk.want(LDS, "a")
    await talk.becomes(LDS, one)
    await talk.want(CDS, "a")
    await talk.becomes(CDS, cluster("a"))


@case(130, variants=(SOTW_ADS,), types=(CDS, LDS))
async def what_did_not_change_is_in_the_response_all_the_same(world: World) -> None:
    talk = await world.client(world.make("a"), world.make("b"))
    await world.update(world.make("b", "2"))
    await talk.becomes(world.type_url, world.make("a"), world.make("b", "2"))


@case(131, variants=(SOTW_ADS,), types=(CDS, LDS))
async def after_a_refusal_a_change_reaches_the_client_whole(world: World) -> None:
    """The client used what was good in a response that it refused; the server cannot know what that was."""
    talk = await world.client(world.make("good"), world.make("bad"))
    await world.set(world.make("good", "2"), world.make("bad", "2"))
    await talk.nack(await talk.read(world.type_url), "bad: it cannot be used")
    await world.update(world.make("bad", "3"))
    await talk.settles(world.type_url, world.make("good", "2"), world.make("bad", "3"))


@case(132, variants=(SOTW_ADS,), types=(LDS, CDS))
async def a_name_that_does_not_exist_is_answered_at_once(world: World) -> None:
    """Nothing is the answer: the client takes the resource for missing, and does not wait 15 s."""
    await world.set(world.make("a"))
    talk = world.talk()
    await talk.want(world.type_url, "missing")
    await talk.becomes(world.type_url)


@case(133, variants=(SOTW_ADS,), types=(LDS, RDS, CDS, EDS))
async def two_streams_of_one_node_go_their_own_ways(world: World) -> None:
    await world.set(world.make("a"), world.make("b"))
    talks = {name: world.talk() for name in ("a", "b")}
    for name, talk in talks.items():
        await talk.want(world.type_url, name)
        await talk.becomes(world.type_url, world.make(name))
    await world.update(world.make("a", "2"))
    await talks["a"].becomes(world.type_url, world.make("a", "2"))
    await talks["b"].settles(world.type_url, world.make("b"))

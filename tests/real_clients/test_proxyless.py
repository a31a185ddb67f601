"""What a real gRPC client without a proxy makes of what it is served."""

from __future__ import annotations

import pytest
from envoy_proxy import GROUP
from gateway_site import free_port
from mesh import a_mesh, calling, saying, target, tree
from network import cluster, endpoints, locality, route
from patience import until
from plane import Plane

from xds.codec import decode, resource, to_json
from xds.model import Resource
from xds.model.type_url import CDS, EDS, LDS, RDS, short_type

READS_ERRORS = {"GRPC_EXPERIMENTAL_XDS_DATA_ERROR_HANDLING": "true"}
"""What makes gRPC look at `resource_errors`: gRFC A88."""
ORDER = (LDS, RDS, CDS, EDS)


@pytest.fixture(scope="module")
async def one():
    """The port of a gRPC backend that answers `one`."""
    async with saying("one") as port:
        yield port


@pytest.fixture(scope="module")
async def two():
    """The port of a gRPC backend that answers `two`."""
    async with saying("two") as port:
        yield port


def asked(requests: list[bytes]) -> list[str]:
    """The types that these requests are of, in the order of the first of each."""
    return list(dict.fromkeys(next(url for url in ORDER if url.encode() in request) for request in requests))


@pytest.mark.parametrize("name", ["shop", "shop.test:8080", "shop.test/v1?a=b"])
async def test_a_channel_is_found_by_its_target_each_type_after_its_parent(one, name):
    """Rows 36, 125, 126."""
    async with a_mesh(*tree(name, one), *tree("other", one)) as mesh:
        assert await mesh.caller.calls(name) == {"one": 1}
        assert asked(mesh.relay.asked) == [LDS, RDS, CDS, EDS]
        assert not any(b"other" in answer for answer in mesh.relay.answered)


async def test_routes_may_stand_in_the_listener(one):
    """Row 127."""
    _, routes, *rest = tree("shop", one)
    async with a_mesh(target("shop", route_config=to_json(decode(RDS, routes.body))), *rest) as mesh:
        assert await mesh.caller.calls("shop") == {"one": 1}
        assert asked(mesh.relay.asked) == [LDS, CDS, EDS]


async def test_a_change_reaches_a_channel_and_a_repoint_fails_no_call(one, two):
    """Rows 43, 82, 130: a cluster that goes before its route would fail them."""
    async with a_mesh(*tree("shop", one)) as mesh:
        assert await mesh.caller.calls("shop") == {"one": 1}
        for number in range(10):
            name, port = f"new-{number}", (two, one)[number % 2]
            await mesh.publish(target("shop"), route("shop", rest=name), cluster(name), endpoints(name, port))
            assert set(await mesh.caller.calls("shop", 20)) <= {"one", "two"}
        await mesh.publish(*tree("shop", two))
        await mesh.caller.only("shop", "two")


@pytest.mark.parametrize("gone", [LDS, CDS])
async def test_what_is_removed_fails_calls_until_it_is_back(one, gone):
    """Rows 38, 130."""
    async with a_mesh(*tree("shop", one)) as mesh:
        assert await mesh.caller.calls("shop") == {"one": 1}
        await mesh.publish(*(each for each in tree("shop", one) if each.type_url != gone))

        async def fails() -> bool:
            return all(end.startswith("UNAVAILABLE") for end in await mesh.caller.calls("shop"))

        await until(fails)
        await mesh.publish(*tree("shop", one))
        await mesh.caller.only("shop", "one")


@pytest.mark.parametrize("missing", ORDER, ids=short_type)
async def test_what_is_missing_is_told_at_once(one, missing):
    """Rows 44, 47, 94, 132: gRPC waits 15 s otherwise, and its calls would not end with this error."""
    rest = (each for each in tree("shop", one) if each.type_url != missing)
    async with a_mesh(*rest, **READS_ERRORS) as mesh:
        (end,) = await mesh.caller.calls("shop")
        assert end.startswith("UNAVAILABLE")
        await mesh.publish(*tree("shop", one))
        await mesh.caller.only("shop", "one")


async def test_good_endpoints_beside_refused_ones_are_used(one, two):
    """Rows 69, 131: the last good ones of what was refused stay."""

    def both(*assignments: Resource) -> tuple[Resource, ...]:
        shares = [{"name": name, "weight": 1} for name in ("left", "right")]
        routes = {"match": {"prefix": ""}, "route": {"weighted_clusters": {"clusters": shares}}}
        hosts = {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [routes]}]}
        return target("shop", route_config=hosts), cluster("left"), cluster("right"), *assignments

    gap = resource({"@type": EDS, "cluster_name": "right", "endpoints": [locality(two, priority=1)]})
    async with a_mesh(*both(endpoints("left", one), endpoints("right", one))) as mesh:
        assert set(await mesh.caller.calls("shop", 20)) == {"one"}
        done = await mesh.publish(*both(endpoints("left", two), gap))
        assert [(refusal.name, refusal.kept) for refusal in done.refusals] == [("right", True)]

        async def share() -> bool:
            return set(await mesh.caller.calls("shop", 20)) == {"one", "two"}

        await until(share)
        refusals = [request for request in mesh.relay.asked if b"priority" in request]
        assert len(refusals) <= 2


async def test_weights_and_priorities_of_localities_count(one, two):
    def assigned(*localities) -> tuple[Resource, ...]:
        return *tree("shop")[:3], resource({"@type": EDS, "cluster_name": "shop", "endpoints": list(localities)})

    first, second = locality(one, weight=9), {**locality(two), "locality": {"zone": "second"}}
    async with a_mesh(*assigned(first, second)) as mesh:
        ends = await mesh.caller.calls("shop", 300)
        assert ends["one"] > ends["two"] > 0
        await mesh.publish(*assigned(locality(free_port()), locality(two, priority=1)))
        await mesh.caller.only("shop", "two")
        await mesh.publish(*assigned(locality(one), locality(two, priority=1)))
        await mesh.caller.only("shop", "one")


async def test_two_channels_of_one_node_are_served_apart(one, two):
    """Row 133: a channel has a stream of its own, and all of them the node of their bootstrap."""
    async with a_mesh(*tree("left", one), *tree("right", two)) as mesh:
        assert await mesh.caller.calls("left") == {"one": 1}
        assert await mesh.caller.calls("right") == {"two": 1}
        assert {session.node.id for session in mesh.server.fleet.streams(GROUP)} == {"caller"}
        assert len(mesh.server.fleet.streams(GROUP)) == 2
        await mesh.publish(*tree("left", two), *tree("right", one))
        await mesh.caller.only("left", "two")
        await mesh.caller.only("right", "one")


async def test_a_control_plane_that_is_killed_and_started_again_fails_no_call(one, two):
    """Rows 29, 50, 113."""
    address = "127.0.0.1", free_port()
    async with Plane(address) as plane, calling(address) as caller:
        await plane.publish(*tree("shop", one))
        assert await caller.calls("shop") == {"one": 1}
        await plane.kill()
        assert await caller.calls("shop", 20) == {"one": 20}
        await plane.start()
        await plane.publish(*tree("shop", one))
        await plane.joined()
        assert await caller.calls("shop", 20) == {"one": 20}
        await plane.publish(*tree("shop", two))
        await caller.only("shop", "two")


async def test_more_than_a_client_reads_at_once_comes_in_pieces(one):
    """Row 115: gRPC reads 4 MiB at once, and ends the stream when it is given more."""
    heavy = {"filter_metadata": {"note": {"text": "x" * 1_500_000}}}
    names = [f"shop-{number}" for number in range(4)]
    shares = [{"name": name, "weight": 1} for name in names]
    routes = {"match": {"prefix": ""}, "route": {"weighted_clusters": {"clusters": shares}}}
    hosts = {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [routes]}]}

    def assigned(name: str) -> Resource:
        place = locality(one)
        place["lb_endpoints"][0]["metadata"] = heavy
        return resource({"@type": EDS, "cluster_name": name, "endpoints": [place]})

    async with a_mesh(target("shop", route_config=hosts), *map(cluster, names), *map(assigned, names)) as mesh:
        assert await mesh.caller.calls("shop", 20) == {"one": 20}
        answers = [answer for answer in mesh.relay.answered if EDS.encode() in answer]
        assert max(map(len, answers)) < 4 << 20 < sum(map(len, answers))

"""What a real Envoy does with changes: nothing stalls, and no request fails."""

from __future__ import annotations

from envoy_proxy import GROUP
from gateway_site import ask
from load import load
from network import cluster, endpoints, listener, route, site
from patience import until

from xds.model import Resource, Snapshot
from xds.model.type_url import CDS, EDS, LDS, RDS

ENDPOINTS = b"ClusterLoadAssignment"
ORDER = (CDS, EDS, LDS, RDS)


def url(port: int, path: str = "") -> str:
    return f"http://127.0.0.1:{port}/{path}"


async def test_types_without_a_resource_hold_up_no_start(edge, port):
    """Row 45: no clusters, no endpoints; Envoy waits 15 s for the news of it otherwise."""
    async with edge(listener("web", port, "all"), route("all")) as made:
        assert await ask(url(port)) == "404 "
        assert await made.proxy.stalls() == []


async def test_endpoints_that_are_missing_hold_up_no_start_and_are_taken_when_they_come(edge, port, one, two):
    """Rows 47, 59, 60."""
    some = (*site(port, one)[:1], route("all", rest="shop", late="late"), *site(port, one)[2:], cluster("late"))
    async with edge(*some) as made:
        assert await ask(url(port)) == "200 one"
        assert await ask(url(port, "late")) == "503 no healthy upstream"
        await made.publish(*some, endpoints("late", two))
        assert await ask(url(port, "late")) == "200 two"
        assert await made.proxy.stalls() == []


async def test_a_change_of_a_cluster_alone_warms_at_once(edge, port, one):
    """Rows 87, 88: the endpoints did not change, and Envoy waits 15 s until they are said again."""
    async with edge(*site(port, one)) as made, load(url(port)) as traffic:
        for mark in range(1, 6):
            await made.publish(*site(port, one, mark=mark))
            assert (await made.proxy.clusters())["shop"]["connect_timeout"] == f"5.00{mark}s"
        await traffic.more("200 one")
        assert await made.proxy.stalls() == []
        assert await made.proxy.total("cluster_manager.warming_clusters") == 0
    assert not traffic.failures


async def test_a_cut_wire_while_a_cluster_warms_does_not_stall_it(edge, port, one):
    """Rows 7, 51, 66: Envoy comes back asking for endpoints first, and names the version that it has."""
    async with edge(*site(port, one)) as made, load(url(port)) as traffic:
        made.relay.cuts = ENDPOINTS
        made.relay.mark()
        await made.server.publish(GROUP, Snapshot.of(site(port, one, mark=1)))
        await until(lambda: len(made.relay.calls) == 2 and made.server.fleet.is_live(GROUP))
        assert ENDPOINTS in made.relay.calls[1][0].message
        assert (await made.proxy.clusters())["shop"]["connect_timeout"] == "5.001s"
        assert await made.proxy.stalls() == []
        await traffic.more("200 one")
    assert not traffic.failures


async def test_a_repoint_under_load_fails_no_request(edge, port, one, two):
    """Rows 82, 83, 84: the old cluster and its endpoints go with the change that makes the new ones."""
    async with edge(*site(port, one)) as made, load(url(port)) as traffic:
        for number in range(3):
            new = f"new-{number}"
            await made.publish(listener("web", port, "all"), route("all", rest=new), cluster(new), endpoints(new, two))
            await traffic.only("200 two")
            assert set(await made.proxy.clusters()) == {new}
            await made.publish(*site(port, one))
            await traffic.only("200 one")
        assert await made.proxy.stalls() == []
    assert not traffic.failures


async def test_a_listener_is_updated_in_place_under_load(edge, port, one):
    async with edge(*site(port, one)) as made, load(url(port)) as traffic:
        for mark in range(1, 4):
            await made.publish(listener("web", port, "all", mark=mark), *site(port, one)[1:])
            await traffic.more("200 one")
        assert await made.proxy.total("listener_manager.listener_in_place_updated") == 3
        assert await made.proxy.total("listener_manager.listener_added") == 1
        assert await made.proxy.stalls() == []
    assert not traffic.failures


async def test_a_hundred_changes_of_four_types_go_out_in_order(edge, port, one):
    """Row 81: clusters, endpoints, listeners, routes; what is gone goes last."""

    def step(number: int) -> tuple[Resource, ...]:
        name = f"step-{number}"
        return (
            listener("web", port, "all", mark=number),
            route("all", number, rest=name),
            cluster(name),
            endpoints(name, one),
        )

    async with edge(*step(0)) as made, load(url(port)) as traffic:
        for number in range(1, 101):
            known = len(made.relay.answered)
            await made.publish(*step(number))
            assert types(made.relay.answered[known:]) == [CDS, EDS, LDS, RDS, CDS]
        assert set(await made.proxy.clusters()) == {"step-100"}
        assert await made.proxy.stalls() == []
    assert not traffic.failures


async def test_a_listener_that_moves_to_other_routes_fails_no_request(edge, port, one):
    """Rows 82, 84: connections that drain go on with the routes that were removed, and need their clusters."""

    def step(number: int) -> tuple[Resource, ...]:
        name = f"step-{number}"
        return listener("web", port, name), route(name, rest=name), cluster(name), endpoints(name, one)

    async with edge(*step(0)) as made, load(url(port)) as traffic:
        for number in range(1, 11):
            await made.publish(*step(number))
            await traffic.more("200 one")
        assert await made.proxy.stalls() == []
    assert not traffic.failures


def types(answers: list[bytes]) -> list[str]:
    """The types of these answers, in order."""
    return [next(url for url in ORDER if url.encode() in answer) for answer in answers]

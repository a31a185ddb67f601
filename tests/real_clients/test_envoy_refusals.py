"""What a real Envoy refuses, and what that means for everything beside it."""

from __future__ import annotations

from envoy_proxy import GROUP, Proxy, running
from gateway_site import ask, free_port
from load import load
from network import bad_cluster, bad_route, cluster, endpoints, listener, route, site
from patience import until
from relay import Relay

from xds.model import Answer, Snapshot

CLUSTERS = r"cluster_manager\.cds"
MOST = 5
"""Refusals in which two bad resources among three are found: of all, of halves, of each."""


async def test_a_bad_cluster_among_good_ones_is_refused_once(edge, program, dialect, home, port, one):
    """Rows 15, 68, 131: however much changes beside it; and an Envoy that starts later never meets it."""
    bad = bad_cluster("bad"), endpoints("bad", one)
    async with edge(*site(port, one)) as made, load(f"http://127.0.0.1:{port}/") as traffic:
        for mark in range(1, 6):
            done = await made.publish(
                *site(port, one, mark=mark), *bad, cluster(f"new-{mark}"), endpoints(f"new-{mark}", one)
            )
            assert [(refusal.name, refusal.kept) for refusal in done.refusals] == [("bad", False)]
            assert set(await made.proxy.clusters()) == {"shop", f"new-{mark}"}
        await traffic.more("200 one")
        async with running(Proxy(program, home / "2", made.relay.address, dialect)) as later:
            assert set(await later.clusters()) == {"shop", "new-5"}
            assert await later.refused(CLUSTERS) == 0
        assert await made.proxy.refused(CLUSTERS) == 1
        assert await made.proxy.stalls() == []
    assert not traffic.failures


async def test_the_last_good_version_of_a_bad_cluster_stays_until_there_is_a_better_one(edge, port, one):
    """Rows 18, 19."""
    web, routes, good, ends = site(port, one)
    async with edge(web, routes, good, ends) as made, load(f"http://127.0.0.1:{port}/") as traffic:
        done = await made.publish(web, routes, bad_cluster("shop"), ends)
        assert [(refusal.name, refusal.kept) for refusal in done.refusals] == [("shop", True)]
        assert "ConnectTimeout" in done.refusals[0].message
        for mended in (good, cluster("shop", 1)):
            done = await made.publish(web, routes, mended, ends)
            assert done.accepted
        assert (await made.proxy.clusters())["shop"]["connect_timeout"] == "5.001s"
        await traffic.more("200 one")
    assert not traffic.failures


async def test_several_bad_routes_of_which_envoy_names_none_are_found(edge, port, one, two):
    """Rows 15, 69: in one response with a good one, which is served; their last good versions stay."""
    names = ("bad-1", "bad-2", "good")
    ports = {name: free_port() for name in names}
    more = cluster("other"), endpoints("other", two)
    rest = *site(port, one), *more, *(listener(name, ports[name], name) for name in names)
    bad = bad_route("bad-1"), bad_route("bad-2")
    async with edge(*rest, *(route(name, rest="shop") for name in names)) as made:
        done = await made.publish(*rest, *bad, route("good", rest="other"))
        assert {(refusal.name, refusal.kept) for refusal in done.refusals} == {("bad-1", True), ("bad-2", True)}
        answers = {name: await ask(f"http://127.0.0.1:{port}/") for name, port in ports.items()}
        assert answers == {"bad-1": "200 one", "bad-2": "200 one", "good": "200 two"}
        found = refusals(made.relay)
        assert len(found) <= MOST
        for mark in range(1, 4):
            await made.publish(*rest, *bad, route("good", mark, rest="other"))
        assert refusals(made.relay) == found


def refusals(relay: Relay) -> list[bytes]:
    """The requests that refuse a bad route."""
    return [request for request in relay.asked if b"missing ): (" in request]


async def test_an_update_that_envoy_never_answers_is_followed_by_the_next(edge, port, one, two):
    """Row 25: a cluster that cannot be made once its endpoints are there keeps the ACK of its update back for ever."""
    ring = {"minimum_ring_size": 9, "maximum_ring_size": 8}
    stuck = cluster("bad", lb_policy="RING_HASH", ring_hash_lb_config=ring), endpoints("bad", one)
    more = cluster("more"), endpoints("more", one)
    async with edge(*site(port, one), hurried=True) as made, load(f"http://127.0.0.1:{port}/") as traffic:
        await made.server.publish(GROUP, Snapshot.of([*site(port, one, mark=1), *stuck, *more]))
        await until(lambda: Answer.STALE in made.answers())
        done = await made.publish(
            listener("web", port, "all"), route("all", rest="new"), cluster("new"), endpoints("new", two)
        )
        assert done.accepted
        await traffic.only("200 two")
    assert not traffic.failures

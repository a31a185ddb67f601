"""Make before break: what goes out before what, and what stays until nobody needs it."""

from __future__ import annotations

import pytest
from xds_client import DELTA, SOTW, Group
from xds_resources import cluster, endpoints, listener, route, secret

from xds.codec import resource
from xds.model import Resource
from xds.model.type_url import CDS, EDS, LDS, RDS, SDS, SRDS
from xds.protocol import Limits

PATIENCE = Limits().patience


def chain(one: str, mark: str = "1"):
    """A listener, its routes, their cluster and its endpoints: the route's cluster is `one`."""
    return listener("l", "r", mark), route("r", one, mark=mark), cluster(one, mark), endpoints(one, int(mark))


def types(trace):
    return [one.type_url for one in trace]


def test_a_start_goes_down_the_chain(dialect):
    """Row 81."""
    envoy = Group(dialect, *chain("x")).envoy()
    assert types(envoy.start()) == [CDS, EDS, LDS, RDS]


def test_a_change_of_everything_goes_out_in_order(dialect):
    """Row 81."""
    group = Group(dialect, *chain("x"))
    envoy = group.envoy()
    envoy.start()
    group.publish(*chain("x", "2"))
    assert types(envoy.run()) == [CDS, EDS, LDS, RDS]


def test_order_does_not_depend_on_what_was_asked_for_first(dialect):
    """Row 81."""
    client = Group(dialect, *chain("x"), secret("s")).client()
    for type_url, names in ((RDS, "r"), (LDS, ""), (SDS, "s"), (EDS, "x"), (CDS, "")):
        client.ask(type_url, *names)
    assert types(client.settle()) == [CDS, EDS, SDS, LDS, RDS]


def test_listeners_and_routes_wait_for_clusters(dialect):
    """Rows 71, 81: endpoints and secrets do not; they are what clusters wait for."""
    client = Group(dialect, *chain("x"), secret("s")).client()
    for type_url, names in ((CDS, ""), (EDS, "x"), (SDS, "s"), (LDS, ""), (RDS, "r")):
        client.ask(type_url, *names)
    for type_url in (CDS, EDS, SDS):
        assert client.pull().type_url == type_url
    assert client.is_silent()
    client.ack(EDS)
    assert client.is_silent()
    client.ack(CDS)
    client.expect(LDS, "l")
    client.expect(RDS, "r")


def test_a_route_waits_for_a_change_of_its_cluster(dialect):
    """Rows 71, 81: the route may need what is new in it."""
    client = Group(dialect, *chain("x")).client()
    for type_url, names in ((CDS, ""), (EDS, "x"), (RDS, "r")):
        client.ask(type_url, *names)
    client.settle()
    client.group.publish(*chain("x", "2"))
    client.expect(CDS, "x")
    client.expect(EDS, "x")
    client.ack(EDS)
    assert client.is_silent()
    client.ack(CDS)
    client.expect(RDS, "r")


def test_a_repoint_makes_before_it_breaks(dialect):
    """Rows 82, 83, 84: both clusters, then the route, then one cluster."""
    group = Group(dialect, *chain("x"))
    envoy = group.envoy()
    envoy.start()
    group.publish(listener("l", "r"), route("r", "y"), cluster("y"), endpoints("y"))
    talk = envoy.run()
    assert types(talk)[:4] == [CDS, EDS, RDS, CDS]
    assert talk[0].names == ({"x", "y"} if dialect is SOTW else {"y"})
    assert talk[3].names == ({"y"} if dialect is SOTW else set())
    assert talk[3].removals == (set() if dialect is SOTW else {"x"})
    assert envoy.names(CDS) == {"y"}
    assert envoy.names(EDS) == {"y"}


def test_a_cluster_stays_while_a_route_that_names_it_is_on_its_way(dialect):
    """Row 83."""
    group = Group(dialect, listener("l", "r"), route("r"), cluster("x"), endpoints("x"))
    envoy = group.envoy()
    envoy.start()
    group.publish(listener("l", "r"), route("r", "x", mark="2"), cluster("x"), endpoints("x"))
    envoy.expect(RDS, "r")
    group.publish(listener("l", "r"), route("r"))
    assert envoy.is_silent()
    envoy.ack(RDS)
    assert types(envoy.run())[:2] == [RDS, CDS]


def test_a_cluster_stays_until_the_route_that_lets_go_of_it_is_accepted(dialect):
    """Row 84: a route that is refused holds on to it."""
    group = Group(dialect, *chain("x"))
    envoy = group.envoy()
    envoy.start()
    group.publish(listener("l", "r"), route("r"))
    envoy.expect(RDS, "r")
    assert envoy.is_silent()
    envoy.nack(RDS)
    assert envoy.is_silent()
    assert envoy.names(CDS) == {"x"}


def test_all_goes_from_the_top(dialect):
    """Row 84: listeners, then routes, then clusters, then endpoints."""
    group = Group(dialect, *chain("x"))
    envoy = group.envoy()
    envoy.start()
    group.publish()
    talk = types(envoy.run())
    assert [one for one in talk if one in (LDS, CDS)] == [LDS, CDS]
    assert envoy.names(LDS) == envoy.names(CDS) == set()
    assert envoy.is_silent()


def test_routes_and_endpoints_outlive_what_names_them():
    """Rows 83, 84: of a delta client that asked for everything."""
    group = Group(DELTA, *chain("x"))
    client = group.client()
    for type_url in (CDS, EDS, LDS, RDS):
        client.ask(type_url, "*")
    client.settle()
    group.publish()
    assert types(client.settle()) == [LDS, RDS, CDS, EDS]


def test_a_cluster_stays_while_a_listener_drains_on_removed_routes(dialect):
    """Rows 82, 84: Envoy takes no notice of their removal, and asks for them until the last connection is gone."""
    group = Group(
        dialect, listener("l", "r"), route("r", "x"), route("s", "y"), cluster("x", eds=False), cluster("y", eds=False)
    )
    client = group.client()
    for type_url, names in ((CDS, ""), (LDS, ""), (RDS, "r")):
        client.ask(type_url, *names)
    client.settle()
    group.publish(listener("l", "s"), route("s", "y"), cluster("y", eds=False))
    client.expect(LDS, "l")
    client.ack(LDS)
    client.add(RDS, "s")
    assert CDS not in types(client.settle())
    client.drop(RDS, "r")
    assert client.pull().type_url == CDS
    client.ack(CDS)
    assert client.names(CDS) == {"y"}


def test_routes_that_come_back_are_no_memory_of_what_they_were(dialect):
    """Row 84: what a route named before it was removed is of no account when it is there again."""
    group = Group(dialect, route("r", "x"), cluster("x", eds=False))
    client = group.client()
    for type_url, names in ((CDS, ""), (RDS, "r")):
        client.ask(type_url, *names)
    client.settle()
    group.publish(cluster("x", eds=False))
    client.settle()
    group.publish(route("r"), cluster("x", eds=False))
    client.settle()
    group.publish(route("r"))
    client.settle()
    assert client.names(CDS) == set()


def test_a_refusal_stops_what_depends_on_it(dialect):
    """Row 85: no route to clusters that were refused; the next snapshot goes on."""
    group = Group(dialect, *chain("x"), cluster("z", eds=False))
    envoy = group.envoy()
    envoy.start()
    new = (listener("l", "r"), route("r", "y"), endpoints("y"), cluster("x"), endpoints("x"))
    group.publish(*new, cluster("y"), cluster("z", "2", eds=False))
    assert set(types(envoy.run(lambda got: "no" if got.type_url == CDS else ""))) == {CDS}
    assert envoy.has[RDS]["r"] == route("r", "x").body
    group.publish(*new, cluster("y", "2"), cluster("z", "2", eds=False))
    envoy.run()
    assert envoy.has[RDS]["r"] == route("r", "y").body


def test_what_a_client_does_not_want_is_not_waited_for(dialect):
    """Row 86."""
    group = Group(dialect, *chain("x"))
    client = group.client()
    client.ask(LDS)
    client.ask(RDS, "r")
    client.expect(LDS, "l")
    client.expect(RDS, "r")
    named = group.client()
    named.ask(CDS, "other")
    named.ask(RDS, "r")
    assert [one.type_url for one in named.settle()] == [CDS, RDS]


def test_one_that_waits_does_not_hold_up_its_neighbours(dialect):
    """Row 81: a listener that waits stays as the client has it."""
    group = Group(dialect, listener("a"), listener("b"))
    client = group.client()
    client.ask(CDS)
    client.ask(LDS)
    client.settle()
    group.publish(listener("a", cluster="x"), listener("b", mark="2"), listener("c", cluster="x"), cluster("x", eds=False))
    client.expect(CDS, "x")
    got = client.expect(LDS, *("ab" if dialect is SOTW else "b"))
    assert got.resources["b"] == listener("b", mark="2").body
    if dialect is SOTW:
        assert got.resources["a"] == listener("a").body
    client.ack(CDS)
    client.ack(LDS)
    client.expect(LDS, *("abc" if dialect is SOTW else "ac"))


def test_a_first_answer_waits_rather_than_being_empty(dialect):
    """Rows 45, 81: Envoy would think that there are no listeners, and say it is live."""
    client = Group(dialect, listener("a", cluster="x"), cluster("x", eds=False)).client()
    client.ask(CDS)
    client.ask(LDS)
    client.expect(CDS, "x")
    assert client.is_silent()
    client.ack(CDS)
    client.expect(LDS, "a")


def test_routes_count_as_their_listeners(dialect):
    """Row 81: a new listener waits for the clusters of its routes."""
    client = Group(dialect, *chain("x")).client()
    client.ask(CDS)
    client.ask(LDS)
    client.expect(CDS, "x")
    assert client.is_silent()


@pytest.mark.parametrize("more", [0, 1, 5], ids=str)
def test_a_repoint_under_way_goes_on_to_the_newest(dialect, more):
    """Rows 25, 82: from whatever stage it had reached."""
    group = Group(dialect, *chain("x"))
    envoy = group.envoy()
    envoy.start()
    group.publish(listener("l", "r"), route("r", "y"), cluster("y"), endpoints("y"))
    for _ in range(more):
        if (got := envoy.pull()) is not None:
            envoy.obey(got)
    group.publish(listener("l", "r"), route("r", "z"), cluster("z"), endpoints("z"))
    envoy.run()
    assert envoy.names(CDS) == {"z"}
    assert envoy.has[RDS]["r"] == route("r", "z").body


def test_scopes_come_after_the_routes_that_they_name(dialect):
    """Row 108: and routes go after the scopes that let go of them."""

    def scope(name: str, route: str) -> Resource:
        key = {"fragments": [{"string_key": name}]}
        return resource({"@type": SRDS, "name": name, "route_configuration_name": route, "key": key})

    group = Group(dialect, scope("s", "q"), route("q"))
    client = group.client()
    client.ask(SRDS)
    client.ask(RDS, "q", "r")
    assert types(client.settle()) == [RDS, SRDS]
    group.publish(scope("s", "r"), route("r"))
    client.expect(RDS, "r")
    client.expect(SRDS, "s")
    client.ack(RDS)
    assert client.is_silent()
    client.ack(SRDS)
    if dialect is DELTA:
        assert client.expect(RDS).removals == {"q"}
    else:
        assert client.is_silent()


@pytest.fixture
def by_name(dialect):
    """A client that asks for clusters by name, as gRPC does, with a route that has just gone from one to another."""
    group = Group(dialect, listener("l", "r"), route("r", "old"), cluster("old"), endpoints("old"))
    client = group.client()
    for type_url, name in ((LDS, "l"), (RDS, "r"), (CDS, "old"), (EDS, "old")):
        client.ask(type_url, name)
    client.settle()
    group.publish(listener("l", "r"), route("r", "new"), cluster("new"), endpoints("new"))
    client.expect(RDS, "r")
    client.ack(RDS)
    return client


def test_what_a_client_asks_for_by_name_stays_until_it_lets_go(by_name):
    """gRPC fails calls over a cluster that it is told is gone while it waits for what comes in its place."""
    assert by_name.is_silent()
    by_name.add(CDS, "new")
    by_name.settle()
    assert by_name.names(CDS) == {"old", "new"}
    by_name.drop(CDS, "old")
    assert CDS not in types(by_name.settle())
    assert by_name.names(CDS) == {"new"}


def test_what_a_client_never_lets_go_of_is_taken_from_it(by_name):
    assert by_name.is_silent()
    by_name.group.now = by_name.stream.wake_at()
    assert 0 < by_name.group.now <= PATIENCE
    by_name.settle()
    assert by_name.names(CDS) == set()


def test_what_a_route_names_and_is_gone_is_told_at_once(by_name):
    by_name.add(CDS, "new")
    by_name.settle()
    by_name.group.publish(listener("l", "r"), route("r", "new"), endpoints("new"))
    by_name.settle()
    assert by_name.names(CDS) == {"old"}

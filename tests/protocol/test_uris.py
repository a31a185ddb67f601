"""Names that are URIs: a client gets what it means, in its own spelling, and a glob gets its directory."""

from __future__ import annotations

import pytest
from xds_client import DELTA, Group, Wanted
from xds_resources import cluster, endpoint, endpoints, listener, localities, route

from xds.model import Node
from xds.model.type_url import CDS, EDS, LDS, LEDS, PREFIX, RDS
from xds.protocol import Stream

LISTENER = f"xdstp://x/{LDS.removeprefix(PREFIX)}/"
ENDPOINTS = f"xdstp://x/{EDS.removeprefix(PREFIX)}/"
ENDPOINT = f"xdstp://x/{LEDS.removeprefix(PREFIX)}/"
CLUSTER = f"xdstp://x/{CDS.removeprefix(PREFIX)}/"
GLOB = LISTENER + "foo/*"


def test_context_in_another_order_is_the_same_name(dialect):
    """Row 104: what is sent has the client's spelling."""
    group = Group(dialect, endpoints(ENDPOINTS + "a?k=1&j=2"))
    client = group.client()
    client.ask(EDS, ENDPOINTS + "a?k=1&j=2")
    got = client.pull()
    assert got.names == {ENDPOINTS + "a?k=1&j=2"}
    client.ack(EDS)
    assert client.is_silent()
    group.publish(endpoints(ENDPOINTS + "a?j=2&k=1", 2))
    got = client.pull()
    assert len(got.names) == 1
    if dialect is DELTA:
        assert got.names == {ENDPOINTS + "a?k=1&j=2"}


def test_a_removal_has_the_clients_spelling():
    """Row 104."""
    group = Group(DELTA, endpoints(ENDPOINTS + "a?j=2&k=1"))
    client = group.client()
    client.ask(EDS, ENDPOINTS + "a?k=1&j=2", ENDPOINTS + "zz?k=1&j=2")
    assert client.pull().removals == {ENDPOINTS + "zz?k=1&j=2"}
    client.ack(EDS)
    group.publish(endpoints("other"))
    assert client.pull().removals == {ENDPOINTS + "a?k=1&j=2"}


def test_a_name_is_dropped_in_any_spelling():
    """Row 104."""
    group = Group(DELTA, endpoints(ENDPOINTS + "a?j=2&k=1"))
    client = group.client()
    client.ask(EDS, ENDPOINTS + "a?k=1&j=2")
    client.settle()
    client.drop(EDS, ENDPOINTS + "a?j=2&k=1")
    group.publish(endpoints(ENDPOINTS + "a?j=2&k=1", 2))
    assert client.is_silent()
    (subscription,) = client.stream._subscriptions.values()
    assert not subscription.spelled


def test_what_a_client_holds_in_another_spelling_is_not_sent_again():
    """Rows 63, 104."""
    one = endpoints(ENDPOINTS + "a?j=2&k=1")
    client = Group(DELTA, one, cluster("a", eds=False)).client()
    client.ask(CDS)
    client.settle()
    held = {ENDPOINTS + "a?k=1&j=2": one.version}
    client.send(EDS, resource_names_subscribe=[*held], initial_resource_versions=held)
    assert client.is_silent()


def test_other_context_is_another_name(dialect):
    client = Group(dialect, listener(LISTENER + "a?k=1")).client()
    client.ask(LDS, LISTENER + "a?k=2", LISTENER + "a")
    assert client.pull().names == set()


def test_the_type_in_a_name_is_the_type_that_is_asked_for(dialect):
    client = Group(dialect, endpoints(ENDPOINTS + "a"), listener(LISTENER + "a")).client()
    client.ask(LDS, ENDPOINTS + "a")
    assert client.pull().names == set()


def test_what_is_no_valid_name_does_not_exist(dialect):
    client = Group(dialect, listener("l")).client()
    client.ask(LDS, "xdstp://", LISTENER + "a#entry=b")
    assert client.pull().names == set()
    client.ack(LDS)
    assert client.is_silent()


def test_references_find_their_resource_in_any_spelling(dialect):
    """Rows 88, 104: a cluster that changed warms again, with endpoints whose name it spells its own way."""
    service, name = ENDPOINTS + "a?k=1&j=2", ENDPOINTS + "a?j=2&k=1"
    group = Group(dialect, cluster("c", service=service), endpoints(name))
    client = group.client()
    client.ask(CDS)
    client.ask(EDS, service)
    client.settle()
    group.publish(cluster("c", "2", service=service), endpoints(name))
    client.expect(CDS, "c")
    assert len(client.pull().names) == 1


# Globs


def test_a_glob_gets_its_directory(dialect):
    """Row 102: not what is deeper, elsewhere, in another context, or no URI."""
    others = ("b/a", "foo/b/c", "foo/d?k=1", "foo")
    group = Group(dialect, listener(LISTENER + "foo/a"), listener("foo/a"), *(listener(LISTENER + one) for one in others))
    client = group.client()
    client.ask(LDS, GLOB)
    client.expect(LDS, LISTENER + "foo/a")
    client.ack(LDS)
    assert client.is_silent()


def test_a_glob_has_context(dialect):
    """Row 102."""
    group = Group(dialect, listener(LISTENER + "foo/a?k=1&j=2"), listener(LISTENER + "foo/b"))
    client = group.client()
    client.ask(LDS, GLOB + "?k=1&j=2")
    assert len(client.pull().names) == 1


def test_what_comes_and_goes_under_a_glob(dialect):
    """Row 102: comes unasked, and is removed."""
    group = Group(dialect, listener(LISTENER + "foo/a"))
    client = group.client()
    client.ask(LDS, GLOB)
    client.settle()
    group.publish(listener(LISTENER + "foo/a"), listener(LISTENER + "foo/b"))
    client.settle()
    assert client.names(LDS) == {LISTENER + "foo/a", LISTENER + "foo/b"}
    group.publish(listener(LISTENER + "foo/b"))
    client.settle()
    assert client.names(LDS) == {LISTENER + "foo/b"}


def test_a_glob_that_matches_nothing_is_told_once(dialect):
    """Row 103: and what comes under it later is sent, and told again when it is gone."""
    group = Group(dialect, listener("l"))
    client = group.client()
    client.ask(LDS, GLOB)
    got = client.expect(LDS)
    assert (got.removals, set(got.errors)) == ({GLOB} if dialect is DELTA else set(), {GLOB})
    client.ack(LDS)
    assert client.is_silent()
    group.publish(listener("l", mark="2"))
    assert client.is_silent()
    group.publish(listener(LISTENER + "foo/a"))
    client.expect(LDS, LISTENER + "foo/a")
    client.ack(LDS)
    group.publish(listener("l"))
    if dialect is DELTA:
        assert client.expect(LDS).removals == {GLOB, LISTENER + "foo/a"}


def test_a_glob_that_is_dropped_gets_nothing_more(dialect):
    group = Group(dialect, listener(LISTENER + "foo/a"))
    client = group.client()
    client.ask(LDS, GLOB, "l")
    client.settle()
    client.drop(LDS, GLOB)
    client.settle()
    group.publish(listener(LISTENER + "foo/a", mark="2"))
    assert client.is_silent()


def test_a_glob_asked_for_again_is_sent_again():
    """Row 61."""
    client = Group(DELTA, listener(LISTENER + "foo/a"), listener(LISTENER + "bar")).client()
    client.ask(LDS, GLOB, LISTENER + "bar")
    client.settle()
    client.add(LDS, GLOB)
    client.expect(LDS, LISTENER + "foo/a")


def test_no_stand_in_for_a_glob(dialect):
    """An assignment of that name would be nobody's."""
    client = Group(dialect, route("r")).client()
    client.ask(EDS, ENDPOINTS + "foo/*")
    got = client.pull()
    assert got is None or got.removals == {ENDPOINTS + "foo/*"}


def test_endpoints_under_a_glob_are_sent_again_when_their_cluster_changes(dialect):
    """Row 88."""
    service = ENDPOINTS + "foo/a"
    group = Group(dialect, cluster("c", service=service), endpoints(service))
    client = group.client()
    client.ask(CDS)
    client.ask(EDS, ENDPOINTS + "foo/*")
    client.settle()
    group.publish(cluster("c", "2", service=service), endpoints(service))
    client.expect(CDS, "c")
    client.expect(EDS, service)


def test_single_endpoints_are_sent_again_when_their_cluster_changes():
    """Row 88: Envoy waits 15 s for what it has already, and asks for nothing; with no endpoint, too."""
    glob = ENDPOINT + "c/*"
    rest = (localities("c", glob), endpoint(ENDPOINT + "c/1"))
    group = Group(DELTA, cluster("c"), *rest)
    client = group.client()
    client.ask(CDS)
    client.ask(EDS, "c")
    client.ask(LEDS, glob)
    client.settle()
    group.publish(cluster("c", "2"), *rest)
    client.expect(CDS, "c")
    client.expect(EDS, "c")
    client.expect(LEDS, ENDPOINT + "c/1")
    for type_url in (CDS, EDS, LEDS):
        client.ack(type_url)
    group.publish(cluster("c", "2"), localities("c", glob))
    client.settle()
    group.publish(cluster("c", "3"), localities("c", glob))
    client.expect(CDS, "c")
    client.expect(EDS, "c")
    assert client.expect(LEDS).removals == {glob}


@pytest.mark.parametrize(("release", "again"), [((1, 37), False), ((1, 38), True), ((0, 0), True)])
def test_an_old_envoy_would_crash_over_single_endpoints(release, again):
    """Row 88: so it is left to wait."""
    glob = ENDPOINT + "c/*"
    rest = (localities("c", glob), endpoint(ENDPOINT + "c/1"))
    group = Group(DELTA, cluster("c"), *rest)
    client = group.client()
    client.stream = Stream(DELTA, features=Node("n", user_agent="envoy", release=release).features)
    client.ask(CDS)
    client.ask(EDS, "c")
    client.ask(LEDS, glob)
    client.settle()
    group.publish(cluster("c", "2"), *rest)
    client.expect(CDS, "c")
    client.expect(EDS, "c")
    assert client.is_silent() == (not again)


def test_routes_wait_for_clusters_under_a_glob(dialect):
    """Row 81."""
    group = Group(dialect, cluster("c", eds=False), route("r"))
    client = group.client()
    client.ask(CDS, CLUSTER + "foo/*")
    client.ask(RDS, "r")
    client.settle()
    name = CLUSTER + "foo/a"
    group.publish(cluster(name, eds=False), route("r", name))
    client.expect(CDS, name)
    assert client.is_silent()
    client.ack(CDS)
    client.expect(RDS, "r")


def test_a_locator_is_a_name(dialect):
    """Row 105: its parameters would choose among variants, and there is one of each."""
    client = Group(dialect, route("r")).client()
    client.types[RDS] = Wanted({"r"})
    field = "resource_locators_subscribe" if dialect is DELTA else "resource_locators"
    client.send(RDS, **{field: [{"name": "r", "dynamic_parameters": {"shard": "1"}}]})
    client.expect(RDS, "r")
    client.ack(RDS)
    if dialect is DELTA:
        client.send(RDS, resource_locators_unsubscribe=[{"name": "r"}])
        client.group.publish(route("r", mark="2"))
        assert client.is_silent()


def test_a_list_collection_does_not_exist(dialect):
    """Row 105: globs are served in its place."""
    name = LISTENER.replace("Listener/", "ListenerCollection/") + "foo"
    client = Group(dialect, listener(LISTENER + "foo")).client()
    client.ask(LDS, name)
    got = client.expect(LDS)
    assert set(got.errors) == {name}

"""A client that comes back, to this control plane or to another replica of it."""

from __future__ import annotations

from xds_client import DELTA, SOTW, Accepted, Group
from xds_resources import cluster, endpoints, listener, route

from xds.model.type_url import CDS, EDS, LDS, RDS


def plain(name: str, mark: str = "1"):
    return cluster(name, mark, eds=False)


CHAIN = (listener("l", "r"), route("r", "x"), cluster("x"), endpoints("x"))


def test_nothing_changed_is_nothing_said_of_clusters_and_listeners(dialect):
    """Rows 29, 50, 63: delta says nothing at all; SotW says again what it cannot know was delivered."""
    envoy = Group(dialect, *CHAIN).envoy()
    envoy.start()
    talk = envoy.restart()
    assert [one.type_url for one in talk] == ([EDS, RDS] if dialect is SOTW else [])


def test_what_is_still_in_force_is_known(dialect):
    """Rows 50, 63: a restarted control plane learns what works from those who run it."""
    group = Group(dialect, plain("a"), plain("b"))
    client = group.client()
    client.ask(CDS)
    client.settle()
    client.connect()
    client.ask_again(CDS)
    assert client.is_silent()
    assert client.facts[-1] == Accepted(CDS, (plain("a"), plain("b")))
    assert client.stream.subscribed()[0].resources == 2


def test_what_was_replaced_is_not_said_to_be_from_before(dialect):
    """Row 63."""
    group = Group(dialect, plain("a"))
    client = group.client()
    client.ask(CDS)
    client.settle()
    group.publish(plain("a", "2"))
    client.connect()
    client.ask_again(CDS)
    known = len(client.facts)
    client.settle()
    assert client.facts[known:] == [Accepted(CDS, (plain("a", "2"),))]


def test_a_configuration_that_is_known_later_is_compared_then(dialect):
    """Rows 46, 50, 63: the client was faster than the control plane's own start."""
    group = Group(dialect, plain("a"))
    client = group.client()
    client.ask(CDS)
    client.settle()
    client.connect()
    group.served = None
    client.ask_again(CDS)
    assert client.is_silent()
    group.publish(plain("a"))
    assert client.is_silent()
    group.publish(plain("a", "2"))
    client.expect(CDS, "a")


def test_only_the_changes_are_said(dialect):
    """Rows 50, 63, 64: delta names what is gone; SotW says everything."""
    group = Group(dialect, plain("a"), plain("b"), plain("gone"))
    client = group.client()
    client.ask(CDS)
    client.settle()
    group.publish(plain("a"), plain("b", "2"))
    client.connect()
    client.ask_again(CDS)
    if dialect is SOTW:
        client.expect(CDS, "a", "b")
    else:
        assert client.expect(CDS, "b").removals == {"gone"}
    client.ack(CDS)
    assert client.names(CDS) == {"a", "b"}


def test_a_version_of_another_replica_is_only_different(dialect):
    """Row 52."""
    client = Group(dialect, plain("a")).client()
    client.ask(CDS)
    client.settle()
    client.types[CDS].version = "foreign"
    client.versions[CDS] = {"a": "foreign"}
    client.connect()
    client.ask_again(CDS)
    client.expect(CDS, "a")


def test_named_resources_are_sent_again_whatever_the_version():
    """Row 49: a version does not tell which names were delivered."""
    client = Group(SOTW, route("r")).client()
    client.ask(RDS, "r")
    client.settle()
    client.connect()
    client.ask_again(RDS, "r")
    client.expect(RDS, "r")


def test_endpoints_are_answered_while_a_cluster_warms(dialect):
    """Rows 51, 66: Envoy asks for them first and waits, though it names the version it has."""
    group = Group(dialect, cluster("x"), endpoints("x"))
    envoy = group.envoy()
    envoy.start()
    envoy.connect()
    envoy.ask_again(EDS, "x")
    envoy.expect(EDS, "x")
    envoy.ack(EDS)
    envoy.ask_again(CDS)
    assert envoy.is_silent()


def test_a_name_that_is_gone_is_removed():
    """Row 64: of names that are asked for, too."""
    group = Group(DELTA, route("a"), route("b"))
    client = group.client()
    client.ask(RDS, "a", "b")
    client.settle()
    group.publish(route("a"))
    client.connect()
    client.ask_again(RDS, "a", "b")
    assert client.expect(RDS).removals == {"b"}


def test_a_name_that_was_gone_is_sent_when_it_comes_again():
    """Rows 43, 64."""
    group = Group(DELTA, route("a"), route("b"))
    client = group.client()
    client.ask(RDS, "a", "b")
    client.settle()
    group.publish(route("a"))
    client.connect()
    client.ask_again(RDS, "a", "b")
    client.settle()
    group.publish(route("a"), route("b"))
    client.expect(RDS, "b")


def test_a_name_that_is_held_and_not_asked_for_is_removed():
    """Row 65. What becomes of it later is not said."""
    group = Group(DELTA, route("a"), route("b"))
    client = group.client()
    client.ask(RDS, "a", "b")
    client.settle()
    group.publish(route("a"), route("b", mark="2"))
    client.connect()
    client.ask_again(RDS, "a")
    assert client.expect(RDS).removals == {"b"}
    client.ack(RDS)
    assert client.is_silent()
    group.publish(route("a"), route("b", mark="3"))
    assert client.is_silent()


def test_a_full_state_is_not_sent_in_part_to_who_may_have_all_of_it():
    """Rows 38, 81: a listener that waits for a cluster would be deleted by a SotW response without it."""
    group = Group(SOTW, listener("l", cluster="x"), listener("other"), plain("x"))
    client = group.client()
    client.ask(CDS)
    client.ask(LDS)
    client.settle()
    group.publish(listener("l", cluster="x", mark="2"), listener("other"), plain("x", "2"))
    client.connect()
    client.ask_again(CDS)
    client.ask_again(LDS)
    client.expect(CDS, "x")
    assert client.is_silent()
    client.ack(CDS)
    client.expect(LDS, "l", "other")


def test_a_fresh_client_gets_what_need_not_wait(dialect):
    """Row 81."""
    client = Group(dialect, listener("l", cluster="x"), listener("other"), plain("x")).client()
    client.ask(CDS)
    client.ask(LDS)
    client.expect(CDS, "x")
    client.expect(LDS, "other")


def test_a_version_that_was_rolled_back_to_is_known():
    """Row 63: the client has what came after the control plane's present configuration, and then it comes again."""
    group = Group(DELTA, plain("a", "2"))
    client = group.client()
    client.ask(CDS)
    client.settle()
    group.publish(plain("a"))
    client.connect()
    client.ask_again(CDS)
    client.expect(CDS, "a")
    group.publish(plain("a", "2"))
    client.nack(CDS)
    assert client.is_silent()
    assert client.stream.subscribed()[0].resources == 1


def test_what_a_client_holds_under_a_glob_goes_though_its_version_is_not_believed():
    """Rows 64, 66: endpoints that are asked for before clusters, and are gone meanwhile."""
    glob = "xdstp://here/envoy.config.endpoint.v3.ClusterLoadAssignment/edge/*"
    gone = endpoints(glob.replace("*", "gone"))
    group = Group(DELTA, gone)
    client = group.client()
    client.ask(EDS, glob)
    client.settle()
    group.publish(cluster("other"))
    client.connect()
    client.ask_again(EDS, glob)
    client.settle()
    assert not client.names(EDS)

"""What a client is told, given the names that it asks for."""

from __future__ import annotations

import pytest
from xds_client import DELTA, SOTW, Group
from xds_resources import cluster, endpoints, extension, listener, route, secret

from xds.model.type_url import CDS, ECDS, EDS, LDS, RDS, SDS


def plain(name: str, mark: str = "1"):
    return cluster(name, mark, eds=False)


# Everything


def test_no_names_are_all_clusters(dialect):
    """Rows 30, 72."""
    client = Group(dialect, plain("a"), plain("b")).client()
    client.ask(CDS)
    client.expect(CDS, "a", "b")


@pytest.mark.parametrize("one", [endpoints("a"), route("a"), secret("a")], ids=lambda one: one.type_url[-9:])
def test_no_names_are_nothing_of_other_types(dialect, one):
    """Rows 35, 72."""
    client = Group(dialect, one).client()
    client.ask(one.type_url)
    assert client.is_silent()


@pytest.mark.parametrize("one", [plain("a"), endpoints("a"), route("a")], ids=lambda one: one.type_url[-9:])
def test_a_star_is_everything_of_any_type(dialect, one):
    """Row 34."""
    client = Group(dialect, one).client()
    client.ask(one.type_url, "*")
    client.expect(one.type_url, "a")


def test_a_star_with_a_name_is_still_everything(dialect):
    """Rows 31, 73."""
    group = Group(dialect, plain("a"), plain("b"))
    client = group.client()
    client.ask(CDS)
    client.settle()
    client.add(CDS, "*", "a")
    client.settle()
    group.publish(plain("a", "2"), plain("b", "2"))
    client.expect(CDS, "a", "b")


def test_a_name_after_no_names_leaves_the_wildcard_in_delta_only(dialect):
    """Rows 32, 73."""
    group = Group(dialect, plain("a"), plain("b"))
    client = group.client()
    client.ask(CDS)
    client.settle()
    client.add(CDS, "a")
    client.settle()
    group.publish(plain("a"), plain("b", "2"))
    client.settle()
    assert client.trace[-1].names == ({"b"} if dialect is DELTA else {"a", "b"})
    assert len(client.trace) == (3 if dialect is DELTA else 1)


def test_without_the_star_only_the_names_are_left(dialect):
    """Rows 32, 74, 76."""
    group = Group(dialect, plain("a"), plain("b"))
    client = group.client()
    client.ask(CDS, "*", "a")
    client.settle()
    client.drop(CDS, "*")
    assert client.is_silent()
    group.publish(plain("a"), plain("b", "2"))
    assert client.is_silent()
    group.publish(plain("a", "2"), plain("b", "2"))
    client.expect(CDS, "a")


def test_no_names_after_names_are_nothing(dialect):
    """Rows 33, 75: not everything, and nothing is pushed any more."""
    group = Group(dialect, plain("a"), plain("b"))
    client = group.client()
    client.ask(CDS, "*", "a")
    client.settle()
    client.drop(CDS, "*")
    client.drop(CDS, "a")
    group.publish(plain("a", "2"), plain("c"))
    assert client.is_silent()
    group.publish()
    assert client.is_silent()


# Names


def test_only_what_is_named_is_sent(dialect):
    """Row 36."""
    client = Group(dialect, plain("a"), plain("b")).client()
    client.ask(CDS, "a")
    client.expect(CDS, "a")
    client.ack(CDS)
    assert client.is_silent()


def test_full_state_or_only_the_change(dialect):
    """Rows 37, 54."""
    group = Group(dialect, plain("a"), plain("b"))
    client = group.client()
    client.ask(CDS, "a", "b")
    client.settle()
    group.publish(plain("a", "2"), plain("b"))
    client.expect(CDS, *("ab" if dialect is SOTW else "a"))


@pytest.mark.parametrize("names", [(), ("a", "b")], ids=["all", "named"])
def test_a_removed_cluster_is_told(dialect, names):
    """Rows 38, 55: down to the last."""
    group = Group(dialect, plain("a"), plain("b"))
    client = group.client()
    client.ask(CDS, *names)
    client.settle()
    group.publish(plain("b"))
    got = client.expect(CDS, *("b" if dialect is SOTW else ""))
    assert got.removals == (set() if dialect is SOTW else {"a"})
    client.ack(CDS)
    group.publish(endpoints("x"))
    client.expect(CDS)
    client.ack(CDS)
    assert client.names(CDS) == set()
    assert client.is_silent()


def test_a_removed_assignment_is_told_in_delta_only(dialect):
    """Rows 39, 55."""
    group = Group(dialect, endpoints("a"), endpoints("b"))
    client = group.client()
    client.ask(EDS, "a", "b")
    client.settle()
    group.publish(endpoints("a"))
    if dialect is DELTA:
        assert client.expect(EDS).removals == {"b"}
        client.ack(EDS)
    assert client.is_silent()


def test_only_what_changed_of_endpoints(dialect):
    """Rows 40, 54."""
    group = Group(dialect, endpoints("a"), endpoints("b"))
    client = group.client()
    client.ask(EDS, "a", "b")
    client.settle()
    group.publish(endpoints("a"), endpoints("b", 2))
    client.expect(EDS, "b")


def test_others_changes_are_no_news(dialect):
    """Row 41."""
    group = Group(dialect, listener("a"), listener("c"))
    client = group.client()
    client.ask(LDS, "a")
    client.settle()
    group.publish(listener("a"), listener("c", mark="2"), listener("d"))
    assert client.is_silent()


def test_a_name_dropped_and_asked_for_again_is_sent_again(dialect):
    """Row 42."""
    client = Group(dialect, endpoints("a"), endpoints("b")).client()
    client.ask(EDS, "a", "b")
    client.settle()
    client.drop(EDS, "a")
    assert client.is_silent()
    client.add(EDS, "a")
    client.expect(EDS, "a")


def test_a_name_that_comes_to_exist_is_sent_unasked(dialect):
    """Rows 43, 60."""
    group = Group(dialect, route("a"))
    client = group.client()
    client.ask(RDS, "a")
    client.settle()
    client.add(RDS, "b")
    client.settle()
    group.publish(route("a"), route("b"))
    client.expect(RDS, "b")


def test_a_listener_that_does_not_exist_is_told_at_once(dialect):
    """Rows 44, 59."""
    client = Group(dialect, listener("a")).client()
    client.ask(LDS, "zz")
    got = client.expect(LDS)
    assert got.removals == (set() if dialect is SOTW else {"zz"})
    client.ack(LDS)
    assert client.is_silent()


# Delta's own


def test_a_name_that_does_not_exist_is_removed_once_and_still_wanted():
    """Rows 59, 60."""
    group = Group(DELTA, route("a"))
    client = group.client()
    client.ask(RDS, "a", "zz")
    assert client.expect(RDS, "a").removals == {"zz"}
    client.ack(RDS)
    group.publish(route("a", mark="2"))
    assert client.expect(RDS, "a").removals == set()
    client.ack(RDS)
    group.publish(route("a", mark="2"), route("zz"))
    client.expect(RDS, "zz")
    client.ack(RDS)
    group.publish(route("a", mark="2"))
    assert client.expect(RDS).removals == {"zz"}
    client.ack(RDS)
    client.add(RDS, "zz")
    assert client.expect(RDS).removals == {"zz"}


@pytest.mark.parametrize(("type_url", "made"), [(SDS, secret), (ECDS, extension)], ids=["sds", "ecds"])
def test_a_secret_that_does_not_exist_is_not_reported(dialect, type_url, made):
    """Rows 106, 107: Envoy would refuse the one, and drop the configuration of the other."""
    group = Group(dialect, made("a"))
    client = group.client()
    client.ask(type_url, "zz")
    assert client.is_silent()
    group.publish(made("a"), made("zz"))
    client.expect(type_url, "zz")


def test_a_name_asked_for_again_is_sent_again():
    """Row 61."""
    client = Group(DELTA, route("a"), route("b")).client()
    client.ask(RDS, "a", "b")
    client.settle()
    client.add(RDS, "a")
    client.expect(RDS, "a")


def test_a_name_asked_for_again_while_it_is_on_its_way_is_sent_again():
    """Row 61: who knows what the client did with it in between."""
    client = Group(DELTA, route("a")).client()
    client.ask(RDS, "a")
    client.expect(RDS, "a")
    client.add(RDS, "a")
    client.ack(RDS)
    client.expect(RDS, "a")
    client.ack(RDS)
    assert client.is_silent()


def test_a_star_asked_for_again_sends_everything_again():
    """Row 62."""
    client = Group(DELTA, plain("a"), plain("b")).client()
    client.ask(CDS, "*")
    client.settle()
    client.add(CDS, "*")
    client.expect(CDS, "a", "b")


def test_nonces_do_not_matter_to_subscriptions():
    """Row 67."""
    client = Group(DELTA, route("a"), route("b")).client()
    client.ask(RDS, "a")
    client.settle()
    client.types[RDS].names.add("b")
    assert client.send(RDS, resource_names_subscribe=["b"], response_nonce="of long ago") is None
    client.expect(RDS, "b")


def test_a_name_dropped_under_a_wildcard_is_still_sent():
    """Row 77: the client is to learn that the wildcard has it."""
    client = Group(DELTA, plain("a"), plain("b")).client()
    client.ask(CDS, "*", "a")
    client.settle()
    client.drop(CDS, "a")
    client.expect(CDS, "a")


def test_a_name_dropped_that_the_wildcard_does_not_have_is_removed():
    """Row 77."""
    client = Group(DELTA, plain("a")).client()
    client.ask(CDS, "*", "zz")
    client.settle()
    client.drop(CDS, "zz")
    assert client.expect(CDS).removals == {"zz"}


def test_dropping_names_needs_no_response(dialect):
    """Rows 78, 79: later changes of them are silent, and unknown ones are ignored."""
    group = Group(dialect, route("a"), route("b"))
    client = group.client()
    client.ask(RDS, "a", "b")
    client.settle()
    client.drop(RDS, "a", "never heard of")
    group.publish(route("a", mark="2"), route("b"))
    assert client.is_silent()


def test_a_name_dropped_while_it_is_on_its_way_is_forgotten(dialect):
    """Row 78: its ACK does not mean that the client has it."""
    client = Group(dialect, route("a"), route("b")).client()
    client.ask(RDS, "a", "b")
    client.expect(RDS, "a", "b")
    client.drop(RDS, "a")
    client.ack(RDS)
    assert client.is_silent()
    assert client.stream.subscribed()[0].resources == 1
    client.add(RDS, "a")
    client.expect(RDS, "a")


def test_a_name_asked_for_again_and_dropped_is_dropped():
    """Row 78: nothing is owed of it, not even that it is gone."""
    group = Group(DELTA, route("a"), route("b"))
    client = group.client()
    client.ask(RDS, "a", "b")
    client.settle()
    client.add(RDS, "a")
    client.drop(RDS, "a")
    group.publish(route("b"))
    assert client.is_silent()


def test_a_name_both_asked_for_and_dropped_is_dropped():
    """Row 80."""
    client = Group(DELTA, route("a")).client()
    client.ask(RDS, "b")
    client.settle()
    client.send(RDS, resource_names_subscribe=["a"], resource_names_unsubscribe=["a"])
    assert client.is_silent()


def test_more_than_is_named_disturbs_nobody(dialect):
    """Row 92."""
    group = Group(dialect, cluster("a"), endpoints("a"), endpoints("local"), route("spare"))
    envoy = group.envoy()
    envoy.start()
    assert envoy.names(EDS) == {"a"}


def test_streams_of_one_type_are_right_each_by_itself(dialect):
    """Row 93."""
    group = Group(dialect, cluster("a"), endpoints("a"), listener("l", cluster="a"))
    clusters, assignments, listeners = group.client(), group.client(), group.client()
    clusters.ask(CDS)
    assignments.ask(EDS, "a")
    listeners.ask(LDS)
    listeners.expect(LDS, "l")
    assignments.expect(EDS, "a")
    clusters.expect(CDS, "a")

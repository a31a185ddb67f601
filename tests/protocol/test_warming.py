"""What Envoy waits for: an answer to an empty type, and the endpoints of every cluster that is new or changed.

The `envoy` double fails where Envoy would wait 15 s.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from xds_client import DELTA, SOTW, Group
from xds_resources import cluster, endpoints, listener, secret

from xds.codec import decode
from xds.model import Resource, Snapshot
from xds.model.type_url import CDS, EDS, LDS, RDS, SDS


@pytest.mark.parametrize("type_url", [CDS, LDS], ids=["cds", "lds"])
def test_an_empty_type_is_answered_once(dialect, type_url):
    """Rows 45, 58."""
    group = Group(dialect, endpoints("other"))
    client = group.client()
    client.ask(type_url)
    client.expect(type_url)
    client.ack(type_url)
    group.publish(endpoints("other", 2))
    assert client.is_silent()


def test_an_unknown_configuration_is_silence(dialect):
    """Row 46: an empty answer would delete what the client has."""
    group = Group(dialect)
    client = group.client()
    client.ask(CDS)
    client.ask(EDS, "a")
    assert client.is_silent()
    group.publish(cluster("a"), endpoints("a"))
    client.expect(CDS, "a")
    client.expect(EDS, "a")


def test_an_empty_configuration_is_an_answer(dialect):
    """Row 45."""
    group = Group(dialect)
    client = group.client()
    client.ask(LDS)
    group.served = Snapshot()
    client.expect(LDS)


def test_endpoints_that_do_not_exist_end_the_wait(dialect):
    """Rows 47, 59: by an assignment without endpoints, or by a removal; later ones are sent unasked."""
    group = Group(dialect, cluster("a"))
    envoy = group.envoy()
    envoy.start()
    if dialect is SOTW:
        assert not decode(EDS, envoy.has[EDS]["a"]).endpoints
    group.publish(cluster("a"), endpoints("a"))
    envoy.expect(EDS, "a")
    envoy.ack(EDS)
    assert envoy.is_silent()


def test_endpoints_that_still_do_not_exist_end_every_wait(dialect):
    """Rows 47, 59, 87, 88: also when the cluster changes, once told or had and gone."""
    group = Group(dialect, cluster("a"))
    envoy = group.envoy()
    envoy.start()
    group.publish(cluster("a", "2"))
    assert [one.type_url for one in envoy.run()] == [CDS, EDS]
    group.publish(cluster("a", "2"), endpoints("a"))
    envoy.run()
    assert decode(EDS, envoy.has[EDS]["a"]).endpoints
    group.publish(cluster("a", "3"))
    envoy.run()
    assert envoy.has[CDS]["a"] == cluster("a", "3").body


def test_an_assignment_that_a_client_has_is_not_emptied():
    """Row 39: a SotW client keeps the endpoints of a cluster that no longer has any, until its cluster changes."""
    group = Group(SOTW, cluster("a"), endpoints("a"))
    envoy = group.envoy()
    envoy.start()
    group.publish(cluster("a"))
    assert envoy.run() == []
    assert envoy.has[EDS]["a"] == endpoints("a").body


def test_a_changed_cluster_gets_its_endpoints_again(dialect):
    """Rows 71, 87, 88: in one breath, before either is answered, though the endpoints are the same."""
    group = Group(dialect, cluster("a"), endpoints("a"), cluster("b"), endpoints("b"))
    envoy = group.envoy()
    envoy.start()
    group.publish(cluster("a", "2"), endpoints("a"), cluster("b"), endpoints("b"))
    assert envoy.expect(CDS, *("ab" if dialect is SOTW else "a"))
    assert envoy.expect(EDS, "a")


def test_a_changed_cluster_warms(dialect):
    """Rows 87, 88: whatever Envoy asks, or does not, in between."""
    group = Group(dialect, cluster("a"), endpoints("a"), cluster("b"), endpoints("b"))
    envoy = group.envoy()
    envoy.start()
    for mark in "234":
        group.publish(cluster("a", mark), endpoints("a"), cluster("b"), endpoints("b"))
        assert [one.type_url for one in envoy.run()] == [CDS, EDS]
        assert envoy.has[CDS]["a"] == cluster("a", mark).body


def test_a_cluster_that_changes_while_endpoints_are_on_their_way_warms(dialect):
    """Rows 87, 88."""
    group = Group(dialect, cluster("a"), endpoints("a"))
    envoy = group.envoy()
    envoy.start()
    group.publish(cluster("a"), endpoints("a", 2))
    before = envoy.expect(EDS, "a")
    group.publish(cluster("a", "2"), endpoints("a", 2))
    changed = envoy.expect(CDS, "a")
    envoy.obey(before)
    envoy.obey(changed)
    assert envoy.cold == {"a"}
    envoy.run()


def test_endpoints_under_another_name_warm_too(dialect):
    """Row 89."""
    group = Group(dialect, cluster("a", service="shared"), endpoints("shared"))
    envoy = group.envoy()
    envoy.start()
    group.publish(cluster("a", "2", service="shared"), endpoints("shared"))
    envoy.expect(CDS, "a")
    envoy.expect(EDS, "shared")


def test_a_cluster_that_changes_where_its_endpoints_are_warms(dialect):
    """Row 89."""
    group = Group(dialect, cluster("a", service="x"), endpoints("x"), endpoints("y"))
    envoy = group.envoy()
    envoy.start()
    group.publish(cluster("a", service="y"), endpoints("x"), endpoints("y"))
    envoy.run()
    assert envoy.names(EDS) == {"y"}


def test_routes_are_not_sent_again_for_a_changed_listener(dialect):
    """Row 90."""
    group = Group(dialect, listener("l"))
    client = group.client()
    client.ask(LDS)
    client.ask(RDS, "r")
    client.settle()
    group.publish(listener("l", mark="2"))
    client.expect(LDS, "l")
    assert client.is_silent()


@pytest.mark.parametrize("made", [cluster, listener], ids=["cluster", "listener"])
def test_what_changed_gets_its_secrets_again(dialect, made):
    """Row 90: it warms until it has them, and Envoy may not ask for what it asked for before."""

    def bearing(mark: str) -> Resource:
        return replace(made("a", mark=mark), references=frozenset({(SDS, "s")}))

    group = Group(dialect, bearing("1"), secret("s"), secret("other"))
    client = group.client()
    client.ask(bearing("1").type_url)
    client.ask(SDS, "s", "other")
    client.settle()
    group.publish(bearing("2"), secret("s"), secret("other"))
    assert client.pull().type_url == bearing("2").type_url
    client.types[SDS].has_cause = True
    client.expect(SDS, "s")
    client.ack(SDS)
    group.publish(bearing("2"), secret("s"), secret("other", "2"))
    client.ack(bearing("2").type_url)
    client.expect(SDS, "other")


def test_a_client_that_wants_no_endpoints_gets_none(dialect):
    """Row 86."""
    group = Group(dialect, cluster("a"), endpoints("a"))
    client = group.client()
    client.ask(CDS)
    client.ask(EDS, "b")
    client.settle()
    group.publish(cluster("a", "2"), endpoints("a"))
    client.expect(CDS, "a")
    assert client.is_silent()


def test_delta_tells_what_a_removed_assignment_is():
    """Row 55."""
    group = Group(DELTA, cluster("a"), endpoints("a"))
    envoy = group.envoy()
    envoy.start()
    group.publish(cluster("a"))
    assert envoy.expect(EDS).removals == {"a"}

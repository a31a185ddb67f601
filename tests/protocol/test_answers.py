"""Versions, nonces, ACK and NACK."""

from __future__ import annotations

import pytest
from xds_client import DELTA, SOTW, Accepted, Group, Rejected
from xds_resources import cluster, endpoints, route

from xds.model.type_url import CDS, EDS, RDS


def plain(name: str, mark: str = "1"):
    return cluster(name, mark, eds=False)


def test_a_first_request_is_answered_with_all_that_it_asks_for(dialect):
    """Rows 13, 53."""
    client = Group(dialect, endpoints("a"), endpoints("b"), endpoints("c")).client()
    client.ask(EDS, "a", "b")
    client.expect(EDS, "a", "b")


def test_an_ack_is_not_answered(dialect):
    """Row 14."""
    client = Group(dialect, plain("a")).client()
    client.ask(CDS)
    client.expect(CDS, "a")
    assert client.ack(CDS) == Accepted(CDS, (plain("a"),))
    assert client.is_silent()


def test_what_was_refused_is_not_said_again(dialect):
    """Rows 15, 16, 68: not even when it was the first response."""
    client = Group(dialect, plain("a")).client()
    client.ask(CDS)
    client.expect(CDS, "a")
    assert client.nack(CDS, "no") == Rejected(CDS, (plain("a"),), (plain("a"),), "no")
    assert client.is_silent()
    client.group.publish(plain("a"), endpoints("x"))
    assert client.is_silent()


def test_an_update_that_was_refused_is_not_said_again(dialect):
    """Row 15."""
    group = Group(dialect, plain("a"), plain("b"))
    client = group.client()
    client.ask(CDS)
    client.settle()
    group.publish(plain("a", "2"), plain("b"))
    client.expect(CDS, *("ab" if dialect is SOTW else "a"))
    client.nack(CDS)
    assert client.is_silent()
    group.publish(plain("a", "2"), plain("b"), endpoints("x"))
    assert client.is_silent()


def test_news_after_a_refusal_are_said_once(dialect):
    """Row 18."""
    group = Group(dialect, plain("a"), plain("b"))
    client = group.client()
    client.ask(CDS)
    client.pull()
    client.nack(CDS, "a is bad", takes=("b",))
    client.settle()
    said = len(client.trace)
    group.publish(plain("a", "2"), plain("b"))
    client.expect(CDS, *("ab" if dialect is SOTW else "a"))
    client.ack(CDS)
    assert client.is_silent()
    assert len(client.trace) == said + 1


def test_a_rollback_after_a_refusal_is_said(dialect):
    """Row 19: the client may have taken some of what it refused, and the mark is gone afterwards."""
    group = Group(dialect, plain("a"), plain("b"))
    client = group.client()
    client.ask(CDS)
    client.settle()
    group.publish(plain("a", "2"), plain("b", "2"))
    client.pull()
    client.nack(CDS, takes=("a",))
    group.publish(plain("a"), plain("b"))
    client.expect(CDS, "a", "b")
    client.ack(CDS)
    assert client.stream.subscribed()[0].error == ""
    assert client.has[CDS] == {"a": plain("a").body, "b": plain("b").body}


def test_a_refusal_is_known_by_its_error_and_not_by_its_version():
    """Row 17: a new name at the version before is no refusal."""
    group = Group(SOTW, endpoints("a"), endpoints("b"))
    client = group.client()
    client.ask(EDS, "a")
    client.settle()
    client.types[EDS].version = "something else"
    client.add(EDS, "b")
    assert client.facts[-1] == Accepted(EDS, (endpoints("a"),))
    client.expect(EDS, "b")


def test_an_answer_to_an_old_response_is_none():
    """Row 21."""
    group = Group(SOTW, plain("a"))
    client = group.client()
    client.ask(CDS)
    old = client.expect(CDS, "a")
    client.ack(CDS)
    group.publish(plain("a", "2"))
    client.expect(CDS, "a")
    assert client.send(CDS, version_info=old.version, response_nonce=old.nonce) is None
    assert client.send(CDS, response_nonce=old.nonce, error_detail={"message": "no"}) is None
    assert client.is_silent()
    assert client.ack(CDS) == Accepted(CDS, (plain("a", "2"),))


def test_names_asked_for_before_the_last_response_was_seen_are_not_lost():
    """Row 22."""
    group = Group(SOTW, endpoints("a"), endpoints("b"))
    client = group.client()
    client.ask(EDS, "a")
    client.expect(EDS, "a")
    client.add(EDS, "b")
    assert client.is_silent()
    client.ack(EDS)
    client.expect(EDS, "b")


def test_a_name_dropped_and_asked_for_while_a_response_is_on_its_way_is_sent_again():
    """Row 22: the client let go of it in between (envoy#10363)."""
    group = Group(SOTW, endpoints("a"), endpoints("b"))
    client = group.client()
    client.ask(EDS, "a", "b")
    client.settle()
    group.publish(endpoints("a"), endpoints("b", 2))
    client.expect(EDS, "b")
    client.drop(EDS, "a")
    client.add(EDS, "a")
    client.ack(EDS)
    client.expect(EDS, "a")


def test_more_names_may_come_with_a_nonce_that_was_answered(dialect):
    """Row 23."""
    client = Group(dialect, endpoints("a"), endpoints("b")).client()
    client.ask(EDS, "a")
    client.settle()
    client.add(EDS, "b")
    client.expect(EDS, "b")


@pytest.mark.parametrize("nonce", ["", "of another stream"])
def test_a_request_without_the_right_nonce_is_ignored(nonce):
    """Row 24."""
    client = Group(SOTW, endpoints("a"), endpoints("b")).client()
    client.ask(EDS, "a")
    client.settle()
    client.send(EDS, resource_names=["a", "b"], response_nonce=nonce)
    assert client.is_silent()


def test_changes_while_an_answer_is_awaited_become_one_response(dialect):
    """Row 25."""
    group = Group(dialect, plain("a"))
    client = group.client()
    client.ask(CDS)
    client.expect(CDS, "a")
    for mark in "234":
        group.publish(plain("a", mark))
        assert client.is_silent()
    client.ack(CDS)
    assert client.expect(CDS, "a").resources["a"] == plain("a", "4").body
    client.ack(CDS)
    assert client.is_silent()


def test_the_same_content_is_no_news(dialect):
    """Rows 26, 56: not even when nothing is shared with the snapshot before."""
    group = Group(dialect, plain("a"), endpoints("a"))
    client = group.client()
    client.ask(CDS)
    client.ask(EDS, "a")
    client.settle()
    group.asked = None
    group.publish(plain("a"), endpoints("a"))
    assert client.is_silent()


def test_versions_are_made_of_content_alone(dialect):
    """Rows 29, 57: equal on every replica, whatever the order of what is listed."""
    versions = []
    for names in ("ab", "ba"):
        client = Group(dialect, *(plain(name) for name in names)).client()
        client.ask(CDS)
        got = client.expect(CDS, "a", "b")
        versions.append((got.version, got.versions))
    assert versions[0] == versions[1]


def test_neighbours_of_a_refused_resource_are_offered_again(dialect):
    """Row 69: the client may have dropped them all, so the next response has what was never accepted."""
    group = Group(dialect, route("a"), route("b"))
    client = group.client()
    client.ask(RDS, "a", "b")
    client.settle()
    group.publish(route("a", mark="2"), route("b", mark="2"))
    client.expect(RDS, "a", "b")
    client.nack(RDS)
    group.publish(route("a", mark="2"), route("b", mark="3"))
    client.settle()
    assert set().union(*(one.names for one in client.trace[-2:])) == {"a", "b"}
    assert client.has[RDS] == {"a": route("a", mark="2").body, "b": route("b", mark="3").body}


def test_an_answer_may_bring_new_names(dialect):
    """Row 70."""
    client = Group(dialect, route("a"), route("b")).client()
    client.ask(RDS, "a")
    got = client.expect(RDS, "a")
    client.types[RDS].names.add("b")
    if dialect is DELTA:
        client.types[RDS].unanswered = None
        fact = client.send(RDS, response_nonce=got.nonce, resource_names_subscribe=["b"])
    else:
        fact = client.ack(RDS)
    assert fact == Accepted(RDS, (route("a"),))
    client.expect(RDS, "b")


def test_a_removal_is_said_again_with_what_stands_trial():
    """Row 69, of names that do not exist: the client may not have heard it."""
    group = Group(DELTA, endpoints("a"), endpoints("b"))
    client = group.client()
    client.ask(EDS, "a", "b", "zz")
    assert client.expect(EDS, "a", "b").removals == {"zz"}
    client.nack(EDS)
    got = client.pull()
    assert len(got.names) == 1
    assert got.removals == {"zz"}


def test_a_refused_removal_is_not_said_again():
    """Row 68: until it is asked for, or something is there."""
    group = Group(DELTA, endpoints("a"))
    client = group.client()
    client.ask(EDS, "a", "zz")
    client.settle()
    client.add(EDS, "yy")
    assert client.expect(EDS).removals == {"yy"}
    client.nack(EDS)
    assert client.is_silent()
    group.publish(endpoints("a", 2))
    assert client.expect(EDS, "a").removals == set()
    client.ack(EDS)
    client.add(EDS, "ww")
    assert client.expect(EDS).removals == {"ww"}
    client.ack(EDS)
    client.add(EDS, "yy")
    assert client.expect(EDS).removals == {"yy"}
    client.nack(EDS)
    group.publish(endpoints("a", 2), endpoints("yy"))
    client.expect(EDS, "yy")


def test_what_was_refused_may_be_offered_once_more(dialect):
    group = Group(dialect, plain("a"), plain("b"))
    client, other = group.client(), group.client()
    for one in (client, other):
        one.ask(CDS)
        one.pull()
    other.ack(CDS)
    client.nack(CDS, "a is bad")
    client.settle()
    assert client.names(CDS) == {"b"}
    client.stream.forgive(RDS)
    assert client.is_silent()
    client.stream.forgive(CDS)
    client.types[CDS].has_cause = True
    client.settle()
    assert client.names(CDS) == {"a", "b"}


def test_what_was_refused_is_not_said_again_to_who_asks_for_it():
    """Rows 15, 61: asking again does not make it better."""
    group = Group(DELTA, route("a"), route("b"))
    client, other = group.client(), group.client()
    for one in (client, other):
        one.ask(RDS, "a", "b")
        one.pull()
    other.ack(RDS)
    client.nack(RDS, "a is bad")
    client.settle()
    client.add(RDS, "a")
    assert client.is_silent()

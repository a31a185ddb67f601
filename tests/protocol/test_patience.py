"""A client that does not answer: what depends on it waits for a while, and then goes on."""

from __future__ import annotations

import pytest
from xds_client import SOTW, Group
from xds_resources import cluster, endpoints, listener, route

from xds.codec import decode, references
from xds.model import Answer
from xds.model.type_url import CDS, EDS, LDS, RDS
from xds.protocol import Accepted, Limits, Overdue, Rejected, Stream

PATIENCE = Limits().patience


@pytest.fixture
def client(dialect):
    """One that was sent a cluster, and does not answer; a route waits for it."""
    client = Group(dialect, listener("l", "r"), route("r", "x"), cluster("x"), endpoints("x")).client()
    for type_url, names in ((CDS, ""), (EDS, "x"), (RDS, "r")):
        client.ask(type_url, *names)
    client.expect(CDS, "x")
    client.expect(EDS, "x")
    return client


def test_a_route_does_not_wait_for_ever(client):
    """Row 71: until then it does."""
    client.group.now = PATIENCE - 1
    assert client.is_silent()
    client.group.now = PATIENCE
    client.impatient = True
    client.expect(RDS, "r")


def test_the_type_itself_still_waits(client):
    """Row 25: one unanswered response a type, for however long, as long as there is no other news."""
    client.group.publish(route("r", "x", mark="2"), cluster("x"), endpoints("x"))
    client.group.now = 10 * PATIENCE
    client.impatient = True
    client.expect(RDS, "r")
    assert client.is_silent()


def test_news_take_the_place_of_what_is_overdue(client):
    """Envoy never answers an update with a cluster that it fails to make while it warms, and takes the next."""
    client.group.publish(route("r", "x"), cluster("x", "2"), endpoints("x"))
    client.group.now = PATIENCE - 1
    assert client.is_silent()
    client.group.now = PATIENCE
    client.impatient = True
    first = client.types[CDS].unanswered
    client.expect(CDS, "x")
    assert client.send(CDS, **late(client, first.nonce)) is None
    client.ack(CDS)
    assert client.stream.subscribed()[0].answer is Answer.ACCEPTED


def test_what_was_overdue_may_be_there_all_the_same(dialect):
    """It is taken away when it is gone from the news."""
    group = Group(dialect, cluster("x", eds=False))
    client = group.client()
    client.ask(CDS)
    client.expect(CDS, "x")
    group.now = PATIENCE
    assert client.is_silent()
    group.publish(cluster("y", eds=False))
    got = client.expect(CDS, "y")
    assert got.removals == (set() if dialect is SOTW else {"x"})
    client.group.now = 2 * PATIENCE - 1
    group.publish(cluster("z", eds=False))
    assert client.is_silent()
    group.now = 2 * PATIENCE
    assert client.expect(CDS, "z").removals == (set() if dialect is SOTW else {"x", "y"})
    client.ack(CDS)
    assert client.is_silent()


def test_what_is_overdue_is_not_said_again_because_of_others(dialect):
    """Only what this client is to have counts as news."""
    group = Group(dialect, cluster("other"))
    client = group.client()
    client.ask(CDS, "x")
    client.pull()
    group.now = PATIENCE
    group.publish(cluster("other", "2"))
    assert client.is_silent()


def test_an_error_of_what_was_overdue_is_no_refusal_of_the_news():
    """Envoy's answer in SotW: the version that it took last, and what it found wrong with the one before."""
    group = Group(SOTW, cluster("x", eds=False))
    client = group.client()
    client.ask(CDS)
    client.expect(CDS, "x")
    group.now = PATIENCE
    assert client.is_silent()
    group.publish(cluster("y", eds=False))
    got = client.expect(CDS, "y")
    fact = client.send(CDS, version_info=got.version, response_nonce=got.nonce, error_detail={"message": "x is bad"})
    assert fact == Accepted(CDS, (cluster("y", eds=False),))
    client.types[CDS].unanswered = None
    group.publish(cluster("y", "2", eds=False))
    got = client.pull()
    fact = client.send(CDS, version_info=got.version, response_nonce=got.nonce, error_detail={"message": "no"})
    assert isinstance(fact, Rejected)


def late(client, nonce):
    return {"response_nonce": nonce, **({"version_info": "old"} if client.dialect is SOTW else {})}


def test_a_cluster_that_was_not_offered_is_waited_for(client):
    """Row 85: whoever does not answer for one cluster is not routed to another that it was never told of."""
    client.group.publish(route("r", "y"), cluster("x"), cluster("y"), endpoints("x"))
    client.group.now = 2 * PATIENCE
    client.expect(CDS, "x", "y")
    assert client.is_silent()


def test_a_removal_does_not_wait_for_ever(dialect):
    """Row 84: for the route that lets go of the cluster."""
    group = Group(dialect, listener("l", "r"), route("r", "x"), cluster("x"), endpoints("x"))
    envoy = group.envoy()
    envoy.start()
    group.publish(listener("l", "r"), route("r"))
    envoy.expect(RDS, "r")
    assert envoy.is_silent()
    group.now = PATIENCE
    got = envoy.expect(CDS)
    assert got.removals == (set() if dialect is SOTW else {"x"})


def test_who_dropped_it_since_does_not_have_it(dialect):
    """Row 84: a route that the client wants no more holds on to nothing, answered or not."""
    group = Group(dialect, route("r", "x"), route("s"), cluster("x", eds=False))
    client = group.client()
    client.ask(CDS)
    client.ask(RDS, "r", "s")
    client.expect(CDS, "x")
    client.ack(CDS)
    client.expect(RDS, "r", "s")
    group.now = PATIENCE
    assert client.is_silent()
    client.drop(RDS, "r")
    group.publish(route("s"))
    assert client.expect(CDS).names == set()


def test_it_is_told_once(client):
    """Who is late, with what, and since when to ask again."""
    assert client.stream.wake_at() == PATIENCE
    client.group.now = PATIENCE - 1
    assert client.is_silent()
    assert client.stream.notices() == ()
    client.group.now = PATIENCE
    client.impatient = True
    client.pull()
    assert client.stream.notices() == (Overdue(CDS), Overdue(EDS))
    assert client.stream.notices() == ()
    answers = {one.type_url: one.answer for one in client.stream.subscribed()}
    assert answers == {CDS: Answer.STALE, EDS: Answer.STALE, RDS: Answer.PENDING}
    assert client.stream.wake_at() == 2 * PATIENCE
    client.ack(RDS)
    assert client.is_silent()
    assert client.stream.wake_at() is None


def test_a_late_answer_counts(client):
    """An ACK after all: the type goes on."""
    client.group.now = PATIENCE
    client.impatient = True
    client.settle()
    client.ack(CDS)
    client.ack(EDS)
    assert {one.answer for one in client.stream.subscribed()} == {Answer.ACCEPTED}
    client.group.publish(route("r", "x"), cluster("x", "2"), endpoints("x"))
    client.expect(CDS, "x")
    assert client.stream.wake_at() == 2 * PATIENCE


def test_a_late_refusal_counts(client):
    """Row 15: it is the group's verdict like any other."""
    client.group.now = PATIENCE
    client.impatient = True
    client.settle()
    client.nack(CDS, "cluster(s) x: bad")
    assert [one.name for one in client.group.verdicts.refusals()] == ["x"]
    assert client.is_silent()


def test_patience_is_a_limit_like_others(dialect):
    stream = Stream(dialect, limits=Limits(patience=1))
    assert stream.wake_at() is None
    assert (stream.respond(5.0), stream.wake_at()) == (None, None)


def test_listeners_do_not_wait_for_ever_either(dialect):
    client = Group(dialect, listener("l", cluster="x"), cluster("x", eds=False)).client()
    client.ask(CDS)
    client.ask(LDS)
    client.expect(CDS, "x")
    assert client.is_silent()
    client.group.now = PATIENCE
    client.impatient = True
    client.expect(LDS, "l")


def test_endpoints_stay_while_a_cluster_that_a_route_names_is_said_again(dialect):
    """A client that took an update and never said so goes on with what its routes name, until they name it no longer."""
    group = Group(dialect, listener("l", "r"), route("r", "old"), cluster("old"), endpoints("old"))
    client = group.client()
    for type_url, names in ((CDS, ""), (EDS, ("old",)), (LDS, ""), (RDS, ("r",))):
        client.ask(type_url, *names)
    client.settle()
    group.publish(listener("l", "r"), route("r", "old"), cluster("old", "2"), endpoints("old"))
    client.expect(CDS, "old")
    client.expect(EDS, "old")
    client.ack(EDS)
    group.now = PATIENCE
    assert client.is_silent()
    group.publish(listener("l", "r"), route("r", "new"), cluster("new"), endpoints("new"))
    body = endpoints("old").body
    while (got := client.pull()) is not None:
        assert got.resources.get("old", body) == body or got.type_url != EDS
        if got.type_url == CDS and client.names(RDS) and "new" in got.resources:
            client.add(EDS, "new")
        client.ack(got.type_url)
        if references_of(client, "r") == {"old"}:
            assert client.has[EDS].get("old") == body
            assert "old" in client.names(CDS)
    assert references_of(client, "r") == {"new"}
    assert client.names(CDS) == {"new"}
    client.drop(EDS, "old")
    assert client.names(EDS) == {"new"}


def references_of(client, name):
    """The clusters that a route of the client names."""
    body = client.has.get(RDS, {}).get(name)
    return {one for type_url, one in references(decode(RDS, body)) if type_url == CDS} if body else set()

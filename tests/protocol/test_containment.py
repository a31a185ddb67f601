"""What was refused is contained: one resource, for the whole group, until its author writes something else."""

from __future__ import annotations

import pytest
from xds_client import DELTA, SOTW, Accepted, Group, Rejected
from xds_resources import cluster, endpoints, listener, route, secret

from xds.model import Refusal, Snapshot
from xds.model.type_url import CDS, EDS, LDS, RDS
from xds.protocol import Verdicts
from xds.protocol.subscription import blamed


def plain(name: str, mark: str = "1"):
    return cluster(name, mark, eds=False)


def refuses(group, client, type_url, name):
    """Pulls the next response of the type and refuses this resource, in Envoy's words."""
    got = client.pull()
    assert got.type_url == type_url
    return client.nack(type_url, f"Error adding/updating cluster(s) {name}: it is bad", takes=tuple(got.names - {name}))


# The culprit


@pytest.mark.parametrize(
    ("words", "culprits"),
    [
        ("Error adding/updating cluster(s) a: bad, a-b: worse", {"a", "a-b"}),
        ("Error adding/updating cluster(s) a-b: bad", {"a-b"}),
        ("Error adding/updating listener(s) 0.0.0.0:80: bad", {"0.0.0.0:80"}),
        ("cannot find backend abc", set()),
        ("no", set()),
    ],
)
def test_the_culprits_are_those_that_the_words_name(words, culprits):
    offered = [plain("a"), plain("a-b"), plain("0.0.0.0:80"), plain("back")]
    assert {one.name for one in blamed(offered, {}, words)} == culprits


def test_what_the_client_has_already_is_not_to_blame():
    """A response that says again what is in force, and one thing that is new: that one it is."""
    assert blamed([plain("a"), plain("b")], {"a": plain("a")}, "no") == (plain("b"),)


# The group


def test_the_last_good_bytes_stay_and_neighbours_go_on(dialect):
    """Rows 15, 20, 69, 131."""
    group = Group(dialect, plain("a"), plain("b"))
    client = group.client()
    client.ask(CDS)
    client.settle()
    group.publish(plain("a", "bad"), plain("b", "2"))
    assert refuses(group, client, CDS, "a").culprits == (plain("a", "bad"),)
    client.settle()
    assert client.has[CDS] == {"a": plain("a").body, "b": plain("b", "2").body}
    assert list(group.verdicts.refusals()) == [
        Refusal("group", CDS, "a", plain("a", "bad").version, "Error adding/updating cluster(s) a: it is bad", kept=True),
    ]
    group.publish(plain("a", "bad"), plain("b", "3"))
    client.settle()
    assert client.has[CDS] == {"a": plain("a").body, "b": plain("b", "3").body}


def test_what_was_taken_from_a_refused_response_can_be_removed(dialect):
    """Row 69: the client may hold `b`, though it never accepted it."""
    group = Group(dialect, plain("a", "bad"), plain("b"))
    client = group.client()
    client.ask(CDS)
    refuses(group, client, CDS, "a")
    for mark in ("worse", "worst"):
        group.publish(plain("a", mark))
        refuses(group, client, CDS, "a")
    group.publish(plain("c"))
    client.settle()
    assert client.names(CDS) == {"c"}


def test_what_was_refused_and_taken_away_is_news_when_it_comes_back(dialect):
    """It is refused once more, and known again: the author is told, and later clients are spared."""
    group = Group(dialect, plain("a", "bad"))
    client = group.client()
    client.ask(CDS)
    for _ in range(2):
        refuses(group, client, CDS, "a")
        client.settle()
        assert [one.name for one in group.verdicts.refusals()] == ["a"]
        group.publish(plain("b"))
        client.settle()
        group.publish(plain("a", "bad"), plain("b"))


def test_a_later_client_never_meets_refused_bytes(dialect):
    group = Group(dialect, plain("a"), plain("b"))
    first = group.client()
    first.ask(CDS)
    first.settle()
    group.publish(plain("a", "bad"), plain("b"), plain("c", "bad"))
    got = first.pull()
    first.nack(CDS, "cluster(s) a: bad, c: bad")
    second = group.client()
    second.ask(CDS)
    assert second.expect(CDS, "a", "b").resources["a"] == plain("a").body
    assert got.resources["a"] == plain("a", "bad").body
    assert {(one.name, one.kept) for one in group.verdicts.refusals()} == {("a", True), ("c", False)}


def test_new_bytes_are_a_new_chance(dialect):
    group = Group(dialect, plain("a"), plain("b"))
    client = group.client()
    client.ask(CDS)
    client.settle()
    group.publish(plain("a", "bad"), plain("b"))
    refuses(group, client, CDS, "a")
    client.settle()
    group.publish(plain("a", "good"), plain("b"))
    client.settle()
    assert client.has[CDS]["a"] == plain("a", "good").body
    assert list(group.verdicts.refusals()) == []


def test_what_the_last_good_bytes_name_stays(dialect):
    """A refused route keeps its clusters, and those their endpoints."""
    group = Group(dialect, listener("l", "r"), route("r", "x"), cluster("x"), endpoints("x"))
    envoy = group.envoy()
    envoy.start()
    group.publish(listener("l", "r"), route("r", "y", mark="bad"), cluster("y"), endpoints("y"))
    envoy.run(lambda got: "r is bad" if got.type_url == RDS else "")
    assert envoy.names(CDS) == {"x", "y"}
    assert envoy.has[EDS]["x"] == endpoints("x").body
    assert envoy.has[RDS]["r"] == route("r", "x").body
    late = group.envoy()
    late.start()
    assert late.has == envoy.has


def test_what_names_a_refused_new_cluster_waits(dialect):
    """The change that needs it does not go out; what the same route says next does."""
    group = Group(dialect, listener("l", "r"), route("r", "x"), cluster("x"), endpoints("x"))
    envoy = group.envoy()
    envoy.start()
    rest = (listener("l", "r"), cluster("x"), endpoints("x"), endpoints("y"))
    group.publish(*rest, route("r", "y"), cluster("y", "bad"))
    envoy.run(lambda got: "cluster(s) y: bad" if got.type_url == CDS and "y" in got.names else "")
    assert envoy.has[RDS]["r"] == route("r", "x").body
    assert [one.name for one in group.verdicts.refusals()] == ["y"]
    group.publish(*rest, route("r", "y", "x"), cluster("y", "bad"))
    envoy.run()
    assert envoy.has[RDS]["r"] == route("r", "y", "x").body


def test_what_waited_goes_out_when_the_cluster_is_mended(dialect):
    """Though it did not change itself."""
    group = Group(dialect, listener("l", "r"), route("r", "x"), cluster("x"), endpoints("x"))
    envoy = group.envoy()
    envoy.start()
    rest = (listener("l", "r"), route("r", "y"), endpoints("y"))
    group.publish(*rest, cluster("y", "bad"))
    envoy.run(lambda got: "cluster(s) y: bad" if got.type_url == CDS and "y" in got.names else "")
    assert envoy.names(CDS) == {"x"}
    group.publish(*rest, cluster("y", "good"))
    envoy.run()
    assert envoy.has[RDS]["r"] == route("r", "y").body
    assert envoy.names(CDS) == {"y"}


def test_what_waits_for_two_waits_for_both(dialect):
    group = Group(dialect, route("r"))
    client = group.client()
    client.ask(CDS)
    client.ask(RDS, "r")
    client.settle()
    group.publish(route("r", "y", "z"), plain("y", "bad"), plain("z", "bad"))
    client.pull()
    client.nack(CDS, "cluster(s) y: bad, z: bad")
    group.publish(route("r", "y", "z"), plain("y", "good"), plain("z", "bad"))
    client.settle()
    assert client.has[RDS]["r"] == route("r").body
    group.publish(route("r", "y", "z"), plain("y", "good"), plain("z", "good"))
    client.settle()
    assert client.has[RDS]["r"] == route("r", "y", "z").body


def test_a_refusal_of_what_works_elsewhere_stays_with_its_client(dialect):
    """It is not offered to that one again, whatever becomes of its neighbours."""
    group = Group(dialect, plain("a"), plain("b"))
    client, other = group.client(), group.client()
    for one in (client, other):
        one.ask(CDS)
        one.pull()
    other.ack(CDS)
    client.nack(CDS, "a is bad")
    client.settle()
    assert other.is_silent()
    assert list(group.verdicts.refusals()) == []
    group.publish(plain("a"), plain("b", "2"))
    client.settle()
    assert client.has[CDS] == {"b": plain("b", "2").body}
    assert client.stream.subscribed()[0].error == "a is bad"
    group.publish(plain("a", "2"), plain("b", "2"))
    client.settle()
    assert client.names(CDS) == {"a", "b"}
    assert client.stream.subscribed()[0].error == ""


def test_what_another_client_has_in_force_is_not_condemned(dialect):
    group = Group(dialect, plain("a"))
    client, other = group.client(), group.client()
    for one in (client, other):
        one.ask(CDS)
        one.pull()
    other.ack(CDS)
    client.nack(CDS, "a is bad")
    assert client.is_silent()
    assert other.is_silent()


def test_a_late_ack_does_not_bring_refused_bytes_back(dialect):
    group = Group(dialect, plain("a"))
    client, other = group.client(), group.client()
    for one in (client, other):
        one.ask(CDS)
        one.settle()
    group.publish(plain("a", "bad"))
    client.pull()
    other.pull()
    client.nack(CDS, "a is bad")
    other.ack(CDS)
    group.publish(plain("a", "bad"), plain("b"))
    client.settle()
    other.settle()
    assert client.has[CDS]["a"] == other.has[CDS]["a"] == plain("a").body


def test_a_late_refusal_does_not_bring_refused_bytes_back(dialect):
    """It is of something that nobody asks for any more."""
    group = Group(dialect, plain("a"))
    client, slow = group.client(), group.client()
    for one in (client, slow):
        one.ask(CDS)
        one.settle()
    group.publish(plain("a", "bad"))
    slow.pull()
    group.publish(plain("a", "worse"))
    client.pull()
    client.nack(CDS, "a is bad")
    slow.nack(CDS, "a is bad")
    group.publish(plain("a", "worse"), plain("b"))
    for one in (client, slow):
        one.settle()
        assert one.has[CDS] == {"a": plain("a").body, "b": plain("b").body}


def test_a_pardon_offers_once_more(dialect):
    group = Group(dialect, plain("a"), route("r", "a"))
    client = group.client()
    client.ask(CDS)
    client.settle()
    group.publish(plain("a", "2"), plain("b"), route("r", "a"))
    client.pull()
    client.nack(CDS, "a: cannot bind")
    client.settle()
    assert group.verdicts.pardon("something else") == frozenset()
    assert group.verdicts.pardon("cannot bind") == {CDS}
    group.publish(plain("a", "2"), plain("b"), route("r", "a"))
    client.stream.forgive(CDS)
    client.settle()
    assert client.has[CDS]["a"] == plain("a", "2").body


# After a restart of the control plane, nobody knows what was accepted before


def test_what_a_client_kept_through_a_restart_is_the_last_good(dialect):
    before = Group(dialect, plain("a"), plain("b"))
    client = before.client()
    client.ask(CDS)
    client.settle()
    client.group = Group(dialect, plain("a"), plain("b"))
    client.connect()
    client.ask_again(CDS)
    assert client.is_silent()
    client.group.publish(plain("a", "bad"), plain("b"))
    refuses(client.group, client, CDS, "a")
    client.settle()
    assert client.has[CDS] == {"a": plain("a").body, "b": plain("b").body}


def test_what_is_refused_and_was_never_known_is_left_alone():
    """The configuration was bad through the restart: the client keeps what it has, which nobody here has ever seen."""
    before = Group(DELTA, plain("a"), plain("b"))
    client = before.client()
    client.ask(CDS)
    client.settle()
    client.group = Group(DELTA, plain("a", "bad"), plain("b", "2"))
    client.connect()
    client.ask_again(CDS)
    refuses(client.group, client, CDS, "a")
    client.settle()
    assert client.has[CDS] == {"a": plain("a").body, "b": plain("b", "2").body}
    client.group.publish(plain("b", "2"))
    client.settle()
    assert client.names(CDS) == {"b"}


# Verdicts by themselves


def test_verdicts_forget_what_is_long_gone():
    """What is still named by what was accepted stays, however far down."""
    verdicts = Verdicts("group")
    chain = (listener("l", "r"), route("r", "x"), cluster("x"), endpoints("x"))
    snapshot = Snapshot.of([listener("l", "r2"), secret("s")])
    verdicts.judge(Accepted(LDS, chain), snapshot)
    verdicts.judge(Accepted(CDS, tuple(plain(f"c{number}") for number in range(80))), snapshot)
    assert set(verdicts._accepted) == {one.reference for one in chain}


def test_clusters_that_name_each_other_are_no_trap():
    verdicts = Verdicts("group")
    a = listener("a", cluster="b")
    ring = [a, plain("b")]
    object.__setattr__(ring[1], "references", frozenset({a.reference}))
    verdicts.judge(Accepted(LDS, tuple(ring)), Snapshot.of(ring))
    bad = Snapshot.of([listener("a", cluster="b", mark="bad")])
    bad_one = next(iter(bad))
    assert verdicts.judge(Rejected(LDS, (bad_one,), (bad_one,), "no"), bad)
    assert {one.name for one in verdicts.effective(bad)} == {"a", "b"}


def test_the_same_refusal_twice_is_no_news():
    verdicts, bad = Verdicts("group"), plain("a")
    snapshot = Snapshot.of([bad])
    fact = Rejected(CDS, (bad,), (bad,), "no")
    assert verdicts.judge(fact, snapshot)
    assert not verdicts.judge(fact, snapshot)


def test_a_parent_refused_itself_stays_refused():
    """A refusal is not weakened to waiting by a refused child."""
    verdicts = Verdicts("group")
    old, parent, child = route("r"), route("r", "x"), plain("x")
    verdicts.judge(Accepted(RDS, (old,)), Snapshot.of([old]))
    snapshot = Snapshot.of([parent, child])
    verdicts.judge(Rejected(RDS, (parent,), (parent,), "no"), snapshot)
    verdicts.judge(Rejected(CDS, (child,), (child,), "no"), snapshot)
    assert {one.name for one in verdicts.refusals()} == {"r", "x"}


def test_what_stands_in_for_a_resource_is_never_its_last_good_bytes():
    """Row 47: of endpoints that were refused before any were accepted, the group has none."""
    group = Group(SOTW, endpoints("a"))
    client = group.client()
    client.ask(EDS, "a")
    client.expect(EDS, "a")
    client.nack(EDS, "a is bad")
    client.settle()
    assert client.facts[-1] == Accepted(EDS, ())
    assert group.served.get((EDS, "a")) is None
    assert not next(iter(group.verdicts.refusals())).kept

"""Who is to blame when a refusal names nobody: it is found by offering apart, and everything else goes out."""

from __future__ import annotations

from math import ceil, log2

import pytest
from xds_client import DELTA, SOTW, Client, Got, Group
from xds_resources import cluster, endpoints, listener, route

from xds.model import Resource
from xds.model.type_url import CDS, EDS, LDS, RDS


def plain(name: str, mark: str = "1") -> Resource:
    return cluster(name, mark, eds=False)


def names(many: int) -> list[str]:
    return [f"c{number:03}" for number in range(many)]


def talk(client: Client, *bad: Resource, type_url: str = CDS, most: int = 300) -> list[Got]:
    """Takes what comes, and refuses in words that help nobody whatever has one of these bytes in it."""
    start = len(client.trace)
    while (got := client.pull()) is not None:
        assert len(client.trace) - start <= most, "too many responses"
        if got.type_url == type_url and any(got.resources.get(one.name) == one.body for one in bad):
            client.nack(type_url, "one of them is not well")
        else:
            client.ack(got.type_url)
    return client.trace[start:]


@pytest.mark.parametrize("many", [2, 3, 7, 64])
@pytest.mark.parametrize("culprits", [1, 2, 5])
def test_the_culprits_are_found_and_all_others_are_in_force(dialect, many, culprits):
    """Rows 15, 69: k of n in O(k log n) responses."""
    group = Group(dialect, *(plain(name) for name in names(many)))
    client = group.client()
    client.ask(CDS)
    client.settle()
    bad = [plain(name, "bad") for name in names(many)[::11][:culprits] or names(many)[:1]]
    new = {one: plain(one, "2") for one in names(many)} | {one.name: one for one in bad}
    group.publish(*new.values())
    said = talk(client, *bad, most=4 + 2 * len(bad) * ceil(log2(many) + 1))
    assert {one.name for one in group.verdicts.refusals()} == {one.name for one in bad}
    old = {one.name: plain(one.name).body for one in bad}
    assert client.has[CDS] == {name: one.body for name, one in new.items()} | old
    assert len(said) > 1
    assert client.is_silent()
    assert not client.stream._subscriptions[CDS].trial
    assert client.stream.subscribed()[0].error == ""


def test_what_does_not_stand_trial_is_as_the_client_has_it(dialect):
    """Old bytes in a full state; absent where new."""
    group = Group(dialect, plain("a"), plain("b"))
    client = group.client()
    client.ask(CDS)
    client.settle()
    group.publish(plain("a", "2"), plain("b", "2"), plain("c"), plain("d"))
    client.expect(CDS, "a", "b", "c", "d")
    client.nack(CDS)
    if dialect is SOTW:
        got = client.expect(CDS, "a", "b")
        assert got.resources == {"a": plain("a", "2").body, "b": plain("b", "2").body}
    else:
        client.expect(CDS, "a", "b")
    client.nack(CDS)
    got = client.expect(CDS, *("ab" if dialect is SOTW else "a"))
    if dialect is SOTW:
        assert got.resources == {"a": plain("a", "2").body, "b": plain("b").body}


def test_a_fault_of_the_combination_alone_blames_nobody(dialect):
    """Every half passes: then all of it is in force."""
    group = Group(dialect, plain("a"), plain("b"), plain("c"))
    client = group.client()
    client.ask(CDS)
    client.expect(CDS, "a", "b", "c")
    client.nack(CDS)
    client.settle()
    assert client.names(CDS) == {"a", "b", "c"}
    assert list(group.verdicts.refusals()) == []


def test_a_snapshot_in_the_middle_is_served_when_the_search_is_over(dialect):
    """What changed is a suspect no longer; what is new waits until the suspects have had their trial."""
    group = Group(dialect, *map(plain, "abcd"))
    client = group.client()
    client.ask(CDS)
    client.settle()
    bad = plain("d", "bad")
    group.publish(*(plain(name, "2") for name in "abc"), bad)
    client.pull()
    client.nack(CDS)
    group.publish(plain("a", "3"), plain("b", "2"), plain("c", "2"), bad, plain("e"))
    got = client.expect(CDS, *("abcd" if dialect is SOTW else "b"))
    assert got.resources["b"] == plain("b", "2").body
    if dialect is SOTW:
        assert got.resources["a"] == plain("a").body
    client.ack(CDS)
    talk(client, bad)
    assert [one.name for one in group.verdicts.refusals()] == ["d"]
    assert client.has[CDS] == {
        "a": plain("a", "3").body,
        "b": plain("b", "2").body,
        "c": plain("c", "2").body,
        "d": plain("d").body,
        "e": plain("e").body,
    }


def test_a_snapshot_without_the_suspects_ends_the_search(dialect):
    """Row 19: and gives the client back what it may have lost."""
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
    assert client.is_silent()


def test_a_snapshot_that_removes_goes_on_removing(dialect):
    group = Group(dialect, *map(plain, "abc"))
    client = group.client()
    client.ask(CDS)
    client.settle()
    bad = plain("b", "bad")
    group.publish(plain("a", "2"), bad)
    talk(client, bad)
    assert client.has[CDS] == {"a": plain("a", "2").body, "b": plain("b").body}


def test_streams_of_one_group_find_it_together(dialect):
    """What one has found, the others are not offered again."""
    group = Group(dialect, *map(plain, names(32)))
    clients = [group.client() for _ in range(3)]
    for client in clients:
        client.ask(CDS)
        client.settle()
    bad = plain("c007", "bad")
    group.publish(*(plain(name, "2") for name in names(32) if name != bad.name), bad)
    for client in clients:
        client.pull()
    for client in clients:
        client.nack(CDS)
    first = len(talk(clients[0], bad))
    assert all(len(talk(client, bad)) <= first for client in clients[1:])
    assert clients[0].has[CDS] == clients[1].has[CDS] == clients[2].has[CDS]
    for client in clients[1:]:
        assert [got.resources.get(bad.name) for got in client.trace].count(bad.body) == 1
    assert [one.name for one in group.verdicts.refusals()] == [bad.name]


def test_suspects_that_wait_for_their_clusters_hold_up_nobody(dialect):
    """Rows 81, 85: those that need not wait go out meanwhile."""
    group = Group(dialect, route("r"), route("s"), route("t"), plain("x"))
    client = group.client()
    client.ask(CDS)
    client.ask(RDS, "r", "s", "t")
    client.settle()
    group.publish(route("r", "x", mark="2"), route("s", "x", mark="2"), route("t"), plain("x"))
    client.expect(RDS, "r", "s")
    group.publish(route("r", "x", mark="2"), route("s", "x", mark="2"), route("t", mark="2"), plain("x", "2"))
    client.expect(CDS, "x")
    client.nack(RDS)
    client.expect(RDS, "t")
    client.ack(RDS)
    client.ack(CDS)
    apart = [sorted(got.names) for got in client.settle()]
    assert sorted(apart) == [["r"], ["s"]]


def test_routes_do_not_go_out_to_clusters_on_trial(dialect):
    """Row 85."""
    chain = (listener("l", "r"), cluster("x"), endpoints("x"))
    group = Group(dialect, *chain, route("r", "x"))
    envoy = group.envoy()
    envoy.start()
    bad = cluster("z", "bad")
    group.publish(*chain, route("r", "y", "z", "x"), cluster("y"), endpoints("y"), bad, endpoints("z"))

    def refuse(got: Got) -> str:
        return "no" if got.resources.get("z") == bad.body else ""

    said = envoy.run(refuse)
    assert [one.name for one in group.verdicts.refusals()] == ["z"]
    assert envoy.has[RDS]["r"] == route("r", "x").body
    assert {one.type_url for one in said} <= {CDS, EDS, LDS}
    assert envoy.names(CDS) >= {"x", "y"}


def test_named_culprits_need_no_search(dialect):
    """One refusal, one response with the rest."""
    group = Group(dialect, *map(plain, "abc"))
    client = group.client()
    client.ask(CDS)
    client.settle()
    group.publish(*(plain(name, "2") for name in "abc"))
    client.pull()
    client.nack(CDS, "cluster(s) b: bad")
    talk(client)
    assert len(client.trace) == 3
    assert client.has[CDS] == {"a": plain("a", "2").body, "b": plain("b").body, "c": plain("c", "2").body}


def test_a_client_that_refuses_everything_is_left_alone(dialect):
    """Row 118: after two responses for each of what it was offered, at most."""
    group = Group(dialect, *map(plain, names(16)))
    client = group.client()
    client.ask(CDS)
    said = 0
    while client.pull() is not None:
        client.nack(CDS)
        said += 1
    assert said <= 2 * 16 + 1
    assert len(list(group.verdicts.refusals())) == 16


def test_what_was_refused_in_part_after_a_restart_is_not_taken_apart():
    """Row 38: a full state in part would delete what the client has from before, and nobody here can put that back."""
    client = Group(SOTW, plain("a"), plain("b")).client()
    client.ask(CDS)
    client.settle()
    client.group = Group(SOTW, plain("a", "2"), plain("b", "2"))
    client.connect()
    client.ask_again(CDS)
    client.expect(CDS, "a", "b")
    client.nack(CDS)
    assert client.is_silent()
    client.group.publish(plain("a", "2"), plain("b", "3"))
    client.expect(CDS, "a", "b")
    client.ack(CDS)
    client.group.publish(plain("a", "4"), plain("b", "4"))
    client.expect(CDS, "a", "b")
    client.nack(CDS)
    client.expect(CDS, "a", "b")


def test_names_that_are_dropped_are_suspects_no_longer():
    client = Group(DELTA, endpoints("a"), endpoints("b"), endpoints("c")).client()
    client.ask(EDS, "a", "b", "c")
    client.expect(EDS, "a", "b", "c")
    client.nack(EDS)
    client.drop(EDS, "a", "b")
    client.expect(EDS, "c")
    client.ack(EDS)
    assert client.is_silent()


def test_what_waits_for_its_trial_is_not_forgotten(dialect):
    """Row 69: the client may have taken it all the same, and is given back what it had."""
    group = Group(dialect, plain("a"), plain("b"))
    client = group.client()
    client.ask(CDS)
    client.settle()
    group.publish(plain("a", "2"), plain("b", "2"))
    client.pull()
    client.nack(CDS, takes=("b",))
    client.expect(CDS, *("ab" if dialect is SOTW else "a"))
    client.ack(CDS)
    group.publish(plain("a", "2"), plain("b"))
    client.settle()
    assert client.has[CDS] == {"a": plain("a", "2").body, "b": plain("b").body}


def test_a_pardon_offers_the_whole_once_more():
    """After a restart, where it is not taken apart."""
    client = Group(SOTW, plain("a"), plain("b")).client()
    client.ask(CDS)
    client.settle()
    client.connect(Group(SOTW, plain("a", "2"), plain("b", "2")))
    client.ask_again(CDS)
    client.expect(CDS, "a", "b")
    client.nack(CDS)
    assert client.is_silent()
    client.stream.forgive(CDS)
    client.types[CDS].has_cause = True
    client.expect(CDS, "a", "b")

"""What streams share: clients that hold and want the same are told the same, worked out and encoded once."""

from __future__ import annotations

import pytest
import xds_client
from hypothesis import given
from hypothesis import strategies as st
from xds_client import DELTA, Group
from xds_resources import cluster, endpoints, listener, route

from xds.model import NO_RESOURCES, Resource, Resources
from xds.model.type_url import CDS, EDS, LDS, RDS
from xds.protocol.names import interned

TYPES = (CDS, EDS, LDS, RDS)
FIRST = (cluster("a"), endpoints("a"), cluster("b"), endpoints("b"), route("r", "a"), listener("l", "r"))
ASKED = {CDS: (), EDS: ("a", "b"), LDS: (), RDS: ("r",)}


@pytest.fixture
def encoded(monkeypatch):
    """Every response that was encoded."""
    made = []
    for dialect in (type(xds_client.DELTA), type(xds_client.SOTW)):
        real = dialect.splice
        monkeypatch.setattr(dialect, "splice", lambda *given, real=real: made.append(given[1]) or real(*given))
    return made


def talking(group: Group, many: int = 3) -> list[xds_client.Client]:
    clients = [group.client() for _ in range(many)]
    for client in clients:
        for type_url, names in ASKED.items():
            client.ask(type_url, *names)
        client.settle()
    return clients


def test_a_response_is_encoded_once_for_all(dialect, encoded):
    group = Group(dialect, *FIRST)
    clients = talking(group)
    assert len(encoded) == len({one.type_url for one in encoded}) == len(TYPES)
    encoded.clear()
    group.publish(cluster("a", "2"), *FIRST[1:])
    told = [client.settle() for client in clients]
    assert [[one.type_url for one in each] for each in told] == [[CDS, EDS]] * 3
    assert len(encoded) == 2


def test_nonces_are_a_streams_own(dialect):
    clients = talking(Group(dialect, *FIRST))
    nonces = [one.nonce for client in clients for one in client.trace]
    assert len(set(nonces)) == len(nonces) == 3 * len(TYPES)


def test_who_has_all_it_wants_holds_what_is_served(dialect):
    """A stream's memory is a pointer, not a copy."""
    group = Group(dialect, *FIRST)
    for client in talking(group):
        held = {url: one.held for url, one in client.stream._subscriptions.items()}
        assert all(held[url] is group.served.of_type(url) for url in (CDS, LDS))
        assert all(held[url] is group.served.of_type(url).part(frozenset(ASKED[url])) for url in (EDS, RDS))


def test_who_comes_back_with_all_of_it_holds_what_is_served():
    group = Group(DELTA, *FIRST)
    (client,) = talking(group, 1)
    client.connect()
    client.ask_again(CDS)
    assert client.is_silent()
    assert client.stream._subscriptions[CDS].held is group.served.of_type(CDS)


def test_an_exception_is_one_clients_own(dialect):
    """Who refused is told something else than the others, until there is nothing left between them."""
    group = Group(dialect, *FIRST)
    one, other, _ = talking(group)
    group.publish(cluster("a", "2"), *FIRST[1:])
    assert other.expect(CDS, *(("a",) if dialect is DELTA else ("a", "b")))
    other.ack(CDS)
    one.pull()
    one.nack(CDS, "a is bad")
    for client in (one, other):
        client.settle()
    assert one.has[CDS]["a"] == cluster("a").body
    group.publish(cluster("a", "3"), *FIRST[1:])
    for client in (one, other):
        client.settle()
        assert client.has[CDS]["a"] == cluster("a", "3").body
        assert client.stream._subscriptions[CDS].held is group.served.of_type(CDS)


def test_what_was_dropped_in_between_is_not_held(dialect):
    """A response on its way says nothing of what its client let go of meanwhile."""
    group = Group(dialect, *FIRST)
    client = group.client()
    client.ask(EDS, "a", "b")
    client.settle()
    group.publish(FIRST[0], endpoints("a", 2), *FIRST[2:])
    client.expect(EDS, "a")
    client.drop(EDS, "b")
    client.add(EDS, "b")
    client.ack(EDS)
    client.settle()
    assert client.has[EDS] == {"a": endpoints("a", 2).body, "b": endpoints("b").body}


# Lists, and what stands between them

names = st.dictionaries(st.sampled_from("abcd"), st.sampled_from("12"))


def listed(versions: dict[str, str]) -> Resources:
    return Resources.of(Resource(CDS, name, version, b"") for name, version in versions.items())


@given(before=names, now=names, again=st.frozensets(st.sampled_from("abcd")))
def test_a_change_leads_from_one_list_to_another(before, now, again):
    old, new = listed(before), listed(now)
    change = new.since(old, again)
    kept = {name: one for name, one in old.items() if name not in change.removals}
    assert {**kept, **change.upserts} == dict(new)
    news = {name for name in now if before.get(name) != now[name]}
    assert change.upserts.keys() == news | (again & now.keys())
    assert set(change.removals) == before.keys() - now.keys()
    assert new.since(old, again) is change


@given(before=names, put=names, gone=st.frozensets(st.sampled_from("abcd")))
def test_an_edited_list_knows_what_changed(before, put, gone):
    old = listed(before)
    edited, anew = old.edited(listed(put).values(), gone), listed({**_without(before, gone), **put})
    assert (dict(edited), edited.version) == (dict(anew), anew.version)
    known, compared = edited.since(old), anew.since(old)
    assert (dict(known.upserts), known.removals) == (dict(compared.upserts), compared.removals)


def _without(versions: dict[str, str], names: frozenset[str]) -> dict[str, str]:
    return {name: version for name, version in versions.items() if name not in names}


def test_a_change_is_forgotten_with_where_it_began():
    new = listed({"a": "1"})
    for number in range(200):
        new.since(listed({"a": "0", str(number): "1"}))
    assert len(new._changes) <= 2


def test_changes_that_clients_make_up_are_bounded():
    old, new = listed({"a": "1"}), listed({"a": "2"})
    for number in range(200):
        assert new.since(old, frozenset([str(number)])).upserts.keys() == {"a"}
    assert len(new._changes) <= 65


@given(versions=names, asked=st.frozensets(st.sampled_from("abcdef")))
def test_a_part_has_what_there_is_and_tells_what_is_not(versions, asked):
    every = listed(versions)
    part = every.part(asked)
    assert (part.keys(), part.missing) == (asked & versions.keys(), asked - versions.keys())
    assert every.part(frozenset(set(asked))) is part


def test_nothing_of_nothing():
    assert not NO_RESOURCES.since(NO_RESOURCES)
    assert NO_RESOURCES.part(frozenset("a")).missing == {"a"}


def test_equal_sets_of_names_are_one():
    asked = [f"name-{number}" for number in range(20)]
    assert interned(set(asked)) is interned(set(asked))
    assert interned({"a"}) == {"a"}

"""Resources with a time to live: told with it, kept alive by heartbeats, and let go of by clients that hear of none."""

from __future__ import annotations

from dataclasses import replace
from math import inf

import pytest
from xds_client import DELTA, SOTW, Client, Group
from xds_resources import cluster, endpoints

from xds.codec import message_class, resource
from xds.model import ConfigError, Node, Resource
from xds.model.node import KEEPS_TTL, READS_WRAPPED
from xds.model.type_url import CDS, EDS, PREFIX, VHDS

WRAPPER = "envoy.service.discovery.v3.Resource"
BOTH = frozenset({READS_WRAPPED, KEEPS_TTL})


def plain(name: str, mark: str = "1") -> Resource:
    return cluster(name, mark, eds=False)


def mortal(one: Resource, ttl: float = 30.0) -> Resource:
    return replace(one, ttl=ttl)


def raw(client: Client):
    """The next response, as protobuf reads it; None for silence."""
    client.stream.serve(client.group.served)
    response = client.stream.respond(client.group.now)
    if response is None:
        return None
    kind = "DiscoveryResponse" if client.dialect is SOTW else "DeltaDiscoveryResponse"
    client.types[response.type_url].nonce = response.nonce
    return message_class("envoy.service.discovery.v3." + kind).FromString(client.dialect.write(response, "me"))


def wrapped(got, dialect):
    """The wrappers in a response, by name."""
    if dialect is DELTA:
        return {one.name: one for one in got.resources}
    kind = message_class(WRAPPER)
    every = [kind.FromString(one.value) for one in got.resources if one.type_url == PREFIX + WRAPPER]
    return {one.name: one for one in every}


def ack(client: Client, got) -> None:
    names = {} if client.dialect is DELTA else {"resource_names": sorted(client.types[got.type_url].names)}
    client.send(got.type_url, response_nonce=got.nonce, **names)


@pytest.fixture
def client(dialect):
    """One that has two assignments, of which `a` has a TTL, since the time 0."""
    client = Group(dialect, mortal(endpoints("a")), endpoints("b")).client(features=BOTH)
    client.ask(EDS, "a", "b")
    ack(client, raw(client))
    return client


def test_a_client_is_told_the_ttl(dialect):
    """Rows 96, 98: in SotW in a wrapper, and of what has one only."""
    client = Group(dialect, mortal(endpoints("a"), 1.5), endpoints("b")).client(features=BOTH)
    client.ask(EDS, "a", "b")
    got = raw(client)
    found = wrapped(got, dialect)
    assert (found["a"].ttl.seconds, found["a"].ttl.nanos) == (1, 500_000_000)
    assert found["a"].resource.type_url == EDS
    assert found["a"].resource.value == endpoints("a").body
    assert found["a"].version == (endpoints("a").version if dialect is DELTA else got.version_info)
    if dialect is DELTA:
        assert not found["b"].HasField("ttl")
    else:
        assert set(found) == {"a"}
        assert {one.type_url for one in got.resources} == {EDS, PREFIX + WRAPPER}


@pytest.mark.parametrize("features", [frozenset(), frozenset({KEEPS_TTL})], ids=["none", "no wrapper"])
def test_a_sotw_client_that_reads_no_wrapper_gets_none(features):
    """Row 98."""
    client = Group(SOTW, mortal(endpoints("a"))).client(features=features)
    client.ask(EDS, "a")
    got = raw(client)
    assert got.resources[0].type_url == EDS
    ack(client, got)
    assert client.stream.wake_at() is None


def test_who_keeps_to_no_ttl_needs_no_heartbeat():
    """Row 98: gRPC reads a wrapper, and refuses one without content."""
    client = Group(SOTW, mortal(endpoints("a"))).client(features=frozenset({READS_WRAPPED}))
    client.ask(EDS, "a")
    got = raw(client)
    assert set(wrapped(got, SOTW)) == {"a"}
    ack(client, got)
    assert client.stream.wake_at() is None
    client.group.now = 1000.0
    assert raw(client) is None


def test_a_heartbeat_comes_before_half_of_the_ttl(client, dialect):
    """Row 97: with name, version and TTL, and without content; again and again."""
    first = client.stream.subscribed()[0].version
    for _ in range(3):
        wake_at = client.stream.wake_at()
        assert client.group.now < wake_at < client.group.now + 15
        client.group.now = wake_at - 0.01
        assert raw(client) is None
        client.group.now = wake_at
        got = raw(client)
        (one,) = wrapped(got, dialect).values()
        assert (one.name, one.ttl.seconds, one.HasField("resource")) == ("a", 30, False)
        assert one.version == (endpoints("a").version if dialect is DELTA else first == got.version_info and first)
        assert len(got.resources) == 1
        ack(client, got)
        assert raw(client) is None


def test_a_heartbeat_is_no_change(client):
    """Row 97: its ACK and its NACK leave everything as it is."""
    before = client.stream.subscribed()[0]
    client.group.now = 10.0
    got = raw(client)
    assert client.stream.is_quiet()
    ack(client, got)
    assert client.stream.subscribed()[0] == before
    client.group.now = 20.0
    got = raw(client)
    fact = client.send(EDS, response_nonce=got.nonce, error_detail={"message": "a"}, **_names(client))
    assert (fact.offered, fact.culprits) == ((), ())
    assert list(client.group.verdicts.refusals()) == []
    client.group.publish(mortal(endpoints("a", 2)), endpoints("b"))
    assert raw(client) is not None


def _names(client: Client):
    return {"resource_names": ["a", "b"]} if client.dialect is SOTW else {}


def test_no_heartbeat_while_an_answer_is_awaited(client, dialect):
    """Row 97: one unanswered response a type."""
    client.group.publish(mortal(endpoints("a")), endpoints("b", 2))
    got = raw(client)
    client.group.now = 14.0
    assert raw(client) is None
    ack(client, got)
    assert not wrapped(raw(client), dialect)["a"].HasField("resource")


def test_a_ttl_that_is_dropped_is_a_change(client, dialect):
    """Row 99: as one that comes or changes."""
    client.group.publish(endpoints("a"), endpoints("b"))
    got = raw(client)
    assert len(got.resources) == 1
    if dialect is DELTA:
        assert not got.resources[0].HasField("ttl")
    else:
        assert got.resources[0].type_url == EDS
    ack(client, got)
    assert client.stream.wake_at() is None
    client.group.publish(endpoints("a"), mortal(endpoints("b"), 60))
    got = raw(client)
    assert [one.ttl.seconds for one in wrapped(got, dialect).values()] == [60]
    ack(client, got)
    client.group.publish(endpoints("a"), mortal(endpoints("b"), 90))
    assert [one.ttl.seconds for one in wrapped(raw(client), dialect).values()] == [90]


def test_resources_of_one_type_beat_together(dialect):
    """One that is not due yet joins one that is, when it is late enough in its TTL."""
    group = Group(dialect, *(mortal(endpoints(name), ttl) for name, ttl in (("a", 30), ("b", 33), ("c", 600))))
    client = group.client(features=BOTH)
    client.ask(EDS, "a", "b", "c")
    ack(client, raw(client))
    group.now = client.stream.wake_at()
    assert set(wrapped(raw(client), dialect)) == {"a", "b"}


def test_what_is_gone_beats_no_more(client, dialect):
    client.drop(EDS, "a")
    assert client.stream.wake_at() is None
    client.add(EDS, "a")
    got = raw(client)
    assert wrapped(got, dialect)["a"].HasField("resource")
    ack(client, got)
    assert client.stream.wake_at() is not None


def test_a_full_state_is_told_again_as_a_whole(dialect):
    """Row 97: what is missing from it would be deleted."""
    group = Group(dialect, mortal(plain("a")), plain("b"))
    client = group.client(features=BOTH)
    client.ask(CDS)
    ack(client, raw(client))
    group.now = client.stream.wake_at()
    got = raw(client)
    assert wrapped(got, dialect)["a"].HasField("resource") is (dialect is SOTW)
    assert len(got.resources) == (2 if dialect is SOTW else 1)


def test_who_comes_back_hears_of_what_it_has_at_once(dialect):
    """Rows 50, 63, 97: its TTL goes on running, and the content is not sent again where that can be known."""
    group = Group(dialect, mortal(plain("a")), plain("b"))
    client = group.client()
    client.ask(CDS)
    client.settle()
    client.features = BOTH
    client.connect()
    client.ask_again(CDS)
    got = raw(client)
    assert "a" in wrapped(got, dialect)
    assert got.version_info if dialect is SOTW else got.system_version_info
    if dialect is DELTA:
        assert not wrapped(got, dialect)["a"].HasField("resource")
    assert -inf < client.stream.wake_at()


def test_a_group_that_is_cleared_goes_on_living(client, dialect):
    """Row 120: its proxies keep what they have."""
    client.group.clear()
    client.group.now = 10.0
    assert set(wrapped(raw(client), dialect)) == {"a"}


def test_virtual_hosts_last():
    """Row 98: Envoy knows no heartbeats of them."""
    host = Resource(VHDS, "r/h", "1", b"\x0a\x03r/h", ttl=30.0)
    client = Group(DELTA, host).client(features=BOTH)
    client.ask(VHDS, "r/h")
    got = raw(client)
    assert not got.resources[0].HasField("ttl")
    ack(client, got)
    assert client.stream.wake_at() is None


def test_envoy_is_told_the_ttl_of_whole_types(dialect):
    """Row 98: in SotW of those alone, each time with all that they list; in delta of all."""
    features = Node("n", user_agent="envoy").features
    client = Group(dialect, mortal(plain("a")), plain("b"), mortal(endpoints("a"))).client(features=features)
    client.ask(CDS)
    client.ask(EDS, "a")
    for type_url in (CDS, EDS):
        got = raw(client)
        assert got.type_url == type_url
        assert ("a" in wrapped(got, dialect)) is (dialect is DELTA or type_url == CDS)
        ack(client, got)
    client.group.now = client.stream.wake_at()
    got = raw(client)
    assert (got.type_url, len(got.resources)) == (CDS, 2 if dialect is SOTW else 1)
    ack(client, got)
    assert (raw(client) is None) is (dialect is SOTW)


@pytest.mark.parametrize("ttl", [0, -1.0, float("inf"), float("nan")], ids=str)
def test_a_ttl_is_a_time(ttl):
    with pytest.raises(ConfigError, match="the TTL of 'a' is"):
        mortal(plain("a"), ttl)


def test_a_resource_is_made_with_its_ttl():
    body = {"@type": CDS, "name": "a"}
    assert resource(body, ttl=30) == mortal(resource(body))

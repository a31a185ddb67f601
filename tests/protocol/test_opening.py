"""How a stream begins: types, nonces, services of one type."""

from __future__ import annotations

import pytest
from xds_client import DELTA, SOTW, Group
from xds_resources import cluster, endpoints, listener, route

from xds.codec import message_class
from xds.model import Answer, ProtocolError, Snapshot
from xds.model.type_url import CDS, EDS, LDS, PREFIX, RDS
from xds.protocol import Request, Stream


def test_a_request_without_a_type_ends_the_stream(dialect):
    """Row 1."""
    with pytest.raises(ProtocolError, match="type_url") as caught:
        Stream(dialect).receive(Request(""))
    assert caught.value.code == "INVALID_ARGUMENT"


def test_a_service_of_one_type_knows_its_type(dialect):
    """Row 2."""
    stream = Stream(dialect, only=CDS)
    stream.receive(Request(""))
    stream.serve(Snapshot.of([cluster("a")]))
    response = stream.respond(0.0)
    assert response is not None
    assert (response.type_url, [one.name for one in response.resources]) == (CDS, ["a"])


def test_a_service_of_one_type_serves_no_other(dialect):
    """Row 3."""
    with pytest.raises(ProtocolError, match=r"Cluster, not .*Listener"):
        Stream(dialect, only=CDS).receive(Request(LDS))


def test_the_node_is_handed_on_as_it_came(dialect):
    """Row 4: reading it is the shell's, once a stream."""
    kind = "DiscoveryRequest" if dialect is SOTW else "DeltaDiscoveryRequest"
    request = message_class(f"envoy.service.discovery.v3.{kind}")(type_url=CDS, node={"id": "n"})
    assert message_class("envoy.config.core.v3.Node").FromString(dialect.read(request.SerializeToString()).node).id == "n"


def test_any_type_may_come_first(dialect):
    """Row 7."""
    client = Group(dialect, endpoints("a"), listener("l")).client()
    client.ask(EDS, "a")
    client.expect(EDS, "a")
    client.ask(LDS)
    client.expect(LDS, "l")


def test_an_unknown_type_disturbs_nobody(dialect):
    """Row 8."""
    client = Group(dialect, cluster("a", eds=False)).client()
    client.ask(PREFIX + "nobody.knows.This", "x")
    if dialect is DELTA:
        assert client.pull().removals == {"x"}
    client.ask(CDS)
    client.expect(CDS, "a")


def test_types_are_walled_off(dialect):
    """Row 9: an answer of one type says nothing of another."""
    client = Group(dialect, cluster("a", eds=False), listener("l")).client()
    client.ask(CDS)
    client.ask(LDS)
    client.expect(CDS, "a")
    client.expect(LDS, "l")
    assert client.nack(LDS, "no").type_url == LDS
    assert client.ack(CDS).type_url == CDS
    assert {one.type_url: one.answer for one in client.stream.subscribed()} == {
        CDS: Answer.ACCEPTED,
        LDS: Answer.REJECTED,
    }


def test_nonces_carry_the_streams_prefix(dialect):
    """Row 10: no request of an earlier stream can match one."""
    client = Group(dialect, cluster("a", eds=False)).client()
    client.ask(CDS)
    first = client.expect(CDS, "a").nonce
    client.connect()
    client.ask(CDS)
    second = client.expect(CDS, "a").nonce
    assert first.split("-")[0] != second.split("-")[0]


def test_a_stream_tells_what_its_client_has(dialect):
    client = Group(dialect, cluster("a", eds=False), cluster("b", eds=False)).client()
    assert client.stream.subscribed() == ()
    client.ask(CDS)
    client.ask(RDS, "r")
    assert [one.answer for one in client.stream.subscribed()] == [Answer.NOTHING, Answer.NOTHING]
    assert not Stream(dialect).is_quiet()
    client.expect(CDS, "a", "b")
    (told, _) = client.stream.subscribed()
    assert (told.answer, told.resources) == (Answer.PENDING, 0)
    assert not client.stream.is_quiet()
    client.ack(CDS)
    (told, _) = client.stream.subscribed()
    assert (told.answer, told.resources, told.version) == (
        Answer.ACCEPTED,
        2,
        client.group.served.of_type(CDS).version,
    )


def test_a_refusal_without_words_is_a_refusal(dialect):
    """Row 17: it is the presence of error_detail that tells."""
    client = Group(dialect, route("r")).client()
    client.ask(RDS, "r")
    client.expect(RDS, "r")
    assert client.nack(RDS, "").message == "no reason was given"
    (told,) = client.stream.subscribed()
    assert (told.answer, told.error) == (Answer.REJECTED, "no reason was given")


def test_a_group_of_which_nothing_is_known_any_more_is_left_alone(dialect):
    """Row 120: its clients keep what they have, stay subscribed, and hear of what is new."""
    group = Group(dialect, cluster("a", eds=False), route("r"))
    client = group.client()
    client.ask(CDS)
    client.ask(RDS, "r")
    client.settle()
    group.clear()
    assert client.is_silent()
    client.add(RDS, "s")
    assert client.is_silent()
    assert client.names(CDS) == {"a"}
    group.publish(cluster("a", eds=False), route("r"))
    assert [got.names for got in client.settle() if got.names] == []
    group.publish(cluster("b", eds=False), route("r"), route("s"))
    client.settle()
    assert (client.names(CDS), client.names(RDS)) == ({"b"}, {"r", "s"})

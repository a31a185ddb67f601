"""What a client is told of names that do not exist: once, and never in the place of what does."""

from __future__ import annotations

import pytest
from xds_client import DELTA, SOTW, UNKNOWN, Client, Group
from xds_resources import cluster, endpoints, extension, listener, route, secret

from xds.codec import wire
from xds.model import Node, Resource, version_of
from xds.model.type_url import CDS, ECDS, EDS, LDS, RDS, RTDS, SDS
from xds.protocol import Stream

NOT_FOUND, UNAVAILABLE = 5, 14


def thing(name: str, mark: str = "1") -> Resource:
    """Bytes of a type without a definition; the name stands first, for the client of these tests."""
    body = wire.delimited(1, name) + wire.delimited(2, mark)
    return Resource(UNKNOWN, name, version_of(body), body)


@pytest.mark.parametrize(("type_url", "made"), [(LDS, listener), (CDS, cluster), (RDS, route)], ids=["lds", "cds", "rds"])
def test_a_missing_name_is_an_error(dialect, type_url, made):
    """Row 94: beside what exists, in either order of asking."""
    client = Group(dialect, made("a")).client()
    client.ask(type_url, "a", "zz")
    got = client.expect(type_url, "a")
    code, words = got.errors["zz"]
    assert (set(got.errors), code, "no such" in words) == ({"zz"}, NOT_FOUND, True)
    client.ack(type_url)
    client.add(type_url, "yy")
    assert set(client.pull().errors) == {"yy"}


@pytest.mark.parametrize(("type_url", "made"), [(LDS, listener), (RDS, route)], ids=["lds", "rds"])
def test_an_error_is_said_once(dialect, type_url, made):
    """Row 94: and again when the name is asked for again, or was there meanwhile."""
    group = Group(dialect, made("a"))
    client = group.client()
    client.ask(type_url, "a", "zz")
    client.settle()
    group.publish(made("a", mark="2"))
    assert client.expect(type_url, "a").errors == {}
    client.ack(type_url)
    client.drop(type_url, "zz")
    client.settle()
    client.add(type_url, "zz")
    assert set(client.pull().errors) == {"zz"}


def test_what_comes_to_exist_is_no_error(dialect):
    """Rows 43, 60, 94."""
    group = Group(dialect, listener("a"))
    client = group.client()
    client.ask(LDS, "a", "zz")
    client.settle()
    group.publish(listener("a"), listener("zz"))
    got = client.pull()
    assert (got.errors, "zz" in got.names) == ({}, True)


def test_what_is_taken_away_is_removed_and_no_error(dialect):
    """Row 94: an error is for what is asked for."""
    group = Group(dialect, listener("a"))
    client = group.client()
    client.ask(LDS, "a")
    client.settle()
    group.publish(route("r"))
    assert client.expect(LDS).errors == {}


def test_a_wildcard_misses_nothing(dialect):
    """Row 95."""
    client = Group(dialect, route("r")).client()
    client.ask(LDS)
    assert client.expect(LDS).errors == {}


def test_missing_endpoints_have_a_stand_in_or_an_error(dialect):
    """Rows 47, 59, 94: in SotW Envoy understands nothing but endpoints without any."""
    client = Group(dialect, endpoints("a")).client()
    client.ask(EDS, "zz")
    got = client.pull()
    assert (got.names, set(got.errors)) == (({"zz"}, set()) if dialect is SOTW else (set(), {"zz"}))
    client.ack(EDS)
    assert client.is_silent()
    assert client.stream.subscribed()[0].resources == 0


@pytest.mark.parametrize(("type_url", "made"), [(SDS, secret), (ECDS, extension)], ids=["sds", "ecds"])
def test_types_that_are_silent_when_missing_say_nothing_by_itself(dialect, type_url, made):
    """Rows 94, 106, 107."""
    client = Group(dialect, made("a")).client()
    client.ask(type_url, "a", "zz")
    assert client.expect(type_url, "a").errors == {}


class AnEnvoy(Client):
    def connect(self) -> None:
        super().connect()
        self.stream = Stream(self.dialect, prefix="x", features=Node("n", user_agent="envoy").features)


@pytest.mark.parametrize(("type_url", "made"), [(RDS, route), (ECDS, extension)], ids=["rds", "ecds"])
def test_an_envoy_is_not_told_what_it_would_wait_for_without_end(type_url, made):
    """Rows 59, 107: it gives up after 15 s when nobody says a word."""
    group = Group(DELTA, made("a"))
    client = AnEnvoy(group)
    client.ask(type_url, "zz")
    assert client.is_silent()
    group.publish(made("a"), made("zz"))
    client.expect(type_url, "zz")


@pytest.mark.parametrize("type_url", [SDS, RTDS, EDS], ids=["sds", "rtds", "eds"])
def test_an_envoy_is_told_what_it_waits_for_otherwise(type_url):
    """Rows 59, 106."""
    client = AnEnvoy(Group(DELTA, listener("l")))
    client.ask(type_url, "zz")
    assert client.expect(type_url).removals == {"zz"}


def test_an_extension_is_never_removed(dialect):
    """Row 107: whoever still names it would answer 500."""
    group = Group(dialect, extension("a"), listener("l"))
    client = group.client()
    client.ask(ECDS, "a")
    client.settle()
    group.publish(listener("l"))
    assert client.is_silent()
    group.publish(extension("a"), listener("l"))
    assert client.is_silent()


def test_an_error_that_is_refused_is_not_repeated(dialect):
    """Rows 15, 68."""
    group = Group(dialect, route("a"))
    client = group.client()
    client.ask(RDS, "zz")
    client.pull()
    client.nack(RDS)
    assert client.is_silent()
    group.publish(route("zz"))
    client.expect(RDS, "zz")


def test_what_another_client_refused_is_unavailable(dialect):
    """Row 95: it exists, and nothing of it can be served."""
    group = Group(dialect, route("a"))
    first, second = group.client(), group.client()
    first.ask(RDS, "a")
    first.expect(RDS, "a")
    first.nack(RDS, "a")
    second.ask(RDS, "a")
    code, words = second.pull().errors["a"]
    assert (code, "refused" in words) == (UNAVAILABLE, True)


# Types that nobody here knows


def test_an_unknown_type_is_answered(dialect):
    """Row 8: its client goes on, and so do all other types."""
    client = Group(dialect, listener("l")).client()
    client.ask(UNKNOWN)
    client.expect(UNKNOWN)
    client.ack(UNKNOWN)
    assert client.is_silent()
    client.ask(LDS)
    client.expect(LDS, "l")


def test_a_name_of_an_unknown_type_is_missing(dialect):
    """Row 8."""
    client = Group(dialect, listener("l")).client()
    client.ask(UNKNOWN, "zz")
    got = client.expect(UNKNOWN)
    assert got.removals == ({"zz"} if dialect is DELTA else set())
    client.ack(UNKNOWN)
    assert client.is_silent()


def test_nothing_is_not_everything_of_the_types_asked_for_by_name(dialect):
    """Row 35."""
    for type_url in (RDS, EDS, SDS, ECDS, RTDS):
        client = Group(dialect, route("r"), endpoints("e"), secret("s"), extension("x")).client()
        client.ask(type_url)
        assert client.is_silent()


def test_bytes_of_any_type_are_served(dialect):
    """Row 107: SotW lists all of them, so that what is gone is gone."""
    group = Group(dialect, thing("a"), thing("b"))
    client = group.client()
    client.ask(UNKNOWN)
    client.expect(UNKNOWN, "a", "b")
    client.ack(UNKNOWN)
    group.publish(thing("b", "2"))
    client.expect(UNKNOWN, "b")
    client.ack(UNKNOWN)
    assert set(client.has[UNKNOWN]) == {"b"}

"""Resources that may be made when they are asked for: until that is known nothing is said of them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from xds_client import DELTA, SOTW, STREAMS, Client, Group, Wanted
from xds_resources import cluster, endpoints, host, route

from xds.model.type_url import CDS, EDS, RDS, VHDS
from xds.protocol import Limits, Stream

UNAVAILABLE, PERMISSION_DENIED = 14, 7


class Asking(Client):
    """A client of a server that makes clusters, hosts and routes on demand."""

    def connect(self) -> None:
        super().connect()
        self.stream = Stream(
            self.dialect, prefix=f"{next(STREAMS)}-", limits=Limits(on_demand=frozenset({CDS, EDS, RDS, VHDS}))
        )

    def wanting(self) -> list[str]:
        """What the stream wants, after it said all that it had to say."""
        self.settle()
        return [name for _, name in self.stream.wanting()]


def plain(name: str, mark: str = "1"):
    return cluster(name, mark, eds=False)


@pytest.fixture
def group(dialect) -> Group:
    return Group(dialect, plain("a"), route("r"))


def test_what_does_not_exist_is_wanted_and_nothing_is_said(group):
    """Row 101: once, and what exists is sent."""
    client = Asking(group)
    client.ask(RDS, "r", "zz", "yy")
    client.expect(RDS, "r")
    client.ack(RDS)
    assert client.wanting() == ["yy", "zz"]
    assert client.wanting() == []
    group.publish(plain("b"), route("r"))
    assert client.wanting() == []
    assert all("zz" not in got.errors for got in client.trace)


def test_what_was_made_is_sent(group):
    """Row 101."""
    client = Asking(group)
    client.ask(CDS, "zz")
    assert client.wanting() == ["zz"]
    assert not client.trace
    group.publish(plain("a"), plain("zz"))
    client.stream.found((CDS, "zz"))
    client.expect(CDS, "zz")


def test_what_was_not_made_is_missing(group, dialect):
    """Rows 59, 94, 101."""
    client = Asking(group)
    client.ask(CDS, "zz")
    client.wanting()
    client.stream.found((CDS, "zz"))
    got = client.expect(CDS)
    assert (got.removals, [code for code, _ in got.errors.values()]) == ({"zz"} if dialect is DELTA else set(), [5])
    client.ack(CDS)
    assert client.wanting() == []


def test_what_could_not_be_made_is_unavailable(group):
    """Row 95."""
    client = Asking(group)
    client.ask(CDS, "zz")
    client.wanting()
    client.stream.found((CDS, "zz"), "no answer from the registry")
    assert client.expect(CDS).errors == {"zz": (UNAVAILABLE, "no answer from the registry")}


def test_what_was_not_made_is_wanted_again_when_it_is_asked_for_again(group):
    client = Asking(group)
    client.ask(CDS, "a", "zz")
    client.wanting()
    client.stream.found((CDS, "zz"))
    assert client.wanting() == []
    client.drop(CDS, "zz")
    client.wanting()
    client.add(CDS, "zz")
    assert client.wanting() == ["zz"]


def test_a_name_that_is_asked_for_twice_is_wanted_once():
    """Row 61: its answer is on its way."""
    client = Asking(Group(DELTA, plain("a")))
    client.ask(CDS, "zz")
    assert client.wanting() == ["zz"]
    client.add(CDS, "zz")
    assert client.wanting() == []


def test_a_name_that_was_dropped_meanwhile_is_nobodys(group):
    client = Asking(group)
    client.ask(CDS, "a", "zz")
    client.wanting()
    client.drop(CDS, "zz")
    client.settle()
    said = len(client.trace)
    client.stream.found((CDS, "zz"), "too late")
    client.stream.found((EDS, "zz"), "of a type that was never asked for")
    assert client.is_silent()
    assert len(client.trace) == said
    assert not client.stream.wants((CDS, "zz"))


def test_full_state_waits_because_it_would_say_that_the_name_does_not_exist():
    """Row 38: in SotW what is missing from a list of clusters is gone."""
    group = Group(SOTW, plain("a"))
    client = Asking(group)
    client.ask(CDS, "a", "zz")
    assert client.is_silent()
    group.publish(plain("a"), plain("zz"))
    client.stream.found((CDS, "zz"))
    client.expect(CDS, "a", "zz")


def test_no_stand_in_before_it_is_known(group, dialect):
    """Rows 47, 100."""
    client = Asking(group)
    client.ask(EDS, "zz")
    assert client.wanting() == ["zz"]
    group.publish(plain("a"), endpoints("zz"))
    client.stream.found((EDS, "zz"))
    client.expect(EDS, "zz")


def test_a_host_that_was_made_answers_by_its_alias():
    """Row 100."""
    group = Group(DELTA, plain("c"))
    client = Asking(group)
    client.ask(VHDS, "r/a.com")
    assert client.wanting() == ["r/a.com"]
    group.publish(plain("c"), host("r/v", "a.com"))
    client.stream.found((VHDS, "r/a.com"))
    assert client.pull().removals == set()
    assert client.stream.wants((VHDS, "r/a.com"))


def test_a_wildcard_is_served_while_a_name_is_being_made():
    """Row 101: ODCDS on the stream that all clusters come by."""
    group = Group(DELTA, plain("a"))
    client = Asking(group)
    client.ask(CDS, "*", "zz")
    client.expect(CDS, "a")
    client.ack(CDS)
    assert client.wanting() == ["zz"]
    client.stream.found((CDS, "zz"))
    assert client.expect(CDS).removals == {"zz"}


def test_what_was_made_before_a_restart_stays_until_it_is_made_again(dialect):
    """Row 63: the server that comes back has made nothing yet."""
    group = Group(dialect, plain("a"), plain("zz"), route("r"))
    client = Asking(group)
    client.ask(CDS, "a", "zz")
    client.settle()
    group.publish(plain("a"), route("r"))
    client.connect()
    client.ask_again(CDS, "a", "zz")
    assert client.wanting() == ["zz"]
    assert client.names(CDS) == {"a", "zz"}
    group.publish(plain("a"), plain("zz"), route("r"))
    client.stream.found((CDS, "zz"))
    client.settle()
    assert client.names(CDS) == {"a", "zz"}
    group.publish(plain("a"), route("r"))
    assert client.wanting() == ["zz"]
    client.stream.found((CDS, "zz"))
    client.settle()
    assert client.names(CDS) == {"a"}


def test_a_host_that_was_made_before_a_restart_stays_until_it_is_made_again():
    """Row 63: it has another name than the one that is asked for."""
    made = host("r/v", "a.com")
    client = Asking(Group(DELTA, plain("c")))
    client.send(VHDS, resource_names_subscribe=["r/a.com"], initial_resource_versions={"r/v": made.version})
    client.types[VHDS] = Wanted({"r/a.com"})
    assert client.wanting() == ["r/a.com"]
    assert not client.trace
    client.group.publish(plain("c"), made)
    client.stream.found((VHDS, "r/a.com"))
    assert client.pull().removals == set()


def test_what_was_refused_is_not_made_again(group):
    client, other = Asking(group), Asking(group)
    client.ask(RDS, "r")
    client.expect(RDS, "r")
    client.nack(RDS, "r")
    other.ask(RDS, "r")
    assert other.wanting() == []
    assert other.trace[-1].errors["r"][0] == UNAVAILABLE


def test_what_a_client_may_not_have_is_denied_and_not_made(group):
    """Rows 94, 123."""
    client = Asking(group)
    group.served = replace(group.served, permitted=frozenset({CDS}))
    client.ask(RDS, "zz")
    assert client.pull().errors["zz"][0] == PERMISSION_DENIED
    client.ack(RDS)
    assert client.wanting() == []

"""Responses that are too long for some clients: divided where the protocol allows it, told of where it does not."""

from __future__ import annotations

import pytest
from xds_client import DELTA, SOTW, Group
from xds_resources import cluster, endpoints, route

from xds.model import Resource
from xds.model.type_url import CDS, EDS, RDS
from xds.protocol import Limits, Oversized

SMALL = Limits(response_bytes=1000)
NAMES = [f"e{number:02}" for number in range(40)]


def plain(name: str, mark: str = "1") -> Resource:
    return cluster(name, mark, eds=False)


def limited(dialect, *resources: Resource):
    client = Group(dialect, *resources).client()
    client.stream._limits = SMALL
    return client


def test_much_goes_out_in_parts(dialect):
    """Rows 48, 115: one after the other's ACK, each within the limit, nothing twice and nothing left out."""
    client = limited(dialect, *map(endpoints, NAMES))
    client.ask(EDS, *NAMES)
    first = client.pull()
    assert client.is_silent()
    client.ack(EDS)
    parts = [first, *client.settle()]
    assert len(parts) > 4
    assert sorted(name for part in parts for name in part.names) == NAMES
    assert all(sum(map(len, part.resources.values())) <= 1000 for part in parts)
    assert len({part.version for part in parts}) == len(parts)
    assert client.names(EDS) == set(NAMES)
    assert client.stream.notices() == ()


def test_many_removals_go_out_in_parts():
    """Row 115."""
    client = limited(DELTA, *map(endpoints, NAMES))
    client.ask(EDS, *NAMES)
    client.settle()
    names = [f"{'long' * 20}{number:02}" for number in range(40)]
    client.add(EDS, *names)
    client.group.publish(*(endpoints(name, 2) for name in NAMES[:2]))
    parts = client.settle()
    assert set().union(*(part.removals for part in parts)) == {*NAMES[2:], *names}
    assert sum(len(part.removals) for part in parts) == 78
    assert all(sum(map(len, part.removals)) <= 1000 for part in parts)
    assert client.names(EDS) == set(NAMES[:2])
    assert client.is_silent()


def test_one_resource_is_not_divided(dialect):
    """It goes out alone, and is told of."""
    long = route("r", *(f"{'long' * 20}{number:02}" for number in range(20)))
    client = limited(dialect, long, route("s"))
    client.ask(RDS, "r", "s")
    parts = client.settle()
    assert sorted(sorted(part.names) for part in parts) == [["r"], ["s"]]
    assert client.stream.notices() == (Oversized(RDS, long.size),)


def test_a_full_state_is_not_divided(dialect):
    """Row 115: SotW deletes what it leaves out; it is told of, once a version."""
    group = Group(dialect, *map(plain, NAMES))
    client = group.client()
    client.stream._limits = SMALL
    client.ask(CDS)
    parts = client.settle()
    if dialect is DELTA:
        assert len(parts) > 2
        return
    assert [len(part.names) for part in parts] == [40]
    (told,) = client.stream.notices()
    assert told == Oversized(CDS, group.served.of_type(CDS).size)
    client.connect()
    client.stream._limits = SMALL
    client.ask(CDS)
    client.pull()
    client.nack(CDS)
    client.settle()
    assert len(client.stream.notices()) <= len(client.trace)


def test_a_part_that_is_refused_is_taken_apart_by_itself(dialect):
    """Rows 69, 115: the others go on."""
    client = limited(dialect, *map(endpoints, NAMES))
    client.ask(EDS, *NAMES)
    bad = endpoints("e30")
    while (got := client.pull()) is not None:
        if bad.name in got.names:
            client.nack(EDS)
        else:
            client.ack(EDS)
    assert client.names(EDS) == set(NAMES) - {"e30"}
    assert [one.name for one in client.group.verdicts.refusals()] == ["e30"]


def test_a_change_between_parts_is_in_the_next(dialect):
    """Row 25."""
    client = limited(dialect, *map(endpoints, NAMES))
    client.ask(EDS, *NAMES)
    first = client.pull()
    client.group.publish(*(endpoints(name, 2) for name in NAMES))
    client.ack(EDS)
    client.settle()
    assert client.has[EDS] == {name: endpoints(name, 2).body for name in NAMES}
    assert first.resources != {name: client.has[EDS][name] for name in first.names}


def test_a_client_that_comes_back_between_parts_has_what_it_has(dialect):
    """Rows 49, 63."""
    client = limited(dialect, *map(plain, NAMES))
    client.ask(CDS, "*")
    client.pull()
    client.ack(CDS)
    client.connect()
    client.stream._limits = SMALL
    client.ask_again(CDS, "*")
    again = client.settle()
    assert client.names(CDS) == set(NAMES)
    if dialect is DELTA:
        assert sum(len(part.names) for part in client.trace) == len(NAMES)
    assert again or dialect is SOTW


def test_routes_wait_for_the_last_part_with_their_clusters():
    """Rows 81, 115."""
    client = limited(DELTA, *map(plain, NAMES), route("r", NAMES[-1]))
    client.ask(CDS)
    client.ask(RDS, "r")
    said = [part.type_url for part in client.settle()]
    assert said == [CDS] * (len(said) - 1) + [RDS]


@pytest.mark.parametrize("dialect", [SOTW], ids=["sotw"])
def test_names_asked_for_again_come_in_parts_too(dialect):
    client = limited(dialect, *map(endpoints, NAMES))
    client.ask(EDS, *NAMES)
    client.settle()
    client.drop(EDS, *NAMES[:20])
    client.add(EDS, *NAMES[:20])
    parts = client.settle()
    assert sorted(name for part in parts for name in part.names) == NAMES[:20]

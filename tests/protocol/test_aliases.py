"""Virtual hosts are asked for by host: one that exists answers by its own name, and of one that does not that is said."""

from __future__ import annotations

import pytest
from xds_client import DELTA, Group
from xds_resources import cluster, host, route

from xds.codec import message_class
from xds.model import Resource
from xds.model.type_url import CDS, RDS, VHDS

RESPONSE = "envoy.service.discovery.v3.DeltaDiscoveryResponse"


def told(client) -> list:
    """The next response as delta writes it: (name, aliases, whether it has a body) of each resource."""
    client.stream.serve(client.group.served)
    response = client.stream.respond(0.0)
    if response is None:
        return []
    message = message_class(RESPONSE).FromString(DELTA.write(response, ""))
    client.send(VHDS, response_nonce=message.nonce)
    assert not message.resource_errors
    return [(one.name, set(one.aliases), one.HasField("resource")) for one in message.resources]


def test_a_host_is_answered_by_its_virtual_host():
    """Row 100: with all its names, the asked one among them."""
    client = Group(DELTA, host("r/v", "a.com", "b.com")).client()
    client.ask(VHDS, "r/a.com")
    assert told(client) == [("r/v", {"r/a.com", "r/b.com"}, True)]
    assert told(client) == []


def test_another_host_of_what_is_held_is_answered():
    """Row 100: a request waits for the answer to just that name."""
    client = Group(DELTA, host("r/v", "a.com", "b.com")).client()
    client.ask(VHDS, "r/a.com")
    told(client)
    client.add(VHDS, "r/b.com")
    assert told(client) == [("r/v", {"r/a.com", "r/b.com"}, True)]


def test_a_change_is_told_once_whatever_the_names():
    """Rows 27, 54."""
    group = Group(DELTA, host("r/v", "a.com", "b.com"))
    client = group.client()
    client.ask(VHDS, "r/a.com", "r/b.com", "r/v")
    told(client)
    group.publish(host("r/v", "a.com", "b.com", cluster="x"))
    assert [name for name, _, _ in told(client)] == ["r/v"]


def test_an_unknown_host_has_a_name_and_no_body():
    """Row 100: so that the request that waits goes on; once, and again when it is asked for again."""
    group = Group(DELTA, host("r/v", "a.com"))
    client = group.client()
    client.ask(VHDS, "r/zz.com")
    assert told(client) == [("r/zz.com", {"r/zz.com"}, False)]
    group.publish(host("r/v", "a.com", cluster="x"))
    assert told(client) == []
    client.add(VHDS, "r/zz.com")
    assert told(client) == [("r/zz.com", {"r/zz.com"}, False)]


def test_a_host_that_comes_to_exist_is_sent():
    """Row 60: and is nothing to be removed under the name it had."""
    group = Group(DELTA, host("r/v", "a.com"))
    client = group.client()
    client.ask(VHDS, "r/b.com")
    told(client)
    group.publish(host("r/v", "a.com"), host("r/w", "b.com"))
    assert client.pull().removals == set()
    client.ack(VHDS)
    group.publish(host("r/v", "a.com"))
    assert client.pull().removals == {"r/w"}


def test_a_host_that_was_dropped_is_not_sent():
    """Row 78: by the last of its names."""
    group = Group(DELTA, host("r/v", "a.com", "b.com"))
    client = group.client()
    client.ask(VHDS, "r/a.com", "r/b.com")
    told(client)
    client.drop(VHDS, "r/a.com")
    group.publish(host("r/v", "a.com", "b.com", cluster="x"))
    assert len(told(client)) == 1
    client.drop(VHDS, "r/b.com")
    group.publish(host("r/v", "a.com", "b.com", cluster="y"))
    assert told(client) == []


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("a.com", "exact"),
        ("b.a.com", "end"),
        ("c.b.a.com", "longer end"),
        ("x-a.com", "part"),
        ("shop.org", "beginning"),
        ("else", "any"),
    ],
)
def test_a_host_is_answered_by_the_virtual_host_that_envoy_would_choose(asked, found):
    """Row 100: and the asked name is among the aliases."""
    domains = {
        "exact": "A.com",
        "end": "*.a.com",
        "longer end": "*.b.a.com",
        "part": "*-a.com",
        "beginning": "shop.*",
        "any": "*",
    }
    client = Group(DELTA, *(host(f"r/{name}", domain) for name, domain in domains.items())).client()
    client.ask(VHDS, f"r/{asked}")
    ((name, aliases, has_body),) = told(client)
    assert (name, f"r/{asked}" in aliases, has_body) == (f"r/{found}", True, True)
    assert told(client) == []
    client.add(VHDS, f"r/{asked}")
    assert len(told(client)) == 1


def test_another_host_of_the_same_domain_is_answered_too():
    """Row 100: by what the client holds already, because its request waits for just that name."""
    client = Group(DELTA, host("r/ends", "*.a.com")).client()
    client.ask(VHDS, "r/x.a.com")
    told(client)
    client.add(VHDS, "r/y.a.com")
    ((name, aliases, _),) = told(client)
    assert (name, "r/y.a.com" in aliases) == ("r/ends", True)


def test_envoy_asks_for_everything_besides_when_it_comes_back():
    """Rows 34, 63, 100: a star that it never said before, with what it has and the hosts it asked for."""
    held = host("r/v", "a.com")
    client = Group(DELTA, held, host("r/ends", "*.b.com"), route("r", vhds=True)).client()
    asked = ["*", "r/a.com", "r/x.b.com", "r/zz.com"]
    client.send(VHDS, resource_names_subscribe=asked, initial_resource_versions={"r/v": held.version})
    found = {name: (aliases, has_body) for name, aliases, has_body in told(client)}
    assert found.keys() == {"r/v", "r/ends", "r/zz.com"}
    assert found["r/ends"] == ({"r/*.b.com", "r/x.b.com"}, True)
    assert found["r/zz.com"] == ({"r/zz.com"}, False)
    assert told(client) == []


def test_the_domains_of_one_route_configuration_are_not_anothers():
    client = Group(DELTA, host("r/any", "*"), host("s/v", "a.com")).client()
    client.ask(VHDS, "s/b.com")
    assert told(client) == [("s/b.com", {"s/b.com"}, False)]


def test_envoy_hears_of_no_host_before_it_asks_for_one():
    """Row 45: it waits 15 s otherwise, for each route configuration that has its hosts from VHDS."""
    group = Group(DELTA, route("r", vhds=True), route("s"), host("r/v", "a.com"))
    client = group.client()
    client.ask(RDS, "r", "q")
    client.settle()
    client.ask(VHDS)
    assert told(client) == [("r/", {"r/"}, False)]
    group.publish(route("r", vhds=True), route("q", vhds=True), host("r/v", "a.com"))
    client.expect(RDS, "q")
    assert told(client) == [("q/", {"q/"}, False)]


def test_a_host_that_is_asked_for_later_is_told_beside():
    """Row 100: on a stream for hosts alone."""
    client = Group(DELTA, route("r", vhds=True), host("r/v", "a.com")).client()
    client.ask(VHDS)
    told(client)
    client.add(VHDS, "r/a.com")
    assert [name for name, _, _ in told(client)] == ["r/v"]


def test_hosts_wait_for_their_clusters(dialect):
    """Row 81."""
    group = Group(dialect, cluster("c", eds=False))
    client = group.client()
    client.ask(CDS)
    client.settle()
    group.publish(cluster("c", eds=False), cluster("d", eds=False), host("r/v", "a.com", cluster="d"))
    client.send(VHDS, **{"resource_names_subscribe" if dialect is DELTA else "resource_names": ["r/a.com"]})
    client.types[VHDS] = type(client.types[CDS])({"r/a.com"})
    client.expect(CDS, *("d" if dialect is DELTA else "cd"))
    assert client.is_silent()
    client.ack(CDS)
    assert client.pull().type_url == VHDS


def test_any_version_is_a_version(dialect):
    """What looks like a stand-in and exists is none."""
    client = Group(dialect, Resource(CDS, "c", "none", cluster("c", eds=False).body)).client()
    client.ask(CDS, "c")
    client.expect(CDS, "c")
    client.ack(CDS)
    assert client.is_silent()
    assert client.stream.subscribed()[0].resources == 1

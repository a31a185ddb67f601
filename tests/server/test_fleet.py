"""Groups come and go with configuration and proxies; signals and watches tell of news without a queue."""

from __future__ import annotations

import anyio
from discovery_world import cluster

from xds.model import Node, Snapshot
from xds.model.type_url import CDS
from xds.protocol import DELTA, Request, Stream
from xds.server.fleet import Fleet, Session, Visit
from xds.server.grouping import by_cluster
from xds.server.signal import Signal, Watch


def session(group: str = "edge") -> Session:
    return Session(Visit(Node("n", group), group), "peer", Stream(DELTA))


def test_the_same_snapshot_is_no_change():
    fleet, snapshot = Fleet(), Snapshot.of([cluster("a")])
    assert fleet.publish({"edge": snapshot}) == ["edge"]
    assert fleet.publish({"edge": snapshot}) == []
    assert fleet.snapshots() == {"edge": snapshot}


def test_a_group_lives_as_long_as_somebody_needs_it():
    fleet, one = Fleet(), session()
    fleet.join(one)
    assert fleet.snapshots() == {}
    fleet.publish({"edge": Snapshot.of([cluster("a")])})
    fleet.publish({})
    assert fleet.snapshots() == {"edge": Snapshot()}
    fleet.leave(one)
    assert fleet.snapshots() == {}
    assert not fleet._groups


def test_a_group_without_proxies_is_not_live():
    fleet = Fleet()
    fleet.publish({"edge": Snapshot()})
    assert not fleet.is_live("edge")


def test_a_proxy_is_live_when_it_has_what_its_group_is_served():
    fleet, one, told = Fleet(), session(), Signal()
    fleet.settled.follow(told)
    fleet.join(one)
    fleet.publish({"edge": Snapshot.of([cluster("a")])})
    one.stream.receive(Request(CDS))
    one.stream.serve(fleet.group("edge").served.value)
    response = one.stream.respond(0.0)
    fleet.settle(one)
    assert not fleet.is_live("edge")
    one.stream.receive(Request(CDS, response.nonce))
    assert one.stream.respond(0.0) is None
    fleet.settle(one)
    assert fleet.is_live("edge")
    fleet.settle(one)
    assert fleet.is_live("edge")


def test_an_answer_to_a_group_without_configuration_changes_nothing():
    fleet, one = Fleet(), session()
    fleet.join(one)
    one.stream.receive(Request(CDS))
    one.stream.serve(Snapshot.of([cluster("a")]))
    response = one.stream.respond(0.0)
    fact = one.stream.receive(Request(CDS, response.nonce, error="a"))
    fleet.judge(one, fact)
    assert list(fleet.refusals()) == []


def test_the_cluster_of_a_node_is_its_group():
    assert by_cluster(Node("n", "edge")) == "edge"


async def test_a_signal_that_was_set_before_is_not_lost():
    signal = Signal()
    signal.set()
    signal.set()
    with anyio.fail_after(30):
        await signal.wait()
    with anyio.move_on_after(0) as scope:
        await signal.wait()
    assert scope.cancelled_caught


async def test_a_watch_tells_its_followers_until_they_leave():
    watch, stays, leaves = Watch(1), Signal(), Signal()
    watch.follow(stays)
    watch.follow(leaves)
    watch.unfollow(leaves)
    watch.unfollow(leaves)
    watch.publish(2)
    watch.publish(3)
    with anyio.fail_after(30):
        await stays.wait()
    assert watch.value == 3
    with anyio.move_on_after(0) as scope:
        await leaves.wait()
    assert scope.cancelled_caught

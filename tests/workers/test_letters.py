"""What goes between the builder and a worker: changes of snapshots, one update at a time, and nothing that piles up."""

from __future__ import annotations

from dataclasses import replace

import msgspec
from discovery_world import cluster
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from xds.model import Answer, Load, Node, Proxy, Resource, Resources, Snapshot, Subscribed
from xds.model.type_url import CDS, EDS
from xds.protocol import SOTW, Accepted, Rejected, Stream
from xds.server import family
from xds.server.demand import Demand
from xds.server.fleet import Session, Visit
from xds.server.workers import edition, letter
from xds.server.workers.letter import Ask, Line, Reported, Stand, Update
from xds.server.workers.post import Post
from xds.server.workers.worker_fleet import MOST_LINES, MOST_REFUSED, WorkerFleet

RESOURCES = st.builds(
    lambda type_url, name, mark: Resource(type_url, name, mark, mark.encode(), frozenset({(EDS, name)}), aliases=(mark,)),
    st.sampled_from([CDS, EDS]),
    st.sampled_from("abcd"),
    st.sampled_from("123"),
)
SNAPSHOTS = st.builds(
    lambda resources, withheld: replace(Snapshot.of(resources), withheld=withheld),
    st.lists(RESOURCES),
    st.frozensets(st.tuples(st.just(CDS), st.sampled_from("xy"))),
)


def sent(one: letter.Letter) -> letter.Letter:
    return letter.decode(letter.encode(one))


def plain(snapshot: Snapshot) -> tuple:
    """A snapshot as all that is told of it."""
    entries = {(one.type_url, one.name): edition.entry(one) for one in snapshot}
    return entries, snapshot.withheld


@given(SNAPSHOTS, SNAPSHOTS)
def test_an_edition_makes_one_snapshot_of_the_other(old, new):
    update = sent(Update(1, {"edge": edition.between(old, new)}, (), {}))
    made = edition.applied(old, update.editions["edge"])
    assert plain(made) == plain(new)
    for type_url in (CDS, EDS):
        if old.of_type(type_url) is new.of_type(type_url):
            assert made.of_type(type_url) is old.of_type(type_url)


def test_only_what_changed_is_sent_and_the_rest_is_the_same():
    old = Snapshot.of([cluster("a"), cluster("b"), cluster("gone")])
    new = Snapshot({CDS: Resources({**{name: old.of_type(CDS)[name] for name in "ab"}, "b": cluster("b", "2")})})
    made = edition.between(old, new)
    ((upsert,), removals) = made.changes[CDS].upserts, made.changes[CDS].removals
    assert (upsert.name, removals) == ("b", ("gone",))
    assert edition.applied(old, made).of_type(CDS)["a"] is old.of_type(CDS)["a"]


def test_what_is_asked_and_told_of_proxies_survives_the_way():
    load = Load(Node("n1", "edge", metadata={"zone": ["a", {"b": 1.5}]}, client_features=frozenset({"x"})), "edge", ())
    assert sent(Ask(1, Reported(load))).question.load == load
    assert sent(Ask(1, Reported(Load(Node("n1"), "edge", ())))).question.load.node == Node("n1")


def served(**groups: Snapshot) -> dict[str, Snapshot]:
    return groups


class TestPost:
    def test_a_worker_is_given_one_update_at_a_time_and_skips_what_was_overtaken(self):
        post, fleet = Post(None), WorkerFleet()
        first = post.update(served(edge=Snapshot.of([cluster("a")])))
        assert post.update(served(edge=Snapshot.of([cluster("a", "2")]))) is None
        fleet.take(sent(first))
        post.hear(fleet.report())
        last = post.update(served(edge=Snapshot.of([cluster("a", "3")])))
        fleet.take(sent(last))
        post.hear(fleet.report())
        assert (last.turn, fleet.served("edge").of_type(CDS)["a"]) == (2, cluster("a", "3"))
        assert post.update(served(edge=post._given["edge"])) is None

    def test_the_first_update_comes_even_when_there_is_nothing(self):
        assert Post(None).update({}) == Update(1, {}, (), {})

    def test_a_group_of_which_nothing_is_known_any_more(self):
        post, fleet = Post(None), WorkerFleet()
        fleet.take(post.update(served(edge=Snapshot.of([cluster("a")]))))
        post.hear(fleet.report())
        fleet.take(post.update({}))
        assert fleet.served("edge") is None

    def test_only_who_wants_it_is_told_what_became_of_a_demand(self):
        post, demand = Post(None), Demand("edge", CDS, "a")
        post.answer(demand, "")
        post.want(demand)
        post.answer(demand, "no")
        post.answer(demand, "no")
        assert [one.reason for one in post.update({}).found] == ["no"]


def a_session(fleet: WorkerFleet) -> Session:
    session = Session(Visit(Node("n1", "edge"), "edge"), "peer", Stream(SOTW))
    fleet.join(session)
    return session


class TestWorkerFleet:
    def serving(self, *names: str) -> WorkerFleet:
        fleet = WorkerFleet()
        fleet.take(Update(1, {"edge": edition.between(None, Snapshot.of(map(cluster, names)))}, (), {}))
        return fleet

    def test_the_first_acceptance_of_a_version_is_told_and_no_other(self):
        fleet = self.serving("a", "b")
        one, other = a_session(fleet), a_session(fleet)
        fact = Accepted(CDS, tuple(fleet.served("edge")))
        fleet.judge(one, fact)
        assert [(told.current, told.older) for told in fleet.report().accepted] == [(("a", "b"), ())]
        fleet.judge(other, fact)
        assert fleet.report() is None

    def test_an_older_version_is_told_whole(self):
        fleet = self.serving("a")
        session, older = a_session(fleet), Accepted(CDS, tuple(fleet.served("edge")))
        new = Snapshot.of([cluster("a", "2")])
        fleet.take(Update(2, {"edge": edition.between(fleet.served("edge"), new)}, (), {}))
        fleet.judge(session, older)
        (told,) = fleet.report().accepted
        assert (told.current, [one.body for one in told.older]) == ((), [cluster("a").body])

    def test_what_nobody_is_served_is_told_to_nobody(self):
        """A client may make up names."""
        fleet = self.serving("a")
        session = a_session(fleet)
        fleet.report()
        fleet.judge(session, Accepted(CDS, (cluster("made-up"),)))
        assert fleet.report() is None

    def test_what_waits_to_be_told_has_bounds(self):
        fleet = self.serving("a")
        session = a_session(fleet)
        for number in range(MOST_REFUSED + 10):
            fleet.judge(session, Rejected(CDS, (), (cluster("a", str(number)),), "no"))
        for number in range(MOST_LINES + 10):
            fleet.say(Line("x", 20, str(number)))
        report = fleet.report()
        assert (len(report.refused), len(report.lines)) == (MOST_REFUSED, MOST_LINES)
        assert report.lines[-1].words == str(MOST_LINES + 9)

    def test_groups_that_clients_make_up_leave_nothing(self):
        fleet = WorkerFleet()
        for number in range(3):
            session = Session(Visit(Node("n1"), f"made-up-{number}"), "peer", Stream(SOTW))
            fleet.join(session)
            fleet.judge(session, Accepted(CDS, (cluster("a"),)))
            fleet.leave(session)
        assert fleet.report().stands == {f"made-up-{number}": Stand(0, answered=True) for number in range(3)}
        kept = fleet._groups, fleet._behind, fleet._known, fleet._accepted, fleet._moved
        assert not any(kept)


def measured(acks: int, streams: int, seconds: float) -> tuple[family.Family, ...]:
    registry = CollectorRegistry()
    Counter("acks", "ACKs", ["type"], registry=registry).labels("cds").inc(acks)
    Gauge("streams", "Open", registry=registry).set(streams)
    Histogram("seconds", "Until the ACK", buckets=(1, 2), registry=registry).observe(seconds)
    return family.read(registry)


def test_what_is_measured_adds_up():
    added = {one.name: one for one in family.total([measured(1, 2, 0.5), measured(10, 20, 1.5)])}
    values = {(one.name, *one.labels): one.value for each in added.values() for one in each.samples}
    assert values["acks_total", ("type", "cds")] == 11
    assert values["streams",] == 22
    assert [values["seconds_bucket", ("le", le)] for le in ("1.0", "2.0", "+Inf")] == [1, 2, 2]
    assert values["seconds_sum",] == 2.0


def test_what_lasts_is_what_only_grows():
    assert [one.name for one in family.lasting(measured(1, 2, 0.5))] == ["acks", "seconds"]


def test_a_proxy_is_told_whole():
    proxies = [Proxy(Node("n1"), "edge", "peer", "delta", 1.0, (Subscribed(CDS, "1", 1, Answer.ACCEPTED),))]
    assert msgspec.msgpack.decode(letter.encode(proxies), type=list[Proxy]) == proxies

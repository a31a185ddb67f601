"""Random talks: whatever is published, asked for, refused, delayed and cut off, every client ends with what it wants of
what its group is served, after a bounded number of responses. `Client` checks every single response besides.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from xds_client import DELTA, FULL_STATE, SOTW, Client, Got, Group
from xds_resources import cluster, endpoints, listener, route

from xds.codec import decode, references
from xds.model import Resource, Snapshot, dangling, version_of
from xds.model.type_url import CDS, EDS, LDS, RDS
from xds.protocol import Dialect, Fact
from xds.protocol.limits import Limits

TYPES = (CDS, EDS, LDS, RDS)
CLUSTER_GLOB = "xdstp://here/envoy.config.cluster.v3.Cluster/edge/*"
ENDPOINTS_GLOB = "xdstp://here/envoy.config.endpoint.v3.ClusterLoadAssignment/edge/*"
CLUSTERS = {"ca": "ca", CLUSTER_GLOB.replace("*", "cb"): ENDPOINTS_GLOB.replace("*", "cb")}
"""The name of a cluster -> that of its endpoints."""
ROUTES = ("ra", "rb")
NAMES = {CDS: tuple(CLUSTERS), EDS: tuple(CLUSTERS.values()), LDS: ("la", "lb"), RDS: ROUTES}
ASKED = {**NAMES, CDS: (*NAMES[CDS], CLUSTER_GLOB), EDS: (*NAMES[EDS], ENDPOINTS_GLOB)}
"""What may be asked for by name."""
BAD = "9"
PATIENCE = Limits().patience
MARK: Mapping[str, Callable[[Any], str]] = {
    CDS: lambda one: one.alt_stat_name,
    EDS: lambda one: str(
        one.endpoints[0].lb_endpoints[0].endpoint.address.socket_address.port_value if one.endpoints else ""
    ),
    LDS: lambda one: one.stat_prefix,
    RDS: lambda one: one.virtual_hosts[0].name,
}
"""Where a resource carries the mark that it was made with."""


@st.composite
def resources(draw, marks: str) -> list[Resource]:
    """A small snapshot in which everything that is named is there."""
    mark = st.sampled_from(marks)
    names = draw(st.lists(st.sampled_from(NAMES[CDS]), unique=True))
    made = [cluster(name, draw(mark), service=CLUSTERS[name]) for name in names]
    made += [endpoints(CLUSTERS[name], int(draw(mark))) for name in names]
    paths = draw(st.lists(st.sampled_from(ROUTES), unique=True))
    some = st.lists(st.sampled_from(names), unique=True) if names else st.just([])
    made += [route(name, *sorted(draw(some)), mark=draw(mark)) for name in paths]
    for name in draw(st.lists(st.sampled_from(NAMES[LDS]), unique=True)):
        made.append(listener(name, draw(st.sampled_from([*paths, ""])), draw(mark)))
    assert not dangling(Snapshot.of(made))
    return made


class Talk(RuleBasedStateMachine):
    """Two replicas of a control plane and three clients: one wants everything from the start, the others whatever comes.
    How they answer is told by the subclasses.
    """

    dialect: Dialect
    kind = Group
    marks = "123"

    @initialize(data=st.data(), known=st.booleans(), hurried=st.booleans())
    def begin(self, data, known, hurried):
        first = data.draw(resources(self.marks)) if known else ()
        self.replicas = [self.kind(self.dialect, *first) for _ in range(2)]
        self.clients = [self.replicas[0].client() for _ in range(3)]
        self.hurried = hurried
        for client in self.clients:
            client.impatient = hurried
        for type_url in TYPES:
            self.clients[0].ask(type_url, *(() if type_url in FULL_STATE else NAMES[type_url]))

    def a_client(self, data) -> Client:
        return data.draw(st.sampled_from(self.clients))

    @rule(data=st.data(), late=st.booleans())
    def publish(self, data, late):
        """To both replicas, or to the first one now and to the other whenever it is published to again."""
        made = data.draw(resources(self.marks))
        for group in self.replicas[: 1 if late else 2]:
            group.publish(*made)

    @rule()
    def nobody_answers_for_long(self):
        """In some talks. What waits for an answer goes on without it, and so clusters may come after what names them."""
        for group in self.replicas:
            group.now += 2 * PATIENCE if self.hurried else 0

    @rule(data=st.data())
    def clear(self, data):
        data.draw(st.sampled_from(self.replicas)).clear()

    @rule(data=st.data(), type_url=st.sampled_from(TYPES), everything=st.booleans())
    def ask(self, data, type_url, everything):
        client = self.a_client(data)
        if type_url in client.types:
            return
        names = data.draw(st.lists(st.sampled_from(ASKED[type_url]), unique=True, min_size=1))
        everything = everything and type_url in FULL_STATE
        (client.ask_again if type_url in client.earlier else client.ask)(type_url, *(() if everything else names))

    @rule(data=st.data(), type_url=st.sampled_from(TYPES), star=st.booleans())
    def add(self, data, type_url, star):
        client = self.a_client(data)
        if type_url in client.types:
            client.add(type_url, "*" if star and type_url in FULL_STATE else data.draw(st.sampled_from(ASKED[type_url])))

    @rule(data=st.data(), type_url=st.sampled_from(TYPES), star=st.booleans())
    def drop(self, data, type_url, star):
        client = self.a_client(data)
        if type_url in client.types:
            client.drop(type_url, "*" if star and type_url in FULL_STATE else data.draw(st.sampled_from(ASKED[type_url])))

    @rule(data=st.data(), times=st.integers(1, 4))
    def pull(self, data, times):
        client = self.a_client(data)
        for _ in range(times):
            client.pull()

    def an_open_one(self, data) -> tuple[Client, str] | None:
        """A client, and a type of which it has a response to answer."""
        client = self.a_client(data)
        open_ = [url for url, wanted in client.types.items() if wanted.unanswered]
        return (client, data.draw(st.sampled_from(open_))) if open_ else None

    @rule(data=st.data(), refuses=st.booleans())
    def answer_an_older_response(self, data, refuses):
        """Rows 21, 24, 67: it is neither an ACK nor a NACK, and nothing is said because of it."""
        client = self.a_client(data)
        answered = [url for url, wanted in client.types.items() if wanted.nonce]
        if not answered:
            return
        type_url = data.draw(st.sampled_from(answered))
        older = {one.nonce for one in client.trace if one.type_url == type_url} - {client.types[type_url].nonce}
        nonce = data.draw(st.sampled_from(["", "another stream's", *sorted(older)]))
        client.say_late(type_url, nonce, **({"error_detail": {"message": "old"}} if refuses else {}))

    @rule(data=st.data(), elsewhere=st.booleans())
    def reconnect(self, data, elsewhere):
        client = self.a_client(data)
        client.connect(data.draw(st.sampled_from(self.replicas)) if elsewhere else None)

    @rule()
    def come_to_rest(self):
        """Everybody answers everything, and has what it wants, and nothing else when the time is over in which clients that
        ask for clusters by name may let go of them.
        """
        self.all_rest()
        for group in self.replicas:
            group.now += PATIENCE
        self.all_rest()
        for client in self.clients:
            for type_url in client.types:
                self.compare(client, type_url)

    def all_rest(self) -> None:
        while any([self.rest(client) for client in self.clients]):  # noqa: C419  each of them
            pass

    def rest(self, client: Client) -> bool:
        """Answers all that comes. Returns whether anything came."""
        before = len(client.trace)
        for type_url in [url for url, wanted in client.types.items() if wanted.unanswered]:
            client.ack(type_url)
        while (got := client.pull()) is not None:
            client.ack(got.type_url)
        return len(client.trace) > before

    def compare(self, client: Client, type_url: str) -> None:
        group = client.group
        if group.served is None:
            return
        wanted, has = client.types[type_url], client.has.get(type_url, {})
        served = group.served.of_type(type_url)
        due = {name: one.body for name, one in served.items() if wanted.covers(name) and self.is_to_be_had(one)}
        withheld = {name for url, name in group.served.withheld if url == type_url}
        assert {name: body for name, body in has.items() if name in due} == due, type_url
        extra = has.keys() - withheld - {name for name in served if wanted.covers(name)}
        if self.dialect is SOTW:
            extra -= self.unspeakable(client, type_url, withheld)
        extra -= self.outlasted(client, type_url)
        assert not extra, (type_url, extra)

    def outlasted(self, client: Client, type_url: str) -> set[str]:
        """What is kept for the sake of routes that were removed, and that the client still asks for."""
        clusters = {ref for body in client.outlasting.values() for ref in references(decode(RDS, body))}
        bodies = [body for name, body in client.has.get(CDS, {}).items() if (CDS, name) in clusters]
        kept = clusters.union(*(references(decode(CDS, body)) for body in bodies))
        return {name for url, name in kept if url == type_url}

    def is_to_be_had(self, one: Resource) -> bool:
        """Whether clients take it when they come to rest."""
        return True

    def unspeakable(self, client: Client, type_url: str, withheld: set[str]) -> set[str]:
        """What SotW cannot take away: a route that is gone, and so its clusters; and anything, as long as an older version
        that only the client knows of is to stay beside it.
        """
        if type_url not in FULL_STATE or withheld:
            return client.names(type_url)
        routes = client.group.served.of_type(RDS)
        gone = [decode(RDS, body) for name, body in client.has.get(RDS, {}).items() if name not in routes]
        return {name for one in gone for url, name in references(one) if url == type_url}


class Moody(Talk):
    """The clients refuse at random, blame whom they like, and change their minds."""

    @rule(data=st.data())
    def ack(self, data):
        if found := self.an_open_one(data):
            found[0].ack(found[1])

    @rule(data=st.data(), names_it=st.booleans())
    def nack(self, data, names_it):
        if not (found := self.an_open_one(data)):
            return
        client, type_url = found
        offered = sorted(client.types[type_url].unanswered.names)
        culprit = data.draw(st.sampled_from(offered)) if names_it and offered else ""
        taken = data.draw(st.lists(st.sampled_from(offered), unique=True)) if offered else []
        client.nack(type_url, f"{culprit} is bad", takes=tuple(name for name in taken if name != culprit))

    def compare(self, client: Client, type_url: str) -> None:
        """A client that refused what others have knows that it lacks it."""
        if not any(one.error for one in client.stream.subscribed()):
            super().compare(client, type_url)


def is_bad(type_url: str, body: bytes) -> bool:
    return MARK[type_url](decode(type_url, body)) == BAD


class Plagued(Group):
    """Some of its resources are bad, and its clients refuse those and nothing else.

    `known` is what of that it was told, as long as its configuration asks for it.
    """

    known: frozenset[tuple[str, str]] = frozenset()

    def publish(self, *resources: Resource) -> Snapshot:
        self.known &= {(one.name, one.version) for one in resources}
        return super().publish(*resources)

    def clear(self) -> None:
        self.known = frozenset()
        super().clear()

    def client(self) -> Client:
        return Refuser(self)


class Refuser(Client):
    """Refuses what is bad, whoever it is from, and takes the rest."""

    group: Plagued
    silent = False

    def pull(self) -> Got | None:
        got = super().pull()
        offered = {(name, version_of(body)) for name, body in got.resources.items()} if got else set()
        assert not offered & self.group.known, "refused bytes were offered again"
        return got

    def ack(self, type_url: str) -> Fact | None:
        got = self.types[type_url].unanswered
        bad = {name for name, body in got.resources.items() if is_bad(type_url, body)}
        if not bad:
            return super().ack(type_url)
        if not self.silent or len(got.resources) == 1:
            asked = (self.group.asked or Snapshot()).of_type(type_url)
            refused = {(name, version_of(got.resources[name])) for name in bad}
            self.group.known |= refused & {(one.name, one.version) for one in asked.values()}
        words = "no" if self.silent else f"refused: {', '.join(sorted(bad))}"
        return self.nack(type_url, words, takes=tuple(got.names - bad))


class Sound(Talk):
    """No client is offered again what its group knows to be bad, and all that names nothing bad is served."""

    marks = "12" + BAD
    kind = Plagued

    @rule(data=st.data())
    def fall_silent(self, data):
        """A client says no longer what it is that it refuses, or does so again."""
        client = self.a_client(data)
        client.silent = not client.silent

    @rule(data=st.data())
    def answer(self, data):
        if found := self.an_open_one(data):
            found[0].ack(found[1])

    @invariant()
    def all_good_things_are_served(self):
        for group in self.replicas:
            for one in group.asked or ():
                assert self.has_fault(group, one) or group.served.get(one.reference) == one

    def has_fault(self, group: Group, one: Resource) -> bool:
        """Whether it is bad, or something that it names is."""
        named = (child for reference in one.references if (child := group.asked.get(reference)))
        return not self.is_to_be_had(one) or any(self.has_fault(group, child) for child in named)

    def outlasted(self, client: Client, type_url: str) -> set[str]:
        """What is kept for the sake of routes that were removed, and that the client still asks for."""
        clusters = {ref for body in client.outlasting.values() for ref in references(decode(RDS, body))}
        bodies = [body for name, body in client.has.get(CDS, {}).items() if (CDS, name) in clusters]
        kept = clusters.union(*(references(decode(CDS, body)) for body in bodies))
        return {name for url, name in kept if url == type_url}

    def is_to_be_had(self, one: Resource) -> bool:
        return not is_bad(one.type_url, one.body)


@pytest.mark.timeout(600)  # of a talk that fails, Hypothesis looks 300 s for a shorter one
@pytest.mark.parametrize("dialect", [SOTW, DELTA], ids=lambda one: one.name)
@pytest.mark.parametrize("kind", [Moody, Sound])
def test_talk(kind, dialect):
    run_state_machine_as_test(
        type("Talk", (kind,), {"dialect": dialect}),
        settings=settings(max_examples=200, report_multiple_bugs=False, stateful_step_count=40, deadline=None),
    )

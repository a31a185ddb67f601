"""Random talks: whatever is published, asked for, refused, delayed and cut off, every client ends with what it wants of
what its group is served, after a bounded number of responses. `Client` checks every single response besides.
"""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule
from xds_client import DELTA, FULL_STATE, SOTW, Client, Group
from xds_resources import cluster, endpoints, listener, route

from xds.codec import decode, references
from xds.model import Resource, Snapshot, dangling
from xds.model.type_url import CDS, EDS, LDS, RDS

TYPES = (CDS, EDS, LDS, RDS)
MARKS = st.sampled_from("12")
CLUSTERS = ("ca", "cb")
ROUTES = ("ra", "rb")
NAMES = {CDS: CLUSTERS, EDS: CLUSTERS, LDS: ("la", "lb"), RDS: ROUTES}


@st.composite
def resources(draw) -> list[Resource]:
    """A small snapshot in which everything that is named is there."""
    names = draw(st.lists(st.sampled_from(CLUSTERS), unique=True))
    made = [cluster(name, draw(MARKS)) for name in names]
    made += [endpoints(name, draw(st.integers(1, 3))) for name in names]
    paths = draw(st.lists(st.sampled_from(ROUTES), unique=True))
    some = st.lists(st.sampled_from(names), unique=True) if names else st.just([])
    made += [route(name, *sorted(draw(some)), mark=draw(MARKS)) for name in paths]
    for name in draw(st.lists(st.sampled_from(NAMES[LDS]), unique=True)):
        made.append(listener(name, draw(st.sampled_from([*paths, ""])), draw(MARKS)))
    assert not dangling(Snapshot.of(made))
    return made


class Talk(RuleBasedStateMachine):
    """Two clients of one group: one wants everything from the start, the other whatever comes."""

    @initialize(dialect=st.sampled_from([SOTW, DELTA]), first=st.none() | resources())
    def begin(self, dialect, first):
        self.group = Group(dialect, *(first or ()))
        self.clients = [self.group.client(), self.group.client()]
        for type_url in TYPES:
            self.clients[0].ask(type_url, *(() if type_url in FULL_STATE else NAMES[type_url]))

    def a_client(self, data) -> Client:
        return data.draw(st.sampled_from(self.clients))

    @rule(made=resources())
    def publish(self, made):
        self.group.publish(*made)

    @rule(data=st.data(), type_url=st.sampled_from(TYPES), everything=st.booleans())
    def ask(self, data, type_url, everything):
        client = self.a_client(data)
        if type_url in client.types:
            return
        names = data.draw(st.lists(st.sampled_from(NAMES[type_url]), unique=True, min_size=1))
        everything = everything and type_url in FULL_STATE
        (client.ask_again if type_url in client.earlier else client.ask)(type_url, *(() if everything else names))

    @rule(data=st.data(), type_url=st.sampled_from(TYPES), star=st.booleans())
    def add(self, data, type_url, star):
        client = self.a_client(data)
        if type_url in client.types:
            client.add(type_url, "*" if star and type_url in FULL_STATE else data.draw(st.sampled_from(NAMES[type_url])))

    @rule(data=st.data(), type_url=st.sampled_from(TYPES), star=st.booleans())
    def drop(self, data, type_url, star):
        client = self.a_client(data)
        if type_url in client.types:
            client.drop(type_url, "*" if star and type_url in FULL_STATE else data.draw(st.sampled_from(NAMES[type_url])))

    @rule(data=st.data(), times=st.integers(1, 4))
    def pull(self, data, times):
        client = self.a_client(data)
        for _ in range(times):
            client.pull()

    @rule(data=st.data())
    def ack(self, data):
        client = self.a_client(data)
        if open_ := [url for url, wanted in client.types.items() if wanted.unanswered]:
            client.ack(data.draw(st.sampled_from(open_)))

    @rule(data=st.data(), names_it=st.booleans())
    def nack(self, data, names_it):
        client = self.a_client(data)
        if not (open_ := [url for url, wanted in client.types.items() if wanted.unanswered]):
            return
        type_url = data.draw(st.sampled_from(open_))
        offered = sorted(client.types[type_url].unanswered.names)
        culprit = data.draw(st.sampled_from(offered)) if names_it and offered else ""
        taken = data.draw(st.lists(st.sampled_from(offered), unique=True)) if offered else []
        client.nack(type_url, f"{culprit} is bad", takes=tuple(name for name in taken if name != culprit))

    @rule(data=st.data())
    def reconnect(self, data):
        client = self.a_client(data)
        client.connect()

    @rule()
    def come_to_rest(self):
        """Everybody ACKs everything, and has what it wants: unless it refused it, and knows."""
        for _ in range(2):
            for client in self.clients:
                for type_url in [url for url, wanted in client.types.items() if wanted.unanswered]:
                    client.ack(type_url)
                client.settle()
        for client in self.clients:
            for type_url in client.types:
                self.compare(client, type_url)

    def compare(self, client: Client, type_url: str) -> None:
        if self.group.served is None or any(one.error for one in client.stream.subscribed()):
            return
        wanted, has = client.types[type_url], client.has.get(type_url, {})
        served = self.group.served.of_type(type_url)
        due = {name: one.body for name, one in served.items() if wanted.covers(name)}
        withheld = {name for url, name in self.group.served.withheld if url == type_url}
        assert {name: body for name, body in has.items() if name in due} == due
        extra = has.keys() - due.keys() - withheld
        if self.group.dialect is SOTW:  # which cannot say that a route is gone: its clusters stay as long as it does
            extra -= self.needed(client, type_url) if type_url in FULL_STATE else has.keys() - served.keys()
        assert not extra

    def needed(self, client: Client, type_url: str) -> set[str]:
        """What is named by routes that are gone and that the client still has."""
        routes = self.group.served.of_type(RDS)
        gone = [decode(RDS, body) for name, body in client.has.get(RDS, {}).items() if name not in routes]
        return {name for one in gone for url, name in references(one) if url == type_url}


TestTalk = Talk.TestCase
TestTalk.settings = settings(max_examples=200, stateful_step_count=40, deadline=None)

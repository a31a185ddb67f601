"""A client wired back to back with a stream. What it sends and what it reads is real protobuf, so that both halves are
checked; on every response it checks what must hold of any.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from xds.codec import decode, message_class, own_name, references, wire
from xds.model import Resource, Resources, Snapshot
from xds.model.name import canonical, glob_over
from xds.model.type_url import CDS, EDS, LDS, LEDS, PREFIX, RDS, SRDS, VHDS
from xds.protocol import DELTA, SOTW, Accepted, Dialect, Fact, Limits, Rejected, Stream, Verdicts

DISCOVERY = "envoy.service.discovery.v3."
UNKNOWN = PREFIX + "acme.v1.Thing"
FULL_STATE = (CDS, LDS, SRDS, UNKNOWN)
NAMING = (LDS, SRDS, RDS, VHDS)
ME = "the control plane"
STREAMS = count(1)
PATIENCE = Limits().patience
MOST = 300
"""More responses than any test needs: beyond is an endless loop."""


@dataclass(frozen=True)
class Got:
    """A response as a client reads it: resources by name."""

    type_url: str
    nonce: str
    version: str
    resources: Mapping[str, bytes]
    versions: Mapping[str, str]
    removals: frozenset[str]
    errors: Mapping[str, tuple[int, str]] = field(default_factory=dict)

    @property
    def names(self) -> set[str]:
        return set(self.resources)


@dataclass
class Wanted:
    """What a client wants of a type, and what it knows of its responses."""

    names: set[str] = field(default_factory=set)
    legacy: bool = False
    nonce: str = ""
    version: str = ""
    unanswered: Got | None = None
    since: float = 0.0
    before: tuple[Any, ...] = ()
    has_cause: bool = True

    def covers(self, name: str) -> bool:
        return self.legacy or "*" in self.names or name in self.names or glob_over(name) in self.names


def read(dialect: Dialect, body: bytes) -> Got:
    """A response off the wire, checked for what holds of every response."""
    if dialect is SOTW:
        message: Any = message_class(DISCOVERY + "DiscoveryResponse").FromString(body)
        pairs, version, removals = [(_name(one), one) for one in message.resources], message.version_info, []
        versions = {}
    else:
        message = message_class(DISCOVERY + "DeltaDiscoveryResponse").FromString(body)
        pairs = [(one.name, one.resource) for one in message.resources if one.HasField("resource")]
        assert all(canonical(name) == canonical(_name(one) or name) for name, one in pairs)
        versions = {one.name: one.version for one in message.resources}
        version, removals = message.system_version_info, list(message.removed_resources)
        assert all(versions.values())
    errors = {one.resource_name.name: (one.error_detail.code, one.error_detail.message) for one in message.resource_errors}
    assert len(errors) == len(message.resource_errors)
    assert not errors.keys() & {name for name, _ in pairs}
    names = [name for name, _ in pairs] + removals
    assert len(names) == len(set(names)), f"a name twice: {names}"
    assert all(one.type_url == message.type_url for _, one in pairs)
    assert message.control_plane.identifier == ME
    assert message.nonce
    assert version
    bodies = {name: one.value for name, one in pairs}
    return Got(message.type_url, message.nonce, version, bodies, versions, frozenset(removals), errors)


def _name(packed: Any) -> str:
    if packed.type_url == UNKNOWN:
        return wire.text(dict(wire.fields(packed.value))[1])
    return own_name(decode(packed.type_url, packed.value))


class Compared(Stream):
    """Whatever it is told as others are told is what would have been worked out for it alone."""

    def _tell(self, snapshot: Snapshot, subscription: Any, wanted: Resources, change: Any) -> Any:
        draft = self._draft(snapshot, subscription)
        upserts, removals, unknown = draft.content()
        assert {one.name: one for one in upserts} == dict(change.upserts)
        assert (removals, unknown, draft.late, draft.waits) == (change.removals, frozenset(), set(), False)
        assert dict(draft.visible) == dict(wanted)
        return super()._tell(snapshot, subscription, wanted, change)


class Client:
    """One client on one stream. `has` is what it holds: it survives a reconnect, the stream does not. An `impatient` stream
    is known to have waited long enough for this client's clusters. `outlasting` are routes that were removed, which an
    Envoy goes on with while it asks for their name.
    """

    def __init__(self, group: Group) -> None:
        self.group = group
        self.has: dict[str, dict[str, bytes]] = {}
        self.versions: dict[str, dict[str, str]] = {}
        self.trace: list[Got] = []
        self.facts: list[Fact] = []
        self.types: dict[str, Wanted] = {}
        self.earlier: dict[str, Wanted] = {}
        self.impatient = False
        self.outlasting: dict[str, bytes] = {}
        self.features: frozenset[str] = frozenset()
        self.connect()

    # The stream

    def connect(self, group: Group | None = None) -> None:
        """Opens a new stream, maybe to another replica; what was subscribed is forgotten, what is held is not."""
        self.group.clients.discard(self)
        self.group = group or self.group
        self.group.clients.add(self)
        self.stream = Compared(self.group.dialect, prefix=f"{next(STREAMS)}-", features=self.features)
        self.earlier |= self.types
        self.types, self.outlasting = {}, {}

    def send(self, type_url: str, **fields: Any) -> Fact | None:
        """One request with these fields; gives what the stream makes of it."""
        kind = "DiscoveryRequest" if self.dialect is SOTW else "DeltaDiscoveryRequest"
        body = message_class(DISCOVERY + kind)(type_url=type_url, **fields).SerializeToString()
        fact = self.stream.receive(self.dialect.read(body))
        if fact is not None:
            self.facts.append(fact)
            self.group.judge(fact)
        return fact

    @property
    def dialect(self) -> Dialect:
        return self.group.dialect

    def pull(self) -> Got | None:
        """The next response, if there is one."""
        for fact in self.stream.serve(self.group.served):
            self.facts.append(fact)
            self.group.judge(fact)
        response = self.stream.respond(self.group.now)
        if response is None:
            return None
        got = read(self.dialect, self.dialect.write(response, ME))
        self._check(got)
        self.trace.append(got)
        wanted = self.types[got.type_url]
        if wanted.unanswered is not None and len(self.trace) % 2:
            self._take(wanted.unanswered)  # it did take it, and never said so
        wanted.unanswered, wanted.nonce, wanted.since = got, got.nonce, self.group.now
        return got

    def note_causes(self) -> None:
        """What was said and is no longer so may be said again when it comes back; that there is none, too."""
        asked = self.group.asked or Snapshot()
        for type_url, wanted in self.types.items():
            now = {name: one.body for name, one in asked.of_type(type_url).items()}
            said, removals, errors = wanted.before or ({}, (), ())
            wanted.has_cause |= not said.items() <= now.items() or not now.keys().isdisjoint((*removals, *errors))

    def _check(self, got: Got) -> None:
        wanted = self.types[got.type_url]
        assert len(self.trace) < MOST, "an endless loop"
        overdue = self.group.now - wanted.since >= PATIENCE
        assert wanted.unanswered is None or overdue, "a second response before the first was answered"
        assert got.nonce not in {one.nonce for one in self.trace}
        content = (dict(got.resources), got.removals, got.errors)
        assert content != wanted.before or wanted.has_cause, f"said twice: {got}"
        wanted.before, wanted.has_cause = content, False
        for parent, child in ((CDS, EDS), (EDS, LEDS)):
            if got.type_url == parent and child in self.types:
                self.types[child].has_cause = True
        if self.group.served is not None and CDS in self.types and got.type_url in NAMING and not self.impatient:
            self._check_clusters(got, self.group.served)

    def _check_clusters(self, got: Got, served: Snapshot) -> None:
        """Make before break: every cluster that a route names was ACKed, as the snapshot has it, before the route."""
        mine = self.has.get(got.type_url, {})
        for name, body in got.resources.items():
            for type_url, cluster in references(decode(got.type_url, body)) if mine.get(name) != body else ():
                there = served.get((type_url, cluster)) if type_url == CDS else None
                if there is not None and self.types[CDS].covers(cluster):
                    assert self.has.get(CDS, {}).get(cluster) == there.body, f"{name} went out before {cluster}"

    # What a client says

    def ask(self, type_url: str, *names: str) -> None:
        """A first request of a type: without names it is everything, for some types."""
        wanted = self.types[type_url] = Wanted(set(names), legacy=not names and type_url in FULL_STATE)
        if self.dialect is SOTW:
            self.send(type_url, resource_names=list(names))
        else:
            self.send(type_url, resource_names_subscribe=list(names))
        assert wanted.unanswered is None

    def ask_again(self, type_url: str, *names: str) -> None:
        """A first request of a type on a new stream, which tells what is held."""
        before = self.earlier.get(type_url, Wanted())
        self.types[type_url] = Wanted(set(names), legacy=not names and type_url in FULL_STATE)
        if self.dialect is SOTW:
            self.send(type_url, resource_names=list(names), version_info=before.version)
        else:
            held = dict(self.versions.get(type_url, {}))
            self.send(type_url, resource_names_subscribe=list(names), initial_resource_versions=held)
        self._lose_uncovered(type_url)

    def add(self, type_url: str, *names: str) -> None:
        """Subscribes to more names, or to the same again."""
        wanted = self.types[type_url]
        wanted.names |= set(names)
        wanted.has_cause = True
        if self.dialect is SOTW:
            wanted.legacy = wanted.legacy and not wanted.names
            self.send(type_url, **self._sotw(wanted))
            self._lose_uncovered(type_url)
        else:
            self.send(type_url, resource_names_subscribe=list(names))

    def drop(self, type_url: str, *names: str) -> None:
        """Unsubscribes from names."""
        wanted = self.types[type_url]
        wanted.names -= set(names)
        wanted.has_cause = True
        if self.dialect is SOTW:
            wanted.legacy = wanted.legacy and not wanted.names
            self.send(type_url, **self._sotw(wanted))
        else:
            wanted.legacy = wanted.legacy and "*" not in names
            self.send(type_url, resource_names_unsubscribe=list(names))
        self._lose_uncovered(type_url)

    def ack(self, type_url: str) -> Fact | None:
        """Takes the unanswered response, and says so."""
        wanted = self.types[type_url]
        got, wanted.unanswered = wanted.unanswered, None
        assert got is not None
        self._take(got)
        wanted.version = got.version
        return self._answer(type_url)

    def nack(self, type_url: str, words: str = "no", *, takes: tuple[str, ...] = ()) -> Fact | None:
        """Refuses the unanswered response, all but what it `takes`."""
        wanted = self.types[type_url]
        got, wanted.unanswered = wanted.unanswered, None
        assert got is not None
        for name in takes:
            self._hold(got, name)
        return self._answer(type_url, error_detail={"code": 13, "message": words})

    def say_late(self, type_url: str, nonce: str, **fields: Any) -> None:
        """Answers a response that is not the last one, or none at all."""
        wanted = self.types[type_url]
        assert nonce != wanted.nonce
        said = self._sotw(wanted) if self.dialect is SOTW else {}
        assert self.send(type_url, **{**said, "response_nonce": nonce}, **fields) is None

    def _answer(self, type_url: str, **fields: Any) -> Fact | None:
        wanted = self.types[type_url]
        said = self._sotw(wanted) if self.dialect is SOTW else {"response_nonce": wanted.nonce}
        return self.send(type_url, **said, **fields)

    def _sotw(self, wanted: Wanted) -> dict[str, Any]:
        """Names, version and nonce: what every SotW request says. A response not answered yet was not seen yet."""
        nonce = wanted.nonce
        if wanted.unanswered is not None:
            seen = [one.nonce for one in self.trace if one.type_url == wanted.unanswered.type_url]
            nonce = seen[-2] if len(seen) > 1 else ""
        return {"resource_names": sorted(wanted.names), "version_info": wanted.version, "response_nonce": nonce}

    # What a client holds

    def _take(self, got: Got) -> None:
        if self.dialect is SOTW and got.type_url in FULL_STATE:
            self.has[got.type_url] = {}
            self.versions[got.type_url] = {}
        for name in got.resources:
            self._hold(got, name)
        for name in got.removals:
            self._lose(got.type_url, name)

    def _hold(self, got: Got, name: str) -> None:
        if self.types[got.type_url].covers(name):
            self.has.setdefault(got.type_url, {})[name] = got.resources[name]
            self.versions.setdefault(got.type_url, {})[name] = got.versions.get(name, "")
            if got.type_url == RDS:
                self.outlasting.pop(name, None)

    def _lose(self, type_url: str, name: str) -> None:
        body = self.has.get(type_url, {}).pop(name, None)
        if type_url == RDS and body is not None and name in self.types[RDS].names:
            self.outlasting[name] = body  # of what it goes on to ask for, Envoy keeps the last
        self.versions.get(type_url, {}).pop(name, None)

    def _lose_uncovered(self, type_url: str) -> None:
        wanted = self.types[type_url]
        self.outlasting = {name: body for name, body in self.outlasting.items() if name in self.types[RDS].names}
        for name in [name for name in self.has.get(type_url, {}) if not wanted.covers(name)]:
            self._lose(type_url, name)

    def names(self, type_url: str) -> set[str]:
        return set(self.has.get(type_url, {}))

    # Longer talks

    def settle(self) -> list[Got]:
        """Takes and ACKs all that comes; gives it."""
        start = len(self.trace)
        while (got := self.pull()) is not None:
            self.ack(got.type_url)
        return self.trace[start:]

    def expect(self, type_url: str, *names: str) -> Got:
        """The next response: of this type, with these resources."""
        got = self.pull()
        assert got is not None, "silence"
        assert (got.type_url, got.names) == (type_url, set(names))
        return got

    def is_silent(self) -> bool:
        return self.pull() is None


class Group:
    """The proxies of one node group, and what they are served given what they refused."""

    def __init__(self, dialect: Dialect, *resources: Resource) -> None:
        self.dialect = dialect
        self.verdicts = Verdicts("group")
        self.asked: Snapshot | None = None
        self.served: Snapshot | None = None
        self.now = 0.0
        self.clients: set[Client] = set()
        if resources:
            self.publish(*resources)

    def publish(self, *resources: Resource) -> Snapshot:
        """A snapshot of these, sharing what it can with the one before."""
        self.asked = Snapshot.of(resources).sharing(self.asked or Snapshot())
        self.served = self.verdicts.effective(self.asked)
        for client in self.clients:
            client.note_causes()
        return self.served

    def clear(self) -> None:
        """Nothing is known of the group any more."""
        self.asked = self.served = None

    def judge(self, fact: Fact) -> None:
        if self.asked is not None and self.verdicts.judge(fact, self.asked):
            self.served = self.verdicts.effective(self.asked)

    def client(self, *, features: frozenset[str] = frozenset()) -> Client:
        client = Client(self)
        client.features = features
        client.connect()
        return client

    def envoy(self) -> Envoy:
        return Envoy(self)


class Envoy(Client):
    """A client that does as Envoy does: it wants all clusters and listeners, then what those name, and ACKs clusters only
    when they are warm, that is when their endpoints came. Envoy waits 15 s for them; this one fails.
    """

    def start(self) -> list[Got]:
        self._begin(self.ask)
        return self.run()

    def restart(self) -> list[Got]:
        """A new stream: types are asked for in Envoy's order, with what is held."""
        self.connect()
        self._begin(self.ask_again)
        for type_url in (EDS, RDS):
            if names := sorted(self.earlier[type_url].names if type_url in self.earlier else ()):
                self.ask_again(type_url, *names)
        return self.run()

    def _begin(self, ask: Callable[..., None]) -> None:
        ask(CDS)
        ask(LDS)

    def connect(self, group: Group | None = None) -> None:
        super().connect(group)
        self.cold: set[str] = set()
        self.warming = False

    def run(self, refuse: Callable[[Got], str] = lambda got: "") -> list[Got]:
        """Talks until there is nothing more to say. `refuse` gives the words to refuse a response with, if it is to be."""
        start = len(self.trace)
        while (got := self.pull()) is not None:
            if words := refuse(got):
                self.nack(got.type_url, words)
            else:
                self.obey(got)
        assert not self.cold, f"waits 15 s for the endpoints of {self.cold}"
        return self.trace[start:]

    def obey(self, got: Got) -> None:
        """Applies a response and does what Envoy does because of it."""
        if got.type_url == CDS:
            self._warm(got)
        else:
            if got.type_url == EDS:
                self.cold -= got.names | got.removals
            self.ack(got.type_url)
            if got.type_url == LDS:
                self._follow(LDS, RDS)
        if self.warming and not self.cold:
            self.warming = False
            self.ack(CDS)
            self._follow(CDS, EDS)

    def _warm(self, got: Got) -> None:
        """Changed clusters warm. Their endpoints are asked for: in delta only those that never were."""
        changed = {name for name, body in got.resources.items() if self.has.get(CDS, {}).get(name) != body}
        fresh = {child for name in changed for child in _children(CDS, got.resources[name], EDS)}
        self.cold |= fresh
        self.warming = True
        self._want(EDS, fresh)

    def _follow(self, type_url: str, child_type: str) -> None:
        """Wants all that is named by what it holds, and nothing else."""
        children = {child for body in self.has.get(type_url, {}).values() for child in _children(type_url, body, child_type)}
        self._want(child_type, children)
        gone = self.types[child_type].names - children if child_type in self.types else set()
        if gone:
            self.drop(child_type, *sorted(gone))

    def _want(self, type_url: str, names: set[str]) -> None:
        if type_url not in self.types:
            if names:
                self.ask(type_url, *sorted(names))
            return
        wanted = self.types[type_url]
        fresh = names - wanted.names
        if fresh or (self.dialect is SOTW and names and type_url == EDS):
            self.add(type_url, *sorted(fresh))


def _children(type_url: str, body: bytes, child_type: str) -> set[str]:
    return {name for of_type, name in references(decode(type_url, body)) if of_type == child_type}


__all__ = ["DELTA", "SOTW", "Accepted", "Client", "Envoy", "Got", "Group", "Rejected", "read"]

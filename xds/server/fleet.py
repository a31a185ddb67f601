"""The fleet: the node groups, what each is served, and the streams of its proxies."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, KeysView, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Final

from anyio.lowlevel import checkpoint

from xds.model import Node, Proxy, Reference, Refusal, Resource, Snapshot
from xds.protocol import Delivery, Fact, Rejected, Stream, Verdicts
from xds.server.authority import EVERYTHING, Grant
from xds.server.demand import TOO_MANY, Demand, Demands
from xds.server.family import Family
from xds.server.service import DELTA_ADS, Method
from xds.server.signal import NOBODY, Follower, Signal, Watch

MOST_MADE: Final = 10_000
"""Names for which resources made on demand are kept, in one group: clients could name more and more."""


@dataclass(frozen=True, slots=True)
class Visit:
    """Who asks, for which group, and for what: settled by the first message of a stream."""

    node: Node
    group: str
    grant: Grant = EVERYTHING


@dataclass(slots=True, eq=False)
class Session:
    """One open stream of one node: its protocol state, and whom to tell that there may be something to say.

    `quiet` tells whether every response was answered when the stream last had nothing to say, `rests` of which snapshot.
    `denied` are the types that it asked for and may not: it is told that nothing of them exists for it.
    """

    visit: Visit
    peer: str
    stream: Stream
    method: Method = DELTA_ADS
    since: float = field(default_factory=time.time)
    signal: Follower = NOBODY
    quiet: bool = False
    rests: Snapshot | None = None
    denied: frozenset[str] = frozenset()
    _seen: tuple[Snapshot | None, Snapshot | None] = (None, None)

    @property
    def node(self) -> Node:
        """Whose stream it is."""
        return self.visit.node

    @property
    def group(self) -> str:
        """The node group that it is served as."""
        return self.visit.group

    def view(self, served: Snapshot | None) -> Snapshot | None:
        """What of a snapshot this stream may be told; the same object for the same snapshot."""
        if served is None or self.visit.grant.types is None:
            return served
        if self._seen[0] is not served:
            self._seen = served, self.permitted(served)
        return self._seen[1]

    def permitted(self, snapshot: Snapshot) -> Snapshot:
        """What of any snapshot this stream may be told."""
        permitted = self.visit.grant.types
        return snapshot if permitted is None else snapshot.limited(permitted)

    def deliveries(self, asked: Snapshot, refusals: Iterable[Refusal]) -> Iterator[Delivery]:
        """How far each resource has come, when this is what the configuration of its group asks for."""
        return self.stream.deliveries(self.permitted(asked), {(one.type_url, one.name): one for one in refusals})

    def found(self, reference: Reference, reason: str) -> None:
        """What was wanted was made, or was not: `reason` tells why not, where it may be another time."""
        self.stream.found(reference, reason)
        self.signal.set()

    def describe(self) -> Proxy:
        """The session as people see it."""
        dialect = self.stream.dialect.name
        return Proxy(self.node, self.group, self.peer, dialect, self.since, self.stream.subscribed(), self.method.service)


Told = tuple[Proxy, Sequence[Delivery]]
"""A stream, and all that its proxy wants."""
Granting = Callable[[Node, str], Grant | None]
"""What somebody may be told of a node of a group; None for nothing."""


class Group:
    """One node group: what its configuration asks for, what was made on demand besides, and what it is served of both
    given what its proxies refused.

    `served` is None until something was published: a proxy of an unknown group keeps what it has. `sessions` are its open
    streams.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.asked: Snapshot | None = None
        self._made: dict[Reference, tuple[Resource, ...]] = {}
        self._whole: Snapshot | None = None
        self.served: Watch[Snapshot | None] = Watch(None)
        self.sessions: set[Session] = set()
        self.published = time.monotonic()
        self.verdicts = Verdicts(name)

    def join(self, session: Session) -> None:
        """A stream of the group is open: it is told what there is."""
        self.sessions.add(session)
        self.served.follow(session.signal)

    def leave(self, session: Session) -> None:
        """It has ended, and nobody is told any more."""
        self.sessions.discard(session)
        self.served.unfollow(session.signal)
        session.signal = NOBODY

    @property
    def whole(self) -> Snapshot:
        """What is asked for, and what was made on demand."""
        return self._whole or Snapshot()

    def publish(self, snapshot: Snapshot) -> bool:
        """Asks for `snapshot` from now on. Returns whether that is anything new."""
        if snapshot is self.asked:
            return False
        self.asked, self.published = snapshot, time.monotonic()
        self._complete()
        return True

    def fulfil(self, reference: Reference, made: tuple[Resource, ...]) -> bool:
        """Serves what was made on demand for this name. Returns whether there was room for it."""
        if len(self._made) >= MOST_MADE:
            return False
        self._made[reference] = made
        self._complete()
        return True

    def made(self) -> KeysView[Reference]:
        """The names for which something was made on demand."""
        return self._made.keys()

    def tidy(self, unwanted: frozenset[Reference]) -> None:
        """Takes away what was made on demand for these names."""
        if unwanted:
            self._made = {reference: made for reference, made in self._made.items() if reference not in unwanted}
            self._complete()

    def clear(self) -> None:
        """Asks for nothing that is known: proxies keep what they have."""
        self.asked = self._whole = None
        self.served.publish(None)

    def judge(self, fact: Fact) -> bool:
        """Takes over a proxy's answer. Returns whether what the group is served changes because of it."""
        if self._whole is None or not self.verdicts.judge(fact, self._whole):
            return False
        self._serve(self._whole)
        return True

    def pardon(self, words: str) -> frozenset[str]:
        """Forgets refusals that were given with these words. Returns the types concerned."""
        pardoned = self.verdicts.pardon(words)
        if pardoned and self._whole is not None:
            self._serve(self._whole)
        return pardoned

    def refusals(self) -> Iterator[Refusal]:
        """What was refused and is still asked for."""
        for one in self.verdicts.refusals():
            resource = self._whole.get((one.type_url, one.name)) if self._whole else None
            yield replace(one, authors=resource.authors) if resource else one

    def _complete(self) -> None:
        if self.asked is not None:
            self._whole = self.asked.completed(chain.from_iterable(self._made.values())) if self._made else self.asked
            self._serve(self._whole)

    def _serve(self, whole: Snapshot) -> None:
        self.served.publish(self.verdicts.effective(whole))


class Fleet:
    """All node groups and all open streams. One writer: every method is called from the event loop, and none waits.

    `settled` is published whenever a proxy has all that it is to have, has refused something, or is gone; `refused` when
    an answer or a pardon changed what counts as refused. `demands` are the names that proxies want and that may be made on
    demand.
    """

    def __init__(self) -> None:
        self._groups: dict[str, Group] = {}
        self._sessions: set[Session] = set()
        self._named: frozenset[str] = frozenset()
        self.settled: Watch[None] = Watch(None)
        self.refused: Watch[None] = Watch(None)
        self.demands = Demands()

    def publish(self, snapshots: Mapping[str, Snapshot]) -> list[str]:
        """Makes these the snapshots of all groups. Returns the names of the groups for which something changed.

        A group that is no longer named was taken away on purpose: its proxies are served an empty snapshot.
        """
        gone = dict.fromkeys(self._named - snapshots.keys(), Snapshot())
        self._named = frozenset(snapshots)
        changed = [name for name, snapshot in {**snapshots, **gone}.items() if self.group(name).publish(snapshot)]
        self._forget(self._groups)
        return changed

    def put(self, name: str, snapshot: Snapshot) -> bool:
        """Makes this the snapshot of one group, and leaves the others. Returns whether that is anything new."""
        self._named |= {name}
        return self.group(name).publish(snapshot)

    def clear(self, name: str) -> None:
        """Forgets what one group is to be served: its proxies keep what they have until there is something again."""
        self._named -= {name}
        self.group(name).clear()
        self._forget([name])

    def group(self, name: str) -> Group:
        """The group with this name, known or not yet."""
        if name not in self._groups:
            self._groups[name] = Group(name)
        return self._groups[name]

    def join(self, session: Session) -> None:
        """A proxy's stream is open."""
        self._sessions.add(session)
        self.group(session.group).join(session)

    def leave(self, session: Session) -> None:
        """A proxy's stream has ended."""
        self._sessions.discard(session)
        self.group(session.group).leave(session)
        self._forget([session.group])
        self.settled.publish(None)

    @contextmanager
    def following(self, group: str, signal: Follower) -> Iterator[None]:
        """Sets `signal` whenever the group is served something else, as long as the block lasts."""
        served = self.group(group).served
        served.follow(signal)
        try:
            yield
        finally:
            served.unfollow(signal)
            self._forget([group])

    def want(self, session: Session) -> None:
        """A proxy wants what does not exist and may be made."""
        for type_url, name in session.stream.wanting():
            if not self.demands.add(Demand(session.group, type_url, name)):
                session.found((type_url, name), TOO_MANY)

    def fulfil(self, demand: Demand, made: tuple[Resource, ...], reason: str = "") -> None:
        """A demand is answered: with what was made, or with nothing, and why where it may be something another time."""
        self.demands.close(demand)
        group = self._groups.get(demand.group)
        if group is not None and made and not group.fulfil((demand.type_url, demand.name), made):
            reason = f"{MOST_MADE} resources were made for {group.name}, and there is room for no more"
        self.tell(demand, reason)

    def tell(self, demand: Demand, reason: str) -> None:
        """Tells the streams of a group what became of a demand."""
        for session in self.streams(demand.group):
            session.found((demand.type_url, demand.name), reason)

    async def tidy(self) -> None:
        """Takes away what was made on demand and no proxy asks for any more."""
        for group in [one for one in self._groups.values() if one.made()]:
            made = frozenset(group.made())
            group.tidy(made - await self.wanted(group.name, made))

    async def wanted(self, group: str, references: frozenset[Reference]) -> frozenset[Reference]:
        """Those of these names that a proxy of the group asks for."""
        streams = [one.stream for one in self.streams(group)]
        return frozenset(one for one in references if any(stream.wants(one) for stream in streams))

    def judge(self, session: Session, fact: Fact) -> None:
        """A proxy accepted or refused a response."""
        if self.group(session.group).judge(fact):
            self.refused.publish(None)
        if isinstance(fact, Rejected):
            self.settled.publish(None)

    def pardon(self, words: str) -> bool:
        """Offers once more what was refused with these words. Returns whether there was any."""
        pardoned = {name: types for name, group in self._groups.items() if (types := group.pardon(words))}
        for name, types in pardoned.items():
            self.forgive(name, types)
        if pardoned:
            self.refused.publish(None)
        return bool(pardoned)

    def forgive(self, group: str, types: Iterable[str]) -> None:
        """Lets the streams of a group be offered once more what they refused of these types."""
        for session in self.streams(group):
            for type_url in types:
                session.stream.forgive(type_url)
            session.signal.set()

    def stir(self, session: Session) -> None:
        """A proxy's stream says something, and is to be answered."""
        session.quiet = False

    def settle(self, session: Session) -> None:
        """A proxy's stream has nothing more to say."""
        known = session.quiet and session.rests is session.stream.snapshot
        session.quiet, session.rests = session.stream.is_quiet(), session.stream.snapshot
        if session.quiet and not known:
            self.settled.publish(None)

    def streams(self, group: str) -> list[Session]:
        """The open streams of one group."""
        known = self._groups.get(group)
        return list(known.sessions) if known is not None else []

    def count(self, group: str) -> int:
        """How many streams the group has."""
        known = self._groups.get(group)
        return len(known.sessions) if known is not None else 0

    def is_live(self, group: str) -> bool:
        """Whether every proxy of the group, and there is one, has what the group is served."""
        return self.count(group) > 0 and self.has_answered(group)

    def has_answered(self, group: str) -> bool:
        """Whether no proxy of the group has anything left to be sent or to answer."""
        known = self.group(group)
        return all(one.quiet and one.stream.snapshot is one.view(known.served.value) for one in known.sessions)

    def is_out(self, group: str) -> bool:  # noqa: ARG002  of a group, where others serve it
        """Whether whoever serves the group's streams has what it is served: here, always."""
        return True

    async def answered(self, group: str) -> None:
        """Returns when no proxy of the group has anything left to be sent or to answer."""
        await self.until(self.has_answered, group)

    async def until(self, condition: Callable[[str], bool], group: str) -> None:
        """Returns when this is so of a group: it may come true whenever something is settled."""
        signal = Signal()
        self.settled.follow(signal)
        try:
            while not condition(group):
                await signal.wait()
        finally:
            self.settled.unfollow(signal)

    def served(self, group: str) -> Snapshot | None:
        """What a group is served now; None for one of which nothing is known."""
        known = self._groups.get(group)
        return known.served.value if known is not None else None

    def asked(self) -> Mapping[str, Snapshot]:
        """What the configuration asks for, for each group that it names."""
        return {name: asked for name in self._named if (asked := self.group(name).asked) is not None}

    def snapshots(self) -> Mapping[str, Snapshot]:
        """What each group is served now."""
        return {name: group.served.value for name, group in self._groups.items() if group.served.value is not None}

    def sessions(self) -> Iterator[Session]:
        """The open streams."""
        return iter(self._sessions)

    def tally(self) -> Counter[tuple[str, str]]:
        """How many streams there are here, by dialect and service."""
        return Counter((one.stream.dialect.name, one.method.service) for one in self._sessions)

    async def proxies(self) -> list[Proxy]:
        """The open streams, as people see them."""
        return [one.describe() for one in self._sessions]

    async def measured(self) -> Sequence[Family]:
        """What was measured of the streams elsewhere than in this process."""
        return ()

    async def deliveries(self, grant: Granting) -> AsyncIterator[Told]:
        """How far each resource has come at each proxy, one stream after the other, and each as it is when it is its turn:
        of what is granted, and not of the streams of which nothing is. Others have their turn in between.
        """
        for session in sorted(self._sessions, key=lambda one: (one.group, one.node.id, one.since)):
            if (granted := grant(session.node, session.group)) is not None:
                group = self.group(session.group)
                found = session.deliveries(group.whole, group.refusals())
                yield session.describe(), [one for one in found if granted.covers(one.type_url)]
                await checkpoint()

    def refusals(self) -> Iterator[Refusal]:
        """What was refused and is still asked for, in every group."""
        for group in self._groups.values():
            if group.verdicts:
                yield from group.refusals()

    def _forget(self, names: Iterable[str]) -> None:
        """Drops those of these groups that no configuration names and nobody follows."""
        unnamed = [name for name in names if name not in self._named]
        for name in unnamed:
            if (group := self._groups.get(name)) is not None and not group.served.is_followed:
                del self._groups[name]

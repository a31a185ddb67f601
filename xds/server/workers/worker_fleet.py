"""A worker's fleet: it serves what the builder says, and gathers what the builder is to know of its proxies."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator
from typing import Final

from xds.model import Resource, Snapshot
from xds.protocol import Accepted, Fact
from xds.server.demand import Demand
from xds.server.fleet import Fleet, Session
from xds.server.workers import edition
from xds.server.workers.letter import (
    Acceptance,
    Edition,
    Line,
    Numbered,
    Refused,
    Report,
    Stage,
    Stages,
    Stand,
    Update,
    Want,
)
from xds.server.workers.stage import stages

MOST_REFUSED: Final = 1_000
"""Refusals that may wait to be reported: what is left out, the next proxy says again."""
MOST_LINES: Final = 1_000
"""Lines of the log that may wait: then the oldest go."""

OfType = tuple[str, str]
"""A group, and a type URL."""
ByName = dict[str, Resource]


class WorkerFleet(Fleet):
    """`news` is set whenever there may be something to report. Nothing that waits to be reported grows with what clients do:
    of each resource that is served it is the first acceptance alone, and the rest is bounded.

    It makes no verdicts: the builder does, for all its workers, and the next update has what they come to.
    """

    def __init__(self) -> None:
        super().__init__()
        self.news = self.demands.news
        self.turn = self._reported = 0
        self._behind: dict[str, set[Session]] = {}
        self._moved: set[str] = set()
        self._known: dict[OfType, ByName] = {}
        self._accepted: defaultdict[OfType, ByName] = defaultdict(dict)
        self._refused: dict[tuple[str, Fact], Refused] = {}
        self._lines: deque[Line] = deque(maxlen=MOST_LINES)

    # Down

    def take(self, update: Update) -> None:
        """Serves what the builder says from now on."""
        for group, types in update.pardons.items():
            self.forgive(group, types)
        for group, one in update.editions.items():
            self._forget_acceptances(group, one)
            self._turn(group, edition.applied(self.served(group), one) if one else None)
        for found in update.found:
            self.fulfil(Demand(found.group, found.type_url, found.name), (), found.reason)
        self.turn = update.turn
        self.news.set()

    def _turn(self, group: str, new: Snapshot | None) -> None:
        if streams := self.streams(group):
            self._behind[group] = set(streams)
            self._moved.add(group)
        if new is None:
            self.clear(group)
        else:
            self.put(group, new)

    def _forget_acceptances(self, group: str, one: Edition | None) -> None:
        """Other versions are told of again, whatever was told of those before."""
        if one is None:
            self._known = {of_type: known for of_type, known in self._known.items() if of_type[0] != group}
            return
        for type_url, change in one.changes.items():
            known = self._known.get((group, type_url), {})
            for name in (*change.removals, *(upsert.name for upsert in change.upserts)):
                known.pop(name, None)

    # Up

    def join(self, session: Session) -> None:
        """A proxy's stream is open."""
        super().join(session)
        self._behind.setdefault(session.group, set()).add(session)
        self._move(session.group)

    def leave(self, session: Session) -> None:
        """A proxy's stream has ended."""
        super().leave(session)
        self._catch_up(session)
        self._move(session.group)

    def stir(self, session: Session) -> None:
        """A proxy's stream says something, and is to be answered."""
        super().stir(session)
        behind = self._behind.setdefault(session.group, set())
        if not behind:
            self._move(session.group)
        behind.add(session)

    def settle(self, session: Session) -> None:
        """A proxy's stream has nothing more to say."""
        super().settle(session)
        if session.quiet and session.rests is session.view(self.served(session.group)) and self._catch_up(session):
            self._move(session.group)

    def _catch_up(self, session: Session) -> bool:
        """A stream is not behind, or no more. Returns whether it was the last of its group."""
        behind = self._behind.get(session.group)
        if behind is None or session not in behind:
            return False
        behind.remove(session)
        if not behind:
            del self._behind[session.group]
        return not behind

    def _move(self, group: str) -> None:
        self._moved.add(group)
        self.news.set()

    def judge(self, session: Session, fact: Fact) -> None:
        """A proxy accepted or refused a response: the builder is to know."""
        if isinstance(fact, Accepted):
            self._accept(session.group, fact)
        elif fact.culprits and len(self._refused) < MOST_REFUSED:
            culprits = tuple(map(edition.entry, fact.culprits))
            self._refused[session.group, fact] = Refused(session.group, fact.type_url, culprits, fact.message)
            self.news.set()

    def _accept(self, group: str, fact: Accepted) -> None:
        served = self.served(group) or Snapshot()
        resources, of_type = served.of_type(fact.type_url), (group, fact.type_url)
        known = self._known.get(of_type, {})
        news = {one.name: one for one in fact.resources if known.get(one.name) is not one and one.name in resources}
        if news:
            self._accepted[of_type].update(news)
            known.update((name, one) for name, one in news.items() if resources[name] is one)
            self._known[of_type] = known
            self.news.set()

    def say(self, line: Line) -> None:
        """A line for the log."""
        self._lines.append(line)
        self.news.set()

    def report(self) -> Report | None:
        """All that is new since the last report; None when nothing is."""
        gathered, wants = (self._moved, self._accepted, self._refused, self._lines), tuple(self._wants())
        if not any(gathered) and not wants and self.turn == self._reported:
            return None
        self._reported = self.turn
        report = Report(
            self.turn,
            {group: self._stand(group) for group in self._moved},
            tuple(self._acceptances()),
            tuple(self._refused.values()),
            wants,
            tuple(self._lines),
        )
        for one in gathered:
            one.clear()
        return report

    def numbered(self) -> list[Numbered]:
        """The open streams, each with a number of its own."""
        return [(id(one), one.describe()) for one in self.sessions()]

    def stages(self, asked: Stages) -> tuple[Stage, ...]:
        """How far each resource has come at a stream; nothing where there is no such stream any more."""
        session = next((one for one in self.sessions() if id(one) == asked.stream), None)
        if session is None:
            return ()
        served = self.served(session.group) or edition.NOTHING
        whole = edition.applied(served, asked.asked)
        return tuple(stages(session.deliveries(whole, asked.refusals), served))

    def _stand(self, group: str) -> Stand:
        return Stand(self.count(group), group not in self._behind)

    def _acceptances(self) -> Iterator[Acceptance]:
        for (group, type_url), accepted in self._accepted.items():
            served = (self.served(group) or Snapshot()).of_type(type_url)
            older = tuple(edition.entry(one) for name, one in accepted.items() if served.get(name) is not one)
            current = tuple(name for name, one in accepted.items() if served.get(name) is one)
            yield Acceptance(group, type_url, current, older)

    def _wants(self) -> Iterator[Want]:
        while (demand := self.demands.take()) is not None:
            yield Want(demand.group, demand.type_url, demand.name)

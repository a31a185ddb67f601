"""A post: one worker as the builder knows it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Final

import anyio

from xds.model import Refusal, Resource, Snapshot
from xds.protocol import Accepted, Delivery, Rejected
from xds.server.demand import Demand
from xds.server.signal import Signal
from xds.server.workers import edition
from xds.server.workers.letter import Acceptance, Edition, Found, Refused, Report, Stage, Stages, Stand, Update
from xds.server.workers.link import Link
from xds.server.workers.stage import deliveries

PATIENCE: Final = 5.0
"""Seconds that a worker has to answer a question."""
NOBODY: Final = Stand(0, answered=True)


class Post:
    """What a worker was given, has taken, and said of its proxies. `news` is set whenever there may be something to tell it.

    It is given one update at a time: what comes meanwhile goes into the next, and a slow worker skips what was overtaken.
    """

    def __init__(self, link: Link) -> None:
        self.link, self.news = link, Signal()
        self._turn = self._taken_turn = 0
        self._given: Mapping[str, Snapshot] = {}
        self._taken: Mapping[str, Snapshot] = {}
        self._stands: dict[str, Stand] = {}
        self._wants: set[Demand] = set()
        self._found: list[Found] = []
        self._pardons: dict[str, frozenset[str]] = {}

    @property
    def is_up(self) -> bool:
        """Whether the worker has begun to serve."""
        return self._taken_turn > 0

    def update(self, served: Mapping[str, Snapshot]) -> Update | None:
        """What to tell the worker next, when this is served; None when nothing is new, or it has yet to take the last."""
        if self._turn != self._taken_turn:
            return None
        editions: dict[str, Edition | None] = dict.fromkeys(self._given.keys() - served.keys())
        for group, now in served.items():
            if (given := self._given.get(group)) is not now:
                editions[group] = edition.between(given, now)
        if self._turn and not (editions or self._found or self._pardons):
            return None
        update = Update(
            self._turn + 1, editions, tuple(self._found), {name: tuple(one) for name, one in self._pardons.items()}
        )
        self._turn, self._given = update.turn, dict(served)
        self._found, self._pardons = [], {}
        return update

    def want(self, demand: Demand) -> None:
        """The worker is to hear what becomes of a demand. It never has more of them open than a fleet may."""
        self._wants.add(demand)

    def answer(self, demand: Demand, reason: str) -> None:
        """A demand, of this worker or another, is answered."""
        if demand in self._wants:
            self._wants.discard(demand)
            self._found.append(Found(demand.group, demand.type_url, demand.name, reason))
            self.news.set()

    def pardon(self, group: str, types: frozenset[str]) -> None:
        """What was refused of these types is to be offered once more."""
        self._pardons[group] = self._pardons.get(group, frozenset()) | types
        self.news.set()

    def hear(self, report: Report) -> None:
        """Takes over what the report says of the worker itself."""
        if report.turn == self._turn:
            self._taken_turn, self._taken = self._turn, self._given
        self._stands.update(report.stands)
        self._stands = {group: stand for group, stand in self._stands.items() if stand.streams}
        self.news.set()

    def streams(self, group: str) -> int:
        """How many streams the group has there."""
        return self._stands.get(group, NOBODY).streams

    def groups(self) -> frozenset[str]:
        """The groups that have streams there."""
        return frozenset(self._stands)

    def serves(self, group: str, served: Snapshot | None) -> bool:
        """Whether the group is served this there. A worker that has yet to begin will begin with it."""
        return not self.is_up or self._taken.get(group) is served

    def has_answered(self, group: str, served: Snapshot | None) -> bool:
        """Whether no proxy of the group has anything left to be sent or to answer there, when this is served."""
        return self.serves(group, served) and self._stands.get(group, NOBODY).answered

    async def deliveries(self, stream: int, asked: Snapshot, refusals: tuple[Refusal, ...], group: str) -> list[Delivery]:
        """How far each resource has come at a stream of the group, when this is asked for and refused in it; nothing where
        the worker does not say.
        """
        served = self._taken.get(group, edition.NOTHING)
        question = Stages(stream, edition.between(served, asked), refusals)
        with suppress(ConnectionError), anyio.move_on_after(PATIENCE):
            stages = await self.link.ask(question, tuple[Stage, ...])
            return list(deliveries(stages, asked, served))
        return []

    def accepted(self, one: Acceptance) -> Accepted:
        """The fact that an acceptance tells."""
        known = self._taken.get(one.group, edition.NOTHING).of_type(one.type_url)
        older = (edition.resource(one.type_url, entry) for entry in one.older)
        return Accepted(one.type_url, (*older, *(known[name] for name in one.current if name in known)))


def rejected(one: Refused) -> Rejected:
    """The fact that a refusal tells."""
    culprits: tuple[Resource, ...] = tuple(edition.resource(one.type_url, entry) for entry in one.culprits)
    return Rejected(one.type_url, culprits, culprits, one.message)

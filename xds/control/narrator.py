"""The narrator: tells in the log what changed, what is wrong, what is mended, and what is live."""

from __future__ import annotations

import logging
import time
from collections.abc import Collection, Iterable, Iterator, Mapping

from xds.control.pipeline import Pipeline
from xds.control.reading import Complaints, Reading, place_of
from xds.model import Diagnostic, Key, Refusal, Severity, Snapshot, Status
from xds.model.type_url import short_type
from xds.server.fleet import Fleet
from xds.server.signal import Signal

log = logging.getLogger("legation")

LEVELS = {Severity.ERROR: logging.ERROR, Severity.WARNING: logging.WARNING}
MANY = 5
"""More objects than this are told as a number."""

Identity = tuple[str, Key | None, str, str]
"""What makes two complaints the same one, wherever in its file it stands."""


class Narrator:
    """Follows the pipeline and the fleet, and says each thing once."""

    def __init__(self, pipeline: Pipeline, fleet: Fleet) -> None:
        self._pipeline, self._fleet = pipeline, fleet
        self._told = Reading()
        self._heard = Complaints()
        self._complaints: list[Diagnostic] = []
        self._refusals: frozenset[Refusal] = frozenset()
        self._asked: Mapping[str, Snapshot] = {}
        self._changing: set[str] = set()

    async def run(self) -> None:
        """Runs until cancelled."""
        signal = Signal()
        self._pipeline.readings.follow(signal)
        self._fleet.settled.follow(signal)
        while True:
            self._tell()
            await signal.wait()

    def _tell(self) -> None:
        reading = self._pipeline.readings.value
        if reading is not self._told:
            self._tell_reading(reading)
        self._tell_refusals()
        self._tell_live()

    def _tell_reading(self, reading: Reading) -> None:
        old, self._told = self._told, reading
        changed = reading.objects.changed_since(old.objects)
        authored = [key for key in changed if is_authored(key, old) or is_authored(key, reading)]
        for line in describe(old, reading, authored):
            log.info("%s", line)
        self._tell_complaints(reading)
        before, self._asked = self._asked, self._fleet.asked()
        if authored or not changed:
            self._changing.update(name for name, snapshot in self._asked.items() if before.get(name) is not snapshot)

    def _tell_complaints(self, reading: Reading) -> None:
        old, self._complaints = self._complaints, self._heard.of(reading)
        came, gone = sorted(_but(self._complaints, old), key=place_of), sorted(_but(old, self._complaints), key=place_of)
        known = set(map(_identity, gone))
        for one in {_identity(one): one for one in came if _identity(one) not in known}.values():
            log.log(LEVELS[one.severity], "%s", one)
        if gone:
            self._tell_mended(gone)

    def _tell_mended(self, gone: Iterable[Diagnostic]) -> None:
        wrong = {_subject(one) for one in self._complaints}
        if mended := {subject: None for one in gone if (subject := _subject(one)) not in wrong}:
            names = f"{len(mended)} complaints" if len(mended) > MANY else ", ".join(mended)
            log.info("no longer wrong: %s; %s", names, f"{len(wrong)} left" if wrong else "all is well")

    def _tell_refusals(self) -> None:
        now = frozenset(self._fleet.refusals())
        for one in now - self._refusals:
            log.error("%s", one)
        for one in self._refusals - now:
            log.info("%s: %s %s is refused no more", one.group, short_type(one.type_url), one.name)
        self._refusals = now

    def _tell_live(self) -> None:
        for name in [name for name in self._changing if self._fleet.is_live(name)]:
            self._changing.discard(name)
            passed = 1000 * (time.monotonic() - self._fleet.group(name).published)
            refused = sum(one.group == name for one in self._refusals)
            log.info("%s: live after %.1f ms%s", name, passed, f", without the {refused} refused" if refused else "")


def _but(some: Iterable[Diagnostic], others: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Some without those that are the same objects as others: of thousands, most stay."""
    known = set(map(id, others))
    return [one for one in some if id(one) not in known]


def _identity(one: Diagnostic) -> Identity:
    return (one.origin.file if one.origin else "", one.key, one.field, one.message)


def _subject(one: Diagnostic) -> str:
    """Whom or what a complaint is about."""
    return str(one.key or (one.origin.file if one.origin else "the configuration"))


def is_authored(key: Key, reading: Reading) -> bool:
    """Whether somebody waits to hear of this object: it is written in a file, or has a status. Endpoints come and go, and so
    do the Services and Secrets of a whole cluster.
    """
    one = reading.objects.get(key)
    has_status = key in reading.translation.statuses or key in reading.refused
    return has_status or (one is not None and one.origin is not None)


def describe(old: Reading, new: Reading, changed: Collection[Key]) -> Iterator[str]:
    """What happened to these objects, in words."""
    if len(changed) > MANY:
        yield f"{len(changed)} objects changed: {len(new.objects)} in all"
        return
    for key in sorted(changed, key=str):
        if new.objects.get(key) is None:
            yield f"{key} removed"
            continue
        verb = "changed" if old.objects.get(key) else "added"
        status = new.translation.statuses.get(key, Status())
        yield f"{key} {verb}: {status.summary}" if status.summary and status.well else f"{key} {verb}"

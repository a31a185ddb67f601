"""The scribe: gives the statuses of all objects to the provider that writes them back."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from typing import Final

import anyio

from xds.control.backlog import Backlog
from xds.control.setback import Setbacks, in_words, is_bug
from xds.control.standing import Standing
from xds.model import Key, Kind, Objects, Status, StatusWriter
from xds.server.signal import Signal, Watch

log = logging.getLogger(__name__)

SLICE: Final = 32
"""Statuses that are written before it is looked what has changed meanwhile."""
NO_STATUS: Final = Status()


class Scribe:
    """Gives one writer all statuses of some kinds, and then those that change: of every object of these kinds, an empty one
    where it has none. Of others there may be a status, for people, that has no place where they come from.

    What is given is what was published; nothing is given twice, unless the writer says that it has lapsed or fails.
    """

    def __init__(
        self,
        name: str,
        writer: StatusWriter,
        kinds: Collection[Kind],
        standing: Standing,
        translated: Watch[Objects],
    ) -> None:
        self._name, self._writer, self._kinds = name, writer, kinds
        self._standing, self._translated = standing, translated
        self._backlog = Backlog()
        self._objects = Objects()
        self._statuses: Mapping[Key, Status] = {}
        self._signal = Signal()
        self._setbacks, self._said = Setbacks(), ""

    async def run(self) -> None:
        """Runs until cancelled."""
        self._standing.statuses.follow(self._signal)
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._heed_lapses)
                while True:
                    self._look()
                    if found := self._backlog.take(SLICE):
                        await self._write(found)
                    else:
                        await self._signal.wait()
        finally:
            self._standing.statuses.unfollow(self._signal)

    def _look(self) -> None:
        """Notes what changed since the last look."""
        statuses, objects = self._standing.look(), self._translated.value
        bare = objects.changed_since(self._objects) if objects is not self._objects else set[Key]()
        if statuses is not self._statuses:
            bare |= self._statuses.keys()
        for key in bare - statuses.keys():
            self._note(key, NO_STATUS)
        for key, status in statuses.items() if statuses is not self._statuses else ():
            if (last := self._statuses.get(key)) is not status and last != status:
                self._note(key, status)
        self._statuses, self._objects = statuses, objects

    def _note(self, key: Key, status: Status) -> None:
        if key.kind in self._kinds:
            self._backlog.put(key, status)

    async def _write(self, found: Mapping[Key, Status]) -> None:
        try:
            await self._writer.write(found)
        except Exception as error:  # noqa: BLE001  whatever a stranger's writer raises, it is told and tried again
            self._complain(error)
            for key, status in found.items():
                self._backlog.give_back(key, status)
            await self._setbacks.rest()
        else:
            self._relieve()

    def _complain(self, error: Exception) -> None:
        if self._said != (said := in_words(error)):
            what = "the provider %s cannot write statuses: %s; it is asked again, with growing pauses"
            log.error(what, self._name, said, exc_info=is_bug(error))
        self._said = said

    def _relieve(self) -> None:
        if self._said:
            log.info("the provider %s writes statuses again", self._name)
        self._said = ""
        self._setbacks.end()

    async def _heed_lapses(self) -> None:
        """Until cancelled, or until the writer has no more to tell."""
        setbacks = Setbacks()
        while True:
            try:
                async for keys in self._writer.lapsed():
                    setbacks.end()
                    self._give_again(keys)
                return
            except Exception as error:
                what = "the provider %s cannot tell which statuses have lapsed: %s; it is asked again in %.1f s"
                log.error(what, self._name, in_words(error), setbacks.pause, exc_info=is_bug(error))  # noqa: TRY400  a server that is gone needs no traceback
                await setbacks.rest()

    def _give_again(self, keys: Collection[Key]) -> None:
        for key in keys:
            self._note(key, self._statuses.get(key, NO_STATUS))
        self._signal.set()

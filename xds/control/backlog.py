"""The backlog: the statuses that are still to be written. Plain decisions, no I/O, no clock."""

from __future__ import annotations

from itertools import chain, islice

from xds.model import Key, Status


class Backlog:
    """Statuses by object, of which only the newest counts.

    Half of what is taken is what changed last: an object that changes now does not wait for thousands. The other half is
    what has waited longest, so that nothing waits for ever behind a busy stream of changes.
    """

    def __init__(self) -> None:
        self._waiting: dict[Key, Status] = {}
        self._changed: dict[Key, None] = {}

    def put(self, key: Key, status: Status) -> None:
        """This one changed. An object that waits already keeps its place among those that have waited longest."""
        self._waiting[key] = status
        self._changed.pop(key, None)
        self._changed[key] = None

    def give_back(self, key: Key, status: Status) -> None:
        """This one was taken and is still to be written, unless it changed since."""
        if key not in self._waiting:
            self.put(key, status)

    def take(self, most: int) -> dict[Key, Status]:
        """So many at the most; empty when nothing waits."""
        newest, oldest = islice(reversed(self._changed), most // 2), islice(self._waiting, most)
        keys = list(islice(dict.fromkeys(chain(newest, oldest)), most))
        for key in keys:
            del self._changed[key]
        return {key: self._waiting.pop(key) for key in keys}

    def __len__(self) -> int:
        return len(self._waiting)

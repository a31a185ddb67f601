"""What was seen: how each object that has a status stood when it was last read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import anyio
import msgspec

from providers.kubernetes.document import Head
from xds.model import Key


@dataclass(frozen=True, slots=True)
class Sight:
    """One object as it was last read: what is written back depends on this, what is translated does not.

    `status` is the JSON of its status as the API server has it, None where it has none.
    """

    uid: str
    resource_version: str
    generation: int
    status: msgspec.Raw | None

    @classmethod
    def of(cls, head: Head) -> Sight:
        """The sight of an object, by its head."""
        status = head.status.copy() if head.status else None  # a copy lets go of the page it came in
        return cls(head.metadata.uid, head.metadata.resource_version, head.metadata.generation, status)


class Seen:
    """The sights of all objects whose kind has a status, by key. Who watches writes it; who writes statuses reads it."""

    def __init__(self) -> None:
        self._sights: dict[Key, Sight] = {}
        self._restated: set[Key] = set()
        self._changed = anyio.Event()

    def __getitem__(self, key: Key) -> Sight:
        return self._sights[key]

    def __iter__(self) -> Iterator[Key]:
        return iter(self._sights)

    def __len__(self) -> int:
        return len(self._sights)

    def get(self, key: Key) -> Sight | None:
        """How this object stood when it was last read; None where it is not known."""
        return self._sights.get(key)

    def put(self, key: Key, sight: Sight) -> None:
        """This is how the object stands now."""
        known = self._sights.get(key)
        self._sights[key] = sight
        if known is None or known.uid != sight.uid or known.status != sight.status:
            self._restated.add(key)
            self._changed.set()
            self._changed = anyio.Event()

    def drop(self, key: Key) -> None:
        """The object is gone, or no longer read."""
        self._sights.pop(key, None)
        self._restated.discard(key)

    async def restated(self) -> frozenset[Key]:
        """Waits until objects are new or have another status than before: these, since the last call. For one caller."""
        while not self._restated:
            await self._changed.wait()
        found, self._restated = frozenset(self._restated), set()
        return found

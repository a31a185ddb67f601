"""The register: which objects of a place were said, and in which state. Plain decisions, no I/O."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from providers.kubernetes.discovery import Served
from providers.kubernetes.document import read_head, read_object
from providers.kubernetes.seen import Seen, Sight
from xds.model import Delete, Key, Put


@dataclass(frozen=True, slots=True)
class Entry:
    """What was said of an object: its state at the API server, and what makes it equal to another."""

    resource_version: str
    digest: bytes
    generation: int


class Register:
    """Turns what the API server says into what is news, and tells `seen` of all of it.

    A list goes from `begin` to `finish`; what was not put in between is gone.
    """

    def __init__(self, served: Served, seen: Seen) -> None:
        self._served, self._seen = served, seen
        self._entries: dict[Key, Entry] = {}
        self._unlisted: set[Key] = set()

    def __len__(self) -> int:
        return len(self._entries)

    def begin(self) -> None:
        """All that is known is in doubt."""
        self._unlisted = set(self._entries)

    def finish(self) -> list[Delete]:
        """What is still in doubt is gone."""
        gone, self._unlisted = self._unlisted, set()
        return [self._drop(key) for key in sorted(gone)]

    def forget(self) -> list[Delete]:
        """All is gone."""
        self.begin()
        return self.finish()

    def put(self, raw: msgspec.Raw) -> Put | None:
        """The object exists like this. None where that is no news."""
        head = read_head(raw)
        key = head.key(self._served)
        self._unlisted.discard(key)
        known = self._entries.get(key)
        if known and known.resource_version == head.metadata.resource_version:
            return None
        if self._served.has_status:
            self._seen.put(key, Sight.of(head))
        one = read_object(raw, head, self._served)
        self._entries[key] = Entry(head.metadata.resource_version, one.digest, one.generation)
        same = known and (known.digest, known.generation) == (one.digest, one.generation)
        return None if same else Put(one)

    def delete(self, raw: msgspec.Raw) -> Delete | None:
        """The object is gone. None where it was not known."""
        key = read_head(raw).key(self._served)
        return self._drop(key) if key in self._entries else None

    def _drop(self, key: Key) -> Delete:
        del self._entries[key]
        self._seen.drop(key)
        return Delete(key)

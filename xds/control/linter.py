"""The linter: what gRPC would refuse of the resources that lead on from the listeners that it asks for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from xds.codec.proxyless import LARGEST, Flaw, flaws, is_for_grpc
from xds.control.fault import place
from xds.model import Diagnostic, Resource, Severity, Snapshot, Translation
from xds.model.type_url import CDS, LDS, short_type

HINTS: Final = {Severity.ERROR: "gRPC would refuse this", Severity.WARNING: "gRPC would pass over this"}


@dataclass(frozen=True, slots=True)
class Seen:
    """A node group's snapshot, its listeners for gRPC, and what is wrong with each resource that these lead to."""

    snapshot: Snapshot
    listeners: tuple[Resource, ...]
    flaws: Mapping[Resource, tuple[Flaw, ...]]


UNSEEN: Final = Seen(Snapshot(), (), MappingProxyType({}))


class Linter:
    """Looks at what is new since the last call: a group that gRPC has nothing to do with costs next to nothing."""

    def __init__(self) -> None:
        self._seen: dict[str, Seen] = {}

    def lint(self, translation: Translation) -> list[Diagnostic]:
        """What is wrong, on the objects that the resources were made from."""
        self._seen = {group: self._look(group, snapshot) for group, snapshot in translation.snapshots.items()}
        found = [
            _diagnostic(one, flaw, translation)
            for seen in self._seen.values()
            for one, wrong in seen.flaws.items()
            for flaw in wrong
        ]
        return list(dict.fromkeys(found))

    def _look(self, group: str, snapshot: Snapshot) -> Seen:
        last = self._seen.get(group, UNSEEN)
        if last.snapshot is snapshot:
            return last
        listeners = last.listeners
        if last.snapshot.of_type(LDS) is not (now := snapshot.of_type(LDS)):
            listeners = tuple(filter(is_for_grpc, now.values()))
        found = {one: last.flaws[one] if one in last.flaws else flaws(one) for one in _led_to(listeners, snapshot)}
        if sum(len(one.body) for one in found if one.type_url == CDS) >= LARGEST:
            found |= {one: (*found[one], *_too_much(one, snapshot)) for one in listeners}
        return Seen(snapshot, listeners, found)


def _led_to(listeners: Iterable[Resource], snapshot: Snapshot) -> Iterator[Resource]:
    """The listeners, and all that they name, and what that names."""
    waiting, known = list(listeners), set[Resource]()
    while waiting:
        one = waiting.pop()
        if one not in known:
            known.add(one)
            yield one
            waiting += [there for reference in sorted(one.references) if (there := snapshot.get(reference))]


def _too_much(listener: Resource, snapshot: Snapshot) -> Iterator[Flaw]:
    """A client of this listener is told all its clusters in one response."""
    size = sum(len(one.body) for one in _led_to([listener], snapshot) if one.type_url == CDS)
    if size >= LARGEST:
        yield Flaw("", f"leads to clusters of {size} bytes in all; gRPC clients read at most {LARGEST} at once")


def _diagnostic(one: Resource, flaw: Flaw, translation: Translation) -> Diagnostic:
    hint = f"{HINTS[flaw.severity]} {short_type(one.type_url)} {one.name!r}"
    if written := place(one, translation):
        field = ".".join(filter(None, (written[1], flaw.field)))
        return Diagnostic(flaw.message, written[0], field, hint=hint, severity=flaw.severity)
    words = f"{short_type(one.type_url)} {one.name!r}: {flaw.field} {flaw.message}"
    return Diagnostic(words, one.authors[0] if one.authors else None, hint=hint, severity=flaw.severity)

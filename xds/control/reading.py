"""Readings: what is written and what it means, and everything that is wrong with it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from xds.codec.document import locate
from xds.model import Condition, Diagnostic, Key, Object, Objects, Severity, Status, Translation


@dataclass(frozen=True, slots=True)
class Reading:
    """What is written and what it means: the objects, their translation, and what is wrong with single objects or files.

    An object with an error of its own is left out of `objects` and the translation, or its last good version stays in
    them. `refused` has it, and its first error.
    """

    objects: Objects = field(default_factory=Objects)
    translation: Translation = field(default_factory=Translation)
    diagnostics: tuple[Diagnostic, ...] = ()
    refused: Mapping[Key, tuple[Object, Diagnostic]] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def written(self) -> int:
        """How many objects there are, in force or not."""
        return len(self.objects) + sum(self.objects.get(key) is None for key in self.refused)

    @property
    def statuses(self) -> Mapping[Key, Status]:
        """The status of every object; a refused one is not accepted, in the words of its error."""
        laid = {key: self._not_accepted(key, one, flaw) for key, (one, flaw) in self.refused.items()}
        return {**self.translation.statuses, **laid} if laid else self.translation.statuses

    @property
    def complaints(self) -> tuple[Diagnostic, ...]:
        """The diagnostics, and every condition that tells of trouble and is not said by one of them; by file and line."""
        said = {(one.key, one.message) for one in self.diagnostics}
        failing = _failing(self.translation.statuses, self.objects, said)
        return tuple(sorted((*self.diagnostics, *failing), key=place_of))

    def _not_accepted(self, key: Key, one: Object, flaw: Diagnostic) -> Status:
        stays = "; the last good version stays in force" if self.objects.get(key) else ""
        words = f"{flaw.field} {flaw.message}".strip() + stays
        condition = Condition("Accepted", False, "Invalid", words, one.generation)
        status = self.translation.statuses.get(key, Status())
        others = tuple(one for one in status.conditions if one.type != "Accepted")
        return replace(status, conditions=(condition, *others))


def errors(found: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Those that say that something written is not in force."""
    return [one for one in found if one.severity is Severity.ERROR]


def placed(found: Iterable[Diagnostic], objects: Objects) -> Iterator[Diagnostic]:
    """The same diagnostics, each with the line of its field, where that can be known."""
    for one in found:
        about = objects.get(one.key) if one.key else None
        origin = one.origin or (about.origin if about else None)
        yield replace(one, origin=locate(origin, one.field) if origin else None)


def place_of(one: Diagnostic) -> tuple[str, int]:
    """File and line, to sort by."""
    return (one.origin.file, one.origin.line) if one.origin else ("", 0)


def _failing(
    statuses: Mapping[Key, Status], objects: Objects, said: Collection[tuple[Key | None, str]]
) -> Iterator[Diagnostic]:
    """The conditions that tell of trouble and were not said, as diagnostics on the objects that have them."""
    for key, status in statuses.items():
        if status.well:
            continue
        about = objects.get(key)
        origin = about.origin if about else None
        for part, condition in status.causes():
            if (key, condition.message) not in said:
                where = locate(origin, condition.field) if origin else None
                yield Diagnostic(_in_words(part, condition), key, origin=where)


def _in_words(part: str, condition: Condition) -> str:
    """What is wrong, and the condition that says it to programs."""
    what = ": ".join(filter(None, (part, f"{condition.type} is {condition.status}, {condition.reason}")))
    return f"{condition.message} ({what})" if condition.message else what

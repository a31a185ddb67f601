"""Readings: what is written and what it means, and everything that is wrong with it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from xds.codec.document import locate
from xds.model import Condition, Diagnostic, Key, Object, Objects, Origin, Severity, Status, Translation


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
        return Complaints().of(self)

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


Trouble = tuple[str, Diagnostic]
"""The message of a condition, and all that there is to say of it."""


class Complaints:
    """The complaints of one reading after the other, looked for only in objects that changed, or whose status did."""

    def __init__(self) -> None:
        self._known: dict[Key, tuple[Status, Object | None, tuple[Trouble, ...]]] = {}

    def of(self, reading: Reading) -> tuple[Diagnostic, ...]:
        """Those of this reading, by file and line."""
        failing = ((key, one) for key, one in reading.translation.statuses.items() if not one.well)
        self._known = {key: self._look(key, status, reading.objects.get(key)) for key, status in failing}
        said = {(one.key, one.message) for one in reading.diagnostics}
        troubles = ((key, *one) for key, (_, _, found) in self._known.items() for one in found)
        news = (one for key, message, one in troubles if (key, message) not in said)
        return tuple(sorted((*reading.diagnostics, *news), key=place_of))

    def _look(self, key: Key, status: Status, about: Object | None) -> tuple[Status, Object | None, tuple[Trouble, ...]]:
        known = self._known.get(key)
        if known is not None and known[0] is status and known[1] is about:
            return known
        return status, about, tuple(_troubles(key, status, about.origin if about else None))


def _troubles(key: Key, status: Status, origin: Origin | None) -> Iterator[Trouble]:
    """The conditions that tell of trouble, as diagnostics on the object that has them."""
    for part, condition in status.causes():
        where = locate(origin, condition.field) if origin else None
        yield condition.message, Diagnostic(_in_words(part, condition), key, origin=where)


def _in_words(part: str, condition: Condition) -> str:
    """What is wrong, and the condition that says it to programs."""
    what = ": ".join(filter(None, (part, f"{condition.type} is {condition.status}, {condition.reason}")))
    return f"{condition.message} ({what})" if condition.message else what

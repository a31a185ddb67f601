"""Readings: what is written and what it means, and everything that is wrong with it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from xds.codec.document import locate
from xds.model import Condition, Diagnostic, Key, Objects, Severity, Status, Translation


@dataclass(frozen=True, slots=True)
class Reading:
    """What is written and what it means: the objects, their translation, and what is wrong with single objects or files.

    An object with an error of its own is left out of `objects` and the translation, or its last good version stays in
    them. `refused` has its status.
    """

    objects: Objects = field(default_factory=Objects)
    translation: Translation = field(default_factory=Translation)
    diagnostics: tuple[Diagnostic, ...] = ()
    refused: Mapping[Key, Status] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def written(self) -> int:
        """How many objects there are, in force or not."""
        return len(self.objects) + sum(self.objects.get(key) is None for key in self.refused)

    @property
    def statuses(self) -> Mapping[Key, Status]:
        """The status of every object, in force or not."""
        return {**self.translation.statuses, **self.refused} if self.refused else self.translation.statuses

    @property
    def complaints(self) -> tuple[Diagnostic, ...]:
        """The diagnostics, and every condition that tells of trouble and is not said by one of them; by file and line."""
        return tuple(sorted(Complaints().of(self), key=place_of))


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
    """The complaints of one reading after the other, in no order; only those of statuses that changed are made anew. Of an
    object that only moved in its file the line stays the one that was told.
    """

    def __init__(self) -> None:
        self._known: dict[Key, tuple[Status, tuple[Trouble, ...]]] = {}

    def of(self, reading: Reading) -> list[Diagnostic]:
        """Those of this reading."""
        last, self._known = self._known, {}
        for key, status in reading.translation.statuses.items():
            if not status.well:
                known = last.get(key)
                self._known[key] = (
                    known if known and known[0] is status else (status, tuple(_troubles(key, status, reading)))
                )
        said = {(one.key, one.message) for one in reading.diagnostics}
        troubles = ((key, *one) for key, (_, found) in self._known.items() for one in found)
        return [*reading.diagnostics, *(one for key, message, one in troubles if not said or (key, message) not in said)]


def _troubles(key: Key, status: Status, reading: Reading) -> Iterator[Trouble]:
    """The conditions that tell of trouble, as diagnostics on the object that has them."""
    about = reading.objects.get(key)
    origin = about.origin if about else None
    for part, condition in status.causes():
        where = locate(origin, condition.field) if origin else None
        yield condition.message, Diagnostic(_in_words(part, condition), key, origin=where)


def _in_words(part: str, condition: Condition) -> str:
    """What is wrong, and the condition that says it to programs."""
    what = ": ".join(filter(None, (part, f"{condition.type} is {condition.status}, {condition.reason}")))
    return f"{condition.message} ({what})" if condition.message else what

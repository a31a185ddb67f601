"""Offline: objects read once through the same providers and sources that a running control plane has."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

import anyio

from xds.codec.document import locate
from xds.control.settings import Settings
from xds.control.translator import Translator
from xds.model import (
    Delete,
    Diagnostic,
    Key,
    Kind,
    Listed,
    Object,
    Objects,
    Provider,
    Put,
    Report,
    Severity,
    Status,
    Translation,
)


@dataclass(frozen=True, slots=True)
class Reading:
    """What is written and what it means: the objects, their translation, and what is wrong with single objects or files.

    An object with an error of its own is among the objects, and is left out of the translation.
    """

    objects: Objects
    translation: Translation
    diagnostics: tuple[Diagnostic, ...]

    @property
    def complaints(self) -> tuple[Diagnostic, ...]:
        """The diagnostics, and every condition that tells of trouble and is not said by one of them; by file and line."""
        said = {(one.key, one.message) for one in self.diagnostics}
        failing = _failing(self.translation.statuses, self.objects, said)
        return tuple(sorted((*self.diagnostics, *failing), key=_place))


def errors(found: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Those that say that something written is not in force."""
    return [one for one in found if one.severity is Severity.ERROR]


def read(settings: Settings) -> Reading:
    """Reads every provider until it has listed, checks every object, and translates those without an error."""
    providers = [one.make() for one in settings.providers]
    translator = Translator([one.make() for one in settings.sources], [one.make() for one in settings.hooks])
    objects, reports = anyio.run(_list, providers, translator.kinds)
    checked = [replace(found, key=found.key or one.key) for one in objects for found in translator.check(one)]
    refused = {one.key for one in errors(checked) if one.key is not None}
    translation = translator.translate(objects.updated((key, None) for key in refused))
    found = _placed((*reports, *checked, *translation.diagnostics), objects)
    return Reading(objects, translation, tuple(sorted(dict.fromkeys(found), key=_place)))


async def _list(providers: Iterable[Provider], kinds: Collection[Kind]) -> tuple[Objects, list[Diagnostic]]:
    objects: dict[Key, Object] = {}
    reports: dict[str, tuple[Diagnostic, ...]] = {}
    for provider in providers:
        events = provider.watch(kinds)
        async for event in events:
            match event:
                case Put(one):
                    objects[one.key] = one
                case Delete(key):
                    objects.pop(key, None)
                case Report(place, diagnostics):
                    reports[place] = diagnostics
                case Listed():
                    break
        if isinstance(events, AsyncGenerator):
            await events.aclose()
    return Objects.of(objects.values()), [one for said in reports.values() for one in said]


def _placed(found: Iterable[Diagnostic], objects: Objects) -> Iterator[Diagnostic]:
    """The same diagnostics, each with the line of its field, where that can be known."""
    for one in found:
        about = objects.get(one.key) if one.key else None
        origin = one.origin or (about.origin if about else None)
        yield replace(one, origin=locate(origin, one.field) if origin else None)


def _place(one: Diagnostic) -> tuple[str, int]:
    return (one.origin.file, one.origin.line) if one.origin else ("", 0)


def _failing(
    statuses: Mapping[Key, Status], objects: Objects, said: Collection[tuple[Key | None, str]]
) -> Iterator[Diagnostic]:
    """The conditions that tell of trouble and were not said, as diagnostics on the objects that have them."""
    for key, status in statuses.items():
        about = objects.get(key)
        for part, condition in status.failing():
            if (key, condition.message) in said:
                continue
            what = f"{condition.type} is {condition.status} ({condition.reason})"
            words = ": ".join(filter(None, (part, what, condition.message)))
            yield Diagnostic(words, key, origin=about.origin if about else None)

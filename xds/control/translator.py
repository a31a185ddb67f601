"""The translator: every source as one, and every hook after it. No I/O, no clock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from operator import is_
from typing import Any, Final

from xds.codec import adopt, decode, own_name, resource
from xds.control.linter import Linter
from xds.model import (
    NO_RESOURCES,
    Condition,
    Diagnostic,
    Hook,
    Installable,
    Kind,
    NodeGroup,
    Object,
    Objects,
    Refusing,
    Resource,
    Resources,
    Snapshot,
    Source,
    Status,
    Translation,
)
from xds.model.type_url import PREFIX, short_type

Result = Resource | Diagnostic | None
"""What became of a resource: edited, or why not, or dropped."""


@dataclass(frozen=True, slots=True)
class Edited:
    """The resources of one type before the hooks, what became of each by its name then, and those that go out."""

    before: Resources
    results: Mapping[str, Result]
    after: Resources


Parts = tuple[Snapshot, ...]
Joined = tuple[Parts, Snapshot]
"""What several sources say of one node group, and that as one snapshot."""

NOTHING: Final[Joined] = ((), Snapshot())
UNEDITED: Final = Edited(NO_RESOURCES, {}, NO_RESOURCES)


class Translator:
    """All sources and hooks.

    Where two sources say the same, the one that is named first in the settings counts. Unchanged input gives the
    same Resource objects as the call before, hooks or not: a hook sees only what a source made anew.
    """

    def __init__(self, sources: Sequence[Source], hooks: Iterable[Hook] = ()) -> None:
        self._sources = sources
        self._hooks: dict[str, list[Hook]] = {}
        for hook in hooks:
            self._hooks.setdefault(PREFIX + hook.message, []).append(hook)
        self._edited: dict[tuple[str, str], Edited] = {}
        self._joined: dict[str, Joined] = {}
        self._linter = Linter()

    @property
    def kinds(self) -> frozenset[Kind]:
        """The kinds that any source understands."""
        return frozenset[Kind]().union(*(source.kinds for source in self._sources))

    @property
    def reported(self) -> frozenset[Kind]:
        """The kinds whose objects any source gives statuses: all of its kinds, where it does not say."""
        told = (one.reported if isinstance(one, Installable) else one.kinds for one in self._sources)
        return frozenset[Kind]().union(*told)

    def check(self, one: Object) -> list[Diagnostic]:
        """What is wrong with this object on its own, as every source of its kind sees it."""
        return [found for source in self._sources if one.key.kind in source.kinds for found in source.check(one)]

    def refuse(self, one: Object, condition: Condition, last: Status) -> Status:
        """The status of an object with an error of its own, where a source of its kind wants it to be told."""
        sources = (source for source in self._sources if one.key.kind in source.kinds)
        teller = next((source for source in sources if isinstance(source, Refusing)), None)
        return teller.refuse(one, condition, last) if teller else last.saying(condition)

    def translate(self, objects: Objects) -> Translation:
        """Everything that these objects mean, as it goes out."""
        translated = self._merge(_unless_empty(source.translate(objects) for source in self._sources))
        edited = self._edit(translated) if self._hooks else translated
        remarks = self._linter.lint(edited)
        return replace(edited, diagnostics=(*edited.diagnostics, *remarks)) if remarks else edited

    def _merge(self, translations: Sequence[Translation]) -> Translation:
        """Several translations as one; a single one as it is."""
        if len(translations) == 1:
            return translations[0]
        names = dict.fromkeys(name for one in translations for name in one.snapshots)
        parts = {name: tuple(one.snapshots[name] for one in translations if name in one.snapshots) for name in names}
        several = {name: found for name, found in parts.items() if len(found) > 1}
        self._joined = {name: (found, _joined(found, self._joined.get(name, NOTHING))) for name, found in several.items()}
        snapshots = {name: self._joined[name][1] if name in several else found[0] for name, found in parts.items()}
        return _merged(translations, snapshots)

    def _edit(self, translated: Translation) -> Translation:
        self._edited = {
            (group, type_url): self._edit_type(group, type_url, snapshot.of_type(type_url))
            for group, snapshot in translated.snapshots.items()
            for type_url in snapshot.types.keys() & self._hooks.keys()
        }
        snapshots = {group: self._replaced(group, snapshot) for group, snapshot in translated.snapshots.items()}
        results = [result for one in self._edited.values() for result in one.results.values()]
        failed = [one for one in results if isinstance(one, Diagnostic)]
        return replace(translated, snapshots=snapshots, diagnostics=(*translated.diagnostics, *failed))

    def _replaced(self, group: str, snapshot: Snapshot) -> Snapshot:
        edited = {url: self._edited[group, url].after for url in snapshot.types if url in self._hooks}
        return Snapshot({**snapshot.types, **edited}) if edited else snapshot

    def _edit_type(self, group: str, type_url: str, resources: Resources) -> Edited:
        last = self._edited.get((group, type_url), UNEDITED)
        if last.before is resources:
            return last
        hooks = self._hooks[type_url]
        results = {
            name: last.results[name] if last.before.get(name) is one else edit(one, hooks) for name, one in resources.items()
        }
        return Edited(resources, results, Resources.of(one for one in results.values() if isinstance(one, Resource)))


def edit(one: Resource, hooks: Iterable[Hook]) -> Result:
    """The resource as the hooks leave it, one after the other: None where one drops it, a Diagnostic where one fails.

    What a hook could not edit does not go out: nobody knows what it would have lacked.
    """
    message: Any = decode(one.type_url, one.body)
    given = "" if own_name(message) == one.name else one.name
    for hook in hooks:
        try:
            message = hook.edit(message)
            if message is None:
                return None
            message = adopt(message)
        except Exception as error:  # noqa: BLE001  whatever a stranger's code raises concerns this one resource
            return _failure(one, hook, error)
    edited = resource(message, name=given, authors=one.authors)
    return one if edited == one else edited


def _failure(one: Resource, hook: Hook, error: Exception) -> Diagnostic:
    what = (
        f"{short_type(one.type_url)} {one.name!r} is left out: {type(hook).__name__} raised {type(error).__name__}: {error}"
    )
    return Diagnostic(what, one.authors[0] if one.authors else None, hint="mend the hook, or take it out of the settings")


def _unless_empty(translations: Iterable[Translation]) -> list[Translation]:
    return [one for one in translations if one.groups or one.statuses or one.diagnostics]


def _joined(parts: Parts, last: Joined) -> Snapshot:
    """Several snapshots as one: the same one as long as its parts are; an earlier part's resource counts."""
    before, joined = last
    if len(parts) == len(before) and all(map(is_, parts, before)):
        return joined
    return Snapshot.of(each for part in reversed(parts) for each in part).sharing(joined)


def _merged(translations: Sequence[Translation], snapshots: Mapping[str, Snapshot]) -> Translation:
    return Translation(
        snapshots,
        {name: _group(name, translations) for one in translations for name in one.groups},
        {key: status for one in reversed(translations) for key, status in one.statuses.items()},
        tuple(found for one in translations for found in one.diagnostics),
        {key: places for one in reversed(translations) for key, places in one.places.items()},
    )


def _group(name: str, translations: Iterable[Translation]) -> NodeGroup:
    found = [one.groups[name] for one in translations if name in one.groups]
    return found[0] if len(found) == 1 else _groups_as_one(name, found)


def _groups_as_one(name: str, groups: Sequence[NodeGroup]) -> NodeGroup:
    listens = tuple(listen for group in groups for listen in group.listens)
    return NodeGroup(name, listens, hosted=any(group.hosted for group in groups))

"""The ledger: what the providers said, as it stands. Plain decisions, no I/O, no clock."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from xds.control.reading import Reading, errors, place_of, placed
from xds.control.translator import Translator
from xds.model import (
    Condition,
    Delete,
    Diagnostic,
    Event,
    Key,
    Listed,
    Object,
    Objects,
    Put,
    Report,
    Severity,
    Status,
    Translation,
)


@dataclass(frozen=True, slots=True)
class Begun:
    """A provider was started, or started again: what it does not say before its next Listed is gone."""


Said = tuple[str, Event | Begun]
"""An event, and the name of the provider that said it."""

Changes = dict[Key, Object | None]
"""What is to be in force by key; None for nothing."""

KEPT: Final = "until this is mended, its last good version stays in force"
UNKNOWN: Final = "it is left out; if something should understand it, load the source that does"


@dataclass(slots=True)
class Voice:
    """What one provider says, and what of that it has not said again since it was started again."""

    objects: dict[Key, Object] = field(default_factory=dict)
    reports: dict[str, tuple[Diagnostic, ...]] = field(default_factory=dict)
    unsaid: set[Key] = field(default_factory=set)
    unreported: set[str] = field(default_factory=set)
    listed: bool = False

    def begin(self) -> None:
        """All that was said is in doubt from here to the next Listed."""
        self.unsaid, self.unreported = set(self.objects), set(self.reports)

    def report(self, place: str, diagnostics: tuple[Diagnostic, ...]) -> None:
        """Takes the last report on a place back, and this one in its stead unless it is empty."""
        self.reports.pop(place, None)
        self.unreported.discard(place)
        if diagnostics:
            self.reports[place] = diagnostics


class Ledger:
    """Which objects are in force, and what is wrong with others.

    - An object with an error of its own is not taken over: the last good one with its key stays, if there was one.
    - Of several providers that say one object the first counts, in the order of the settings; when it takes the object
      back, the next one does.
    - What a provider said stays while it is down. Once it has listed again, what it did not say again is gone.
    """

    def __init__(self, translator: Translator, providers: Iterable[str]) -> None:
        self.objects = Objects()
        self._translator = translator
        self._voices = {name: Voice() for name in providers}
        self._flaws: dict[Key, tuple[Diagnostic, ...]] = {}
        self._refused: dict[Key, Object] = {}

    def take(self, said: Iterable[Said]) -> None:
        """Takes over these events, in order."""
        changes: Changes = {}
        for provider, event in said:
            voice = self._voices[provider]
            match event:
                case Put(one):
                    self._put(voice, one, changes)
                case Delete(key):
                    self._delete(provider, key, changes)
                case Report(place, diagnostics):
                    voice.report(place, diagnostics)
                case Begun():
                    voice.begin()
                case Listed():
                    self._list(provider, changes)
        self.objects = self.objects.updated(changes.items())

    def waiting_for(self) -> list[str]:
        """The providers that have not listed yet."""
        return [name for name, voice in self._voices.items() if not voice.listed]

    def read(self, translation: Translation) -> Reading:
        """The reading of all this."""
        reports = (found for voice in self._voices.values() for found in voice.reports.values())
        told = [*reports, *map(self._explained, self._flaws), translation.diagnostics]
        found = placed((each for group in told for each in group), self.objects)
        distinct = sorted(dict.fromkeys(found), key=place_of)
        refused = {key: self._not_accepted(one, translation) for key, one in self._refused.items()}
        return Reading(self.objects, translation, tuple(distinct), refused)

    def _not_accepted(self, one: Object, translation: Translation) -> Status:
        """The status of a refused object, in the words of its first error."""
        flaw = errors(self._flaws[one.key])[0]
        stays = "; the last good version stays in force" if self.objects.get(one.key) else ""
        words = f"{flaw.field} {flaw.message}".strip() + stays
        condition = Condition("Accepted", False, "Invalid", words, one.generation)
        return self._translator.refuse(one, condition, translation.statuses.get(one.key, Status()))

    def _explained(self, key: Key) -> tuple[Diagnostic, ...]:
        """The flaws of an object; the first one tells what stays in force because of it."""
        first, *rest = self._flaws[key]
        if key in self._refused and self.objects.get(key):
            first = replace(first, hint=f"{first.hint}; {KEPT}" if first.hint else KEPT)
        return (first, *rest)

    def _put(self, voice: Voice, one: Object, changes: Changes) -> None:
        known = voice.objects.get(one.key)
        voice.objects[one.key] = one
        voice.unsaid.discard(one.key)
        if one == known and one.key not in self._flaws:
            changes[one.key] = one  # it may stand at another line now; what is right need not be judged again
        else:
            self._settle(one.key, changes)

    def _delete(self, provider: str, key: Key, changes: Changes) -> None:
        if provider == next(iter(self._said(key)), None):
            changes[key] = None
        voice = self._voices[provider]
        voice.objects.pop(key, None)
        voice.unsaid.discard(key)
        self._settle(key, changes)

    def _list(self, provider: str, changes: Changes) -> None:
        voice = self._voices[provider]
        for place in voice.unreported:
            del voice.reports[place]
        for key in list(voice.unsaid):
            self._delete(provider, key, changes)
        voice.unreported, voice.listed = set(), True

    def _said(self, key: Key) -> Mapping[str, Object]:
        """The object as each provider says it that does, in the order of the settings."""
        return {name: voice.objects[key] for name, voice in self._voices.items() if key in voice.objects}

    def _settle(self, key: Key, changes: Changes) -> None:
        """Decides what is in force under this key."""
        self._flaws.pop(key, None)
        self._refused.pop(key, None)
        said = self._said(key)
        if not said:
            return
        one = next(iter(said.values()))
        own = list(self._judge(one))
        if found := (*own, *_doubled(said)):
            self._flaws[key] = found
        if errors(own):
            self._refused[key] = one
        else:
            changes[key] = one

    def _judge(self, one: Object) -> Iterator[Diagnostic]:
        """What is wrong with an object on its own."""
        if one.key.kind not in self._translator.kinds:
            what = f"is of kind {one.key.kind} ({one.key.kind.api_version}), which nothing loaded here understands"
            yield Diagnostic(what, one.key, origin=one.origin, hint=UNKNOWN, severity=Severity.WARNING)
        for flaw in self._translator.check(one):
            yield replace(flaw, key=flaw.key or one.key, origin=flaw.origin or one.origin)


def _doubled(said: Mapping[str, Object]) -> Iterator[Diagnostic]:
    """What to say of an object that several providers say."""
    first, *others = said
    for name in others:
        what = f"is said by the provider {name} too; that of {first}, which the settings name first, is in force"
        yield Diagnostic(what, said[name].key, origin=said[name].origin, hint="remove or rename one of the two")

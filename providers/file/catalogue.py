"""The catalogue: which objects are in force, of all that the files say. Plain decisions, no I/O, no clock."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from providers.file.contents import NOTHING, Contents, Fault
from xds.model import Delete, Diagnostic, Event, Key, Listed, Object, Put, Report

SETTLE: Final = 0.025
"""Seconds that a place must stay as it is before it is believed that something in it is gone or broken."""

NAMED: Final = 3
"""How many objects a hint names before it says how many more there are."""


@dataclass(frozen=True, slots=True)
class _Doubt:
    """Contents that are not believed before `until`, and then only if they still are the same."""

    contents: Contents
    until: float


class Catalogue:
    """Turns one picture after another of what all places say into the events between them.

    - An object that two documents define stays with the one in force; the other gets a diagnostic that names both, and
      takes over when the first goes. Of several that come at once the first by place and line is in force.
    - Of a document that cannot be read nobody knows which object it was. So as long as a place has one, every object
      that it said before and that its readable documents do not define stays as it was. When the place is mended, what
      is really gone is deleted.
    - Something gone, broken or cut short is not believed at once: editors and copying programs empty a file before they
      write it, or move it away before they put the new one. The place keeps its objects until it has not changed for
      `SETTLE` seconds. What is only added or changed counts at once.
    """

    def __init__(self) -> None:
        self._listed = False
        self._believed: dict[str, Contents] = {}
        self._doubts: dict[str, _Doubt] = {}
        self._claimed: dict[str, dict[Key, Object]] = {}
        self._claims: dict[Key, dict[str, Object]] = {}
        self._said: dict[Key, Object] = {}
        self._reports: dict[str, tuple[Diagnostic, ...]] = {}

    @property
    def due(self) -> float | None:
        """The time of the next update at the latest; None when nothing is in doubt."""
        return min((doubt.until for doubt in self._doubts.values()), default=None)

    def update(self, picture: Mapping[str, Contents], now: float) -> list[Event]:
        """The events that lead to this picture: place -> contents. `now` is in seconds on any clock that never goes back.

        The events of the first update end with Listed; everything in it is believed.
        """
        believed = self._settled(_changed(self._believed, picture), now)
        touched = self._claim({place: self._claims_of(place, contents) for place, contents in believed.items()})
        self._believed = {place: one for place, one in (self._believed | believed).items() if one is not NOTHING}
        events = [*self._say(touched), *self._report({*believed, *self._places(touched)})]
        if not self._listed:
            self._listed = True
            events.append(Listed())
        return events

    def _settled(self, changed: Mapping[str, Contents], now: float) -> dict[str, Contents]:
        """What is to be believed of the changes; the rest is in doubt from now on."""
        doubts = {
            place: self._doubt(place, contents, now)
            for place, contents in changed.items()
            if self._is_doubtful(place, contents)
        }
        self._doubts = {place: doubt for place, doubt in doubts.items() if now < doubt.until}
        return {place: contents for place, contents in changed.items() if place not in self._doubts}

    def _doubt(self, place: str, contents: Contents, now: float) -> _Doubt:
        known = self._doubts.get(place)
        return known if known and known.contents == contents else _Doubt(contents, now + SETTLE)

    def _is_doubtful(self, place: str, contents: Contents) -> bool:
        if not self._listed or contents == self._believed.get(place):
            return False
        gone = self._claimed.get(place, {}).keys() - {one.key for one in contents.objects}
        return bool(gone or contents.faults or contents.cut)

    def _claims_of(self, place: str, contents: Contents) -> dict[Key, Object]:
        """The objects that a place defines, and those that a fault in it holds. Of two documents for one object the first
        counts, but one that counts already goes on to.
        """
        current = self._claimed.get(place, {})
        claims: dict[Key, Object] = {}
        for one in contents.objects:
            claims.setdefault(one.key, one)
        for one in reversed(contents.objects):
            if one.key in current and _is_same(one, current[one.key]):
                claims[one.key] = one
        return claims | {key: one for key, one in current.items() if key not in claims and contents.holds(key)}

    def _claim(self, claimed: Mapping[str, dict[Key, Object]]) -> list[Key]:
        """Records what the places claim now; gives the keys this may matter for. A place that keeps a key keeps its turn."""
        touched: dict[Key, None] = {}
        for place, claims in claimed.items():
            before = self._claimed.get(place, {})
            for key in before.keys() - claims.keys():
                del self._claims[key][place]
            touched |= dict.fromkeys((*before, *claims))
        for place, claims in claimed.items():
            self._claimed[place] = claims
            for key, one in claims.items():
                self._claims.setdefault(key, {})[place] = one
        return list(touched)

    def _in_force(self, key: Key) -> Object | None:
        return next(iter(self._claims[key].values()), None)

    def _places(self, keys: Iterable[Key]) -> Iterator[str]:
        return (place for key in keys for place in self._claims.get(key, ()))

    def _say(self, keys: Iterable[Key]) -> Iterator[Event]:
        """What is new about these objects."""
        for key in keys:
            one, said = self._in_force(key), self._said.get(key)
            if one is None:
                del self._claims[key], self._said[key]
                yield Delete(key)
            elif said is None or not _is_same(one, said) or one.origin != said.origin:
                self._said[key] = _next_generation(one, said)
                yield Put(self._said[key])

    def _report(self, places: Iterable[str]) -> Iterator[Report]:
        """The reports that differ from the last ones on these places."""
        for place in sorted(places):
            diagnostics = self._diagnostics(place, self._believed.get(place, NOTHING))
            if diagnostics != self._reports.get(place, ()):
                self._reports[place] = diagnostics
                yield Report(place, diagnostics)

    def _diagnostics(self, place: str, contents: Contents) -> tuple[Diagnostic, ...]:
        """Every fault and every doubled object of a place, by line."""
        faults = [_explained(fault, self._held(place, contents, fault)) for fault in contents.faults]
        return tuple(sorted([*faults, *self._doubled(contents)], key=_line))

    def _held(self, place: str, contents: Contents, fault: Fault) -> list[Key]:
        """The objects that stay because of this fault."""
        defined = {one.key for one in contents.objects}
        return [key for key in self._claimed[place] if key not in defined and fault.may_be_about(key)]

    def _doubled(self, contents: Contents) -> Iterator[Diagnostic]:
        for one in contents.objects:
            first = self._in_force(one.key)
            if first is not one and first is not None:
                what = f"is also defined at {first.origin}, which came first and stays in force"
                yield Diagnostic(what, one.key, origin=one.origin, hint="remove or rename one of the two")


def _changed(believed: Mapping[str, Contents], picture: Mapping[str, Contents]) -> dict[str, Contents]:
    """The places, in order, whose contents are other ones than before; what a place says that is gone is nothing."""
    now = {place: contents for place, contents in picture.items() if contents is not believed.get(place, NOTHING)}
    gone = dict.fromkeys(believed.keys() - picture.keys(), NOTHING)
    return dict(sorted((now | gone).items()))


def _is_same(one: Object, other: Object) -> bool:
    """Whether two objects of one key are the same document, wherever it stands in its file."""
    return one.digest == other.digest and _written(one) == _written(other)


def _written(one: Object) -> tuple[str, str]:
    return (one.origin.file, one.origin.text) if one.origin else ("", "")


def _next_generation(one: Object, said: Object | None) -> Object:
    if said is None:
        return one
    return replace(one, generation=said.generation + (one.digest != said.digest))


def _explained(fault: Fault, held: list[Key]) -> Diagnostic:
    """A fault's diagnostic, which also tells what stays in force because of it."""
    one = fault.diagnostic
    if not held:
        return one
    rest = f" and {len(held) - NAMED} more" if len(held) > NAMED else ""
    kept = f"until this is mended, what was read before stays: {', '.join(map(str, held[:NAMED]))}{rest}"
    return replace(one, hint=f"{one.hint}; {kept}" if one.hint else kept)


def _line(one: Diagnostic) -> int:
    return one.origin.line if one.origin else 0

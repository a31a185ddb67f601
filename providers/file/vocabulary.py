"""The vocabulary: which kinds the loaded sources understand, and what someone may have meant who wrote another."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from difflib import get_close_matches
from typing import Final

from providers.file.contents import Fault
from xds.codec.document import locate
from xds.model import Diagnostic, Key, Kind, Object, Origin, Severity
from xds.model.object import key_of

CLOSE: Final = 0.8
"""How alike two names are, between 0 and 1, of which one may be a slip for the other: TCPRoute and TLSRoute are 0.75."""

VERSION: Final = re.compile(r"v[1-9][0-9]*((alpha|beta)[1-9][0-9]*)?")
"""The shape of an API version."""


class Vocabulary:
    """The kinds that are understood."""

    def __init__(self, kinds: Collection[Kind]) -> None:
        self._kinds = {kind: kind for kind in kinds}
        self._groups = {kind.group for kind in kinds} - {""}
        self._by_name: dict[str, list[Kind]] = {}
        for kind in sorted(kinds):
            self._by_name.setdefault(kind.name.lower(), []).append(kind)

    def knows(self, one: Object) -> bool:
        """Whether something loaded here understands this object."""
        return one.key.kind in self._kinds

    def fault(self, one: Object) -> Fault | None:
        """What is wrong with the kind of an object; None when nothing is."""
        if not self.knows(one):
            return self._unknown(one)
        if not VERSION.fullmatch(one.key.kind.version):
            return self._strange_version(one)
        return None

    def _strange_version(self, one: Object) -> Fault:
        known = self._kinds[one.key.kind]
        return Fault(
            Diagnostic(
                f"names a version that {known.name} is not known to have",
                one.key,
                "apiVersion",
                one.origin and locate(one.origin, "apiVersion"),
                f"write apiVersion: {known.api_version}",
                Severity.WARNING,
            ),
            holds=frozenset(),
        )

    def _unknown(self, one: Object) -> Fault:
        kind, meant = one.key.kind, self._meant(one.key.kind)
        return Fault(
            Diagnostic(
                f"is of kind {kind.name} ({kind.api_version}), which nothing loaded here understands",
                one.key,
                origin=one.origin and _where(one.origin, kind, meant),
                hint=_hint(kind, meant),
                severity=self._weight(kind, meant),
            ),
            holds=frozenset(_as(one, other) for other in meant),
        )

    def _meant(self, kind: Kind) -> Sequence[Kind]:
        """The kinds with this name, or else with one much like it."""
        near = get_close_matches(kind.name.lower(), self._by_name, n=3, cutoff=CLOSE)
        exact = self._by_name.get(kind.name.lower())
        return exact or [one for name in near for one in self._by_name[name]]

    def _weight(self, kind: Kind, meant: Sequence[Kind]) -> Severity:
        """A slip, or an unknown kind of a language that is spoken here, is an error: someone counts on it.
        A Deployment in the same file is nobody's mistake.
        """
        return Severity.ERROR if meant or kind.group in self._groups else Severity.WARNING


def _where(origin: Origin, kind: Kind, meant: Sequence[Kind]) -> Origin:
    return locate(origin, "apiVersion" if any(one.name == kind.name for one in meant) else "kind")


def _hint(kind: Kind, meant: Sequence[Kind]) -> str:
    if not meant:
        return "it is left out; if something should understand it, load the source that does"
    if meant[0].name == kind.name:
        return " or ".join(f"write apiVersion: {one.api_version}" for one in meant)
    return "did you mean " + " or ".join(f"{one.name} ({one.api_version})" for one in meant) + "?"


def _as(one: Object, kind: Kind) -> Key:
    """The key that an object would have as one of another kind."""
    return key_of({**one.body, "apiVersion": kind.api_version, "kind": kind.name})

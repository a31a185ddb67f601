"""Verdicts: what a node group's proxies accepted and refused, and what the group is served because of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from xds.model import Reference, Refusal, Resource, Snapshot
from xds.protocol.message import Accepted, Fact
from xds.protocol.words import divided


@dataclass(frozen=True, slots=True)
class Verdict:
    """The version of one resource that is not to be served: refused itself, or waiting for its `causes`, which were."""

    version: str
    message: str
    causes: frozenset[Reference] = frozenset()


class Verdicts:
    """What the proxies of one group say of its resources. The verdict is the group's: a proxy that starts later never
    meets what another one refused.

    Guarantees: refused bytes are not served again; the last accepted bytes of that one resource are served in their
    place, together with what those name; its neighbours are served as they are. New bytes are a new chance.
    """

    def __init__(self, group: str) -> None:
        self.group = group
        self._accepted: dict[Reference, Resource] = {}
        self._latest: dict[str, tuple[Resource, ...]] = {}
        self._verdicts: dict[Reference, Verdict] = {}

    def __bool__(self) -> bool:
        """Whether anything is not served as it is asked for."""
        return bool(self._verdicts)

    def judge(self, fact: Fact, snapshot: Snapshot) -> bool:
        """Takes over an answer to something that was served from `snapshot`. Returns whether what is served changes."""
        if isinstance(fact, Accepted):
            self._accept(fact.resources)
            self._prune(snapshot)
            return False
        before = dict(self._verdicts)
        words = divided(fact.message, [one.name for one in fact.culprits])
        for one in fact.culprits:
            self._refuse(one, words[one.name], snapshot)
        return self._verdicts != before

    def _accept(self, resources: tuple[Resource, ...]) -> None:
        if not resources or (self._latest.get(resources[0].type_url) is resources and not self._verdicts):
            return  # all the proxies of a group say the same, one after the other
        self._latest[resources[0].type_url] = resources
        for one in resources:
            verdict = self._verdicts.get(one.reference)
            if verdict is None or verdict.version != one.version:  # else another proxy refused it first
                self._accepted[one.reference] = one

    def _refuse(self, one: Resource, words: str, snapshot: Snapshot) -> None:
        if self._accepted.get(one.reference) == one:
            return  # another proxy of the group has it in force: what this one lacks is its own
        if snapshot.get(one.reference) != one:
            return  # nobody asks for it any more
        self._verdicts[one.reference] = Verdict(one.version, words)
        if one.reference not in self._accepted:
            for parent in _naming(snapshot, one.reference):
                self._hold_back(parent, one)

    def _hold_back(self, parent: Resource, refused: Resource) -> None:
        """The same change must not lead to what does not exist; the parent's next version goes out all the same, for
        the sake of everything else in it.
        """
        known = self._verdicts.get(parent.reference)
        if self._accepted.get(parent.reference, parent) == parent or (known is not None and not known.causes):
            return
        causes = (known.causes if known else frozenset()) | {refused.reference}
        message = f"waits because {refused.name!r}, which it names, was refused"
        self._verdicts[parent.reference] = Verdict(parent.version, message, causes)

    def effective(self, snapshot: Snapshot) -> Snapshot:
        """What the group is served when `snapshot` is what its configuration asks for."""
        self._forgive(snapshot)
        if not self._verdicts:
            return snapshot
        wanted = {one.reference: one for one in snapshot if one.reference not in self._verdicts}
        self._complete(wanted)
        withheld = frozenset(self._verdicts.keys() - wanted.keys())
        return replace(Snapshot.of(wanted.values()), withheld=withheld).sharing(snapshot)

    def _forgive(self, snapshot: Snapshot) -> None:
        """Drops the verdicts on what is no longer asked for, and on what waited for nothing else."""
        asked = {ref: one for ref, one in self._verdicts.items() if _is_asked_for(snapshot, ref, one)}
        refused = {reference for reference, one in asked.items() if not one.causes}
        self._verdicts = {ref: one for ref, one in asked.items() if not one.causes or one.causes & refused}

    def _complete(self, wanted: dict[Reference, Resource]) -> None:
        """Adds the last accepted bytes of what may not be served, and of all that they name and nothing else gives."""
        missing = list(self._verdicts)
        while missing:
            reference = missing.pop()
            if reference not in wanted and (last := self._accepted.get(reference)) is not None:
                wanted[reference] = last
                missing.extend(last.references)

    def pardon(self, words: str) -> frozenset[str]:
        """Forgets every refusal that was given with these words: its cause may be gone. Returns the types concerned."""
        pardoned = {reference for reference, verdict in self._verdicts.items() if words in verdict.message}
        for reference in pardoned:
            del self._verdicts[reference]
        return frozenset(type_url for type_url, _ in pardoned)

    def refusals(self) -> Iterator[Refusal]:
        """What was refused and is still asked for."""
        for (type_url, name), verdict in self._verdicts.items():
            if not verdict.causes:
                kept = (type_url, name) in self._accepted
                yield Refusal(self.group, type_url, name, verdict.version, verdict.message, kept)

    def _prune(self, snapshot: Snapshot) -> None:
        """Forgets what is long gone; now and then, because it walks over everything."""
        if len(self._accepted) <= 2 * len(snapshot) + 64:
            return
        needed = {one.reference for one in snapshot}
        waiting = list(needed)
        while waiting:
            if (last := self._accepted.get(waiting.pop())) is not None:
                waiting.extend(last.references - needed)
                needed |= last.references
        self._accepted = {reference: one for reference, one in self._accepted.items() if reference in needed}
        self._latest = {}


def _is_asked_for(snapshot: Snapshot, reference: Reference, verdict: Verdict) -> bool:
    one = snapshot.get(reference)
    return one is not None and one.version == verdict.version


def _naming(snapshot: Snapshot, reference: Reference) -> Iterator[Resource]:
    return (one for one in snapshot if reference in one.references)

"""Verdicts: what a node group's proxies accepted and refused, and what the group is served because of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from xds.model import Reference, Refusal, Resource, Snapshot
from xds.protocol.message import Accepted, Fact, Rejected


@dataclass(frozen=True, slots=True)
class Verdict:
    """The version of one resource that is not to be served: refused itself, or held back because of one that was."""

    version: str
    message: str
    refused: bool = True


class Verdicts:
    """What the proxies of one group say of its resources. The verdict is the group's: a proxy that starts later never
    meets what another one refused.

    Guarantees: refused bytes are not served again; the last accepted bytes of that one resource are served in their
    place, together with what those name; its neighbours are served as they are. New bytes are a new chance.
    """

    def __init__(self, group: str) -> None:
        self.group = group
        self._accepted: dict[Reference, Resource] = {}
        self._verdicts: dict[Reference, Verdict] = {}

    def judge(self, fact: Fact, snapshot: Snapshot) -> bool:
        """Takes over an answer to something that was served from `snapshot`. Returns whether what is served changes."""
        if isinstance(fact, Accepted):
            self._accepted.update(((one.type_url, one.name), one) for one in fact.resources)
            self._prune(snapshot)
            return False
        before = len(self._verdicts)
        for one in fact.culprits:
            self._refuse(one, fact, snapshot)
        return len(self._verdicts) != before

    def _refuse(self, one: Resource, fact: Rejected, snapshot: Snapshot) -> None:
        reference = (one.type_url, one.name)
        if self._accepted.get(reference) == one:
            return  # another proxy of the group has it in force: what this one lacks is its own
        self._verdicts[reference] = Verdict(one.version, fact.message)
        if reference not in self._accepted:
            for parent in _naming(snapshot, reference):
                self._hold_back(parent, one)

    def _hold_back(self, parent: Resource, refused: Resource) -> None:
        """The same change must not lead to what does not exist; the parent's next version goes out all the same, for
        the sake of everything else in it.
        """
        reference = (parent.type_url, parent.name)
        if reference in self._accepted and self._accepted[reference] != parent and reference not in self._verdicts:
            message = f"waits because {refused.name!r}, which it names, was refused"
            self._verdicts[reference] = Verdict(parent.version, message, refused=False)

    def effective(self, snapshot: Snapshot) -> Snapshot:
        """What the group is served when `snapshot` is what its configuration asks for."""
        self._verdicts = {ref: verdict for ref, verdict in self._verdicts.items() if _is_asked_for(snapshot, ref, verdict)}
        if not self._verdicts:
            return snapshot
        wanted = {(one.type_url, one.name): one for one in snapshot}
        for reference in self._verdicts:
            wanted.pop(reference)
        for reference in self._verdicts:
            for one in self._with_children(reference):
                wanted.setdefault((one.type_url, one.name), one)
        return Snapshot.of(wanted.values()).sharing(snapshot)

    def _with_children(self, reference: Reference) -> Iterator[Resource]:
        """The last accepted bytes of a resource, and of all that they name."""
        if (last := self._accepted.get(reference)) is not None:
            yield last
            for child in last.references:
                yield from self._with_children(child)

    def pardon(self, words: str) -> frozenset[str]:
        """Forgets every refusal that was given with these words: its cause may be gone. Returns the types concerned."""
        pardoned = {reference for reference, verdict in self._verdicts.items() if words in verdict.message}
        for reference in pardoned:
            del self._verdicts[reference]
        return frozenset(type_url for type_url, _ in pardoned)

    def refusals(self) -> Iterator[Refusal]:
        """What was refused and is still asked for."""
        for (type_url, name), verdict in self._verdicts.items():
            if verdict.refused:
                kept = (type_url, name) in self._accepted
                yield Refusal(self.group, type_url, name, verdict.version, verdict.message, kept)

    def _prune(self, snapshot: Snapshot) -> None:
        """Forgets what is long gone; now and then, because it walks over everything."""
        if len(self._accepted) > 2 * len(snapshot) + 64:
            needed = {(one.type_url, one.name) for one in snapshot}
            needed |= {child for one in snapshot for child in self._children(one)}
            self._accepted = {reference: one for reference, one in self._accepted.items() if reference in needed}

    def _children(self, one: Resource) -> Iterable[Reference]:
        last = self._accepted.get((one.type_url, one.name))
        return last.references if last is not None else ()


def _is_asked_for(snapshot: Snapshot, reference: Reference, verdict: Verdict) -> bool:
    one = snapshot.get(reference)
    return one is not None and one.version == verdict.version


def _naming(snapshot: Snapshot, reference: Reference) -> Iterator[Resource]:
    return (one for one in snapshot if reference in one.references)

"""Snapshots: everything one node group is to have at one moment."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final

from xds.model.resource import NO_RESOURCES, Reference, Resource, Resources
from xds.model.type_url import CDS, ECDS, EDS, LDS, RDS, SDS, SRDS, VHDS, short_type

CHECKED: Final = frozenset({CDS, EDS, SDS, RDS, ECDS})
"""The types whose every reference must be in the snapshot."""
NAMING: Final = (CDS, LDS, ECDS, SRDS, RDS, VHDS)
"""The types that name others."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All resources of one node group at one moment, by type URL; immutable, and sharing every unchanged type with
    the snapshot before.

    `withheld` names what the configuration asks for and nothing can be said of: a client keeps what it has of it.
    `permitted` are the only types that the client may ask for, where it may not ask for all.
    """

    types: Mapping[str, Resources] = field(default_factory=lambda: MappingProxyType({}))
    withheld: frozenset[Reference] = frozenset()
    permitted: frozenset[str] | None = None

    @classmethod
    def of(cls, resources: Iterable[Resource]) -> Snapshot:
        """A snapshot of these resources."""
        by_type: dict[str, dict[str, Resource]] = {}
        for one in resources:
            by_type.setdefault(one.type_url, {})[one.name] = one
        return cls({type_url: Resources(by_name) for type_url, by_name in by_type.items()})

    def limited(self, permitted: frozenset[str]) -> Snapshot:
        """What of this snapshot somebody may be told who may ask for these types only."""
        types = {type_url: resources for type_url, resources in self.types.items() if type_url in permitted}
        return replace(self, types=types, permitted=permitted)

    def of_type(self, type_url: str) -> Resources:
        """The resources of one type; empty when there are none."""
        return self.types.get(type_url, NO_RESOURCES)

    def get(self, reference: Reference) -> Resource | None:
        """The resource with this type URL and name."""
        return self.of_type(reference[0]).get(reference[1])

    def completed(self, spare: Iterable[Resource]) -> Snapshot:
        """This snapshot, with those of `spare` that have a name that nothing has in it."""
        more: dict[str, dict[str, Resource]] = {}
        for one in spare:
            if one.name not in self.of_type(one.type_url):
                more.setdefault(one.type_url, {})[one.name] = one
        types = {type_url: Resources({**self.of_type(type_url), **added}) for type_url, added in more.items()}
        return replace(self, types={**self.types, **types}) if types else self

    def edited(self, upserts: Iterable[Resource], removals: Iterable[Reference] = ()) -> Snapshot:
        """This snapshot with these resources in it, in the place of those with their names, and without others: all that is
        unchanged is shared, and what changed is known at once.
        """
        put: dict[str, list[Resource]] = {}
        gone: dict[str, list[str]] = {}
        for one in upserts:
            put.setdefault(one.type_url, []).append(one)
        for type_url, name in removals:
            gone.setdefault(type_url, []).append(name)
        edits = {url: self.of_type(url).edited(put.get(url, ()), gone.get(url, ())) for url in {**put, **gone}}
        return replace(self, types={**self.types, **edits})

    def sharing(self, old: Snapshot) -> Snapshot:
        """This snapshot, with the Resources of `old` in the place of equal ones, so that `is` tells what changed."""
        types = {url: before if (before := old.types.get(url)) == now else now for url, now in self.types.items()}
        same = len(types) == len(old.types) and all(types[url] is old.types.get(url) for url in types)
        return old if same and self.withheld == old.withheld else Snapshot(types, self.withheld)

    def __iter__(self) -> Iterator[Resource]:
        for resources in self.types.values():
            yield from resources.values()

    def __len__(self) -> int:
        return sum(map(len, self.types.values()))


def dangling(snapshot: Snapshot) -> list[str]:
    """What a snapshot names and does not have, in words; empty for a consistent one.

    Extra resources are no fault. A listener's clusters are checked like a route's.
    """
    return [words for _, words in loose_ends(snapshot)]


def loose_ends(snapshot: Snapshot) -> list[tuple[Resource, str]]:
    """The same, each with the resource that names what is not there."""
    return [
        (one, f"{short_type(one.type_url)} {one.name!r} names {short_type(type_url)} {name!r}, which is not in the snapshot")
        for of_type in NAMING
        for one in snapshot.of_type(of_type).values()
        for type_url, name in sorted(one.references)
        if type_url in CHECKED and name not in snapshot.of_type(type_url)
    ]

"""Resources: named Envoy messages, encoded once."""

from __future__ import annotations

from collections.abc import ItemsView, Iterable, Iterator, KeysView, Mapping, ValuesView
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, Final
from weakref import ReferenceType, WeakValueDictionary, ref

from xds.model.change import Change
from xds.model.error import ConfigError
from xds.model.key import Key
from xds.model.name import canonical

Reference = tuple[str, str]
"""(type URL, name) of a resource that another one names."""


NONE: Final[frozenset[str]] = frozenset()
MASK: Final = 2**64 - 1
MOST: Final = 64
"""How many changes that lead to one list are kept: clients could ask for more and more of them."""

LONGEST_TTL: Final = 315_576_000_000
"""Seconds: the longest google.protobuf.Duration."""


def version_of(body: bytes) -> str:
    """The version of a resource: a short hash of its bytes, equal on every replica and after every restart."""
    return blake2b(body, digest_size=8).hexdigest()


@dataclass(frozen=True, slots=True)
class Resource:
    """One Envoy message of one type, by name, as bytes.

    `aliases` are other names under which a client may ask for it, and is given it (a virtual host's domains, in VHDS);
    `references` are the resources it names (a cluster its endpoints, a listener its routes and secrets, a route its
    clusters); `authors` are the objects that it was made from. None takes part in comparison: the version does.

    A client lets go of a resource with a `ttl` (seconds) by itself when it has not heard of it for so long: when it lost
    this control plane. Until then it is kept alive by heartbeats. To change or to drop the TTL is to change the resource.
    Raises ConfigError for one that is not positive.

    Any type URL will do, and any bytes: what nobody here can read is served all the same. A `name` that is an xdstp URI
    is kept in its canonical spelling.
    """

    type_url: str
    name: str
    version: str
    body: bytes = field(compare=False, repr=False)
    references: frozenset[Reference] = field(default=frozenset(), compare=False, repr=False)
    authors: tuple[Key, ...] = field(default=(), compare=False, repr=False)
    aliases: tuple[str, ...] = field(default=(), compare=False, repr=False)
    ttl: float | None = None

    def __post_init__(self) -> None:
        if (name := canonical(self.name)) is not self.name:
            object.__setattr__(self, "name", name)
        if self.ttl is not None and not 0 < self.ttl < LONGEST_TTL:
            raise ConfigError(f"the TTL of {self.name!r} is {self.ttl} s: it must be positive, and be told in seconds")

    @property
    def digest(self) -> int:
        """What it adds to the version of a list: its name and version as a number."""
        return int.from_bytes(blake2b(f"{self.name}\0{self.version}".encode(), digest_size=8).digest(), "big")

    def is_same(self, other: Resource) -> bool:
        """Whether a client that has the other one, of the same type and name, has this one."""
        return self.version == other.version and self.ttl == other.ttl

    @property
    def reference(self) -> Reference:
        """How others name it."""
        return self.type_url, self.name

    @property
    def size(self) -> int:
        """About how many bytes it takes in a response."""
        return len(self.body) + len(self.name) + len(self.version) + len(self.type_url) + 32

    def names(self, type_url: str) -> Iterator[str]:
        """The names of the resources of one type that this one refers to."""
        return (name for of_type, name in self.references if of_type == type_url)


class Resources(Mapping[str, Resource]):
    """All resources of one type in a snapshot, by name; immutable.

    What is worked out of a list is worked out when it is first asked for, and kept: a list is shared by all streams that are
    served it. `version` is the hash of what is listed, whatever its order. `missing` are the names that were asked for, and
    are not in the list that this is a part of. In `made` others keep what they make of the list, and of nothing else.
    """

    __slots__ = (
        "__weakref__",
        "_by_alias",
        "_by_name",
        "_changes",
        "_digest",
        "_listed",
        "_parts",
        "_size",
        "_version",
        "_versions",
        "made",
        "missing",
    )

    def __init__(self, by_name: Mapping[str, Resource], missing: frozenset[str] = NONE) -> None:
        self._by_name = by_name
        self.missing = missing
        self.made: dict[Any, Any] = {}
        self._by_alias: Mapping[str, Resource] | None = None
        self._listed: tuple[Resource, ...] | None = None
        self._versions: Mapping[str, str] | None = None
        self._parts: WeakValueDictionary[frozenset[str], Resources] | None = None
        self._changes: dict[tuple[int, frozenset[str]], tuple[ReferenceType[Resources], Change]] = {}
        self._digest: int | None = None
        self._size = -1
        self._version = ""

    @classmethod
    def of(cls, resources: Iterable[Resource]) -> Resources:
        """These resources by name; of two with one name the later counts."""
        return cls({one.name: one for one in resources})

    def edited(self, upserts: Iterable[Resource], removals: Iterable[str] = ()) -> Resources:
        """This list with these resources in it, in the place of those with their names, and without others. What stands
        between the two is known at once.
        """
        had, put = self._by_name, {one.name: one for one in upserts}
        gone = had.keys() & set(removals) - put.keys()
        by_name = {**had, **put}
        for name in gone:
            del by_name[name]
        new = Resources(by_name)
        news = {name: one for name, one in put.items() if not ((there := had.get(name)) and one.is_same(there))}
        change = Change(news, tuple(sorted(gone)))
        new._changes[id(self), NONE] = ref(self), change
        new._follow(self, change)
        return new

    @property
    def version(self) -> str:
        """The content hash of the whole list."""
        if not self._version:
            self._version = f"{self.digest:016x}"
        return self._version

    @property
    def digest(self) -> int:
        """The version as a number: the sum of those of the resources, so that an edit changes it by what it edits."""
        if self._digest is None:
            self._digest = sum(one.digest for one in self._by_name.values()) & MASK
        return self._digest

    @property
    def size(self) -> int:
        """About how many bytes they take in a response; worked out when first asked for."""
        if self._size < 0:
            self._size = sum(one.size for one in self._by_name.values())
        return self._size

    @property
    def by_alias(self) -> Mapping[str, Resource]:
        """The resources that have aliases, by each of them; worked out when first asked for."""
        if self._by_alias is None:
            self._by_alias = {alias: one for one in self._by_name.values() for alias in one.aliases}
        return self._by_alias

    def keys(self) -> KeysView[str]:
        """The names: as fast as those of the mapping behind."""
        return self._by_name.keys()

    def values(self) -> ValuesView[Resource]:
        """The resources."""
        return self._by_name.values()

    def items(self) -> ItemsView[str, Resource]:
        """The resources with their names."""
        return self._by_name.items()

    @property
    def listed(self) -> tuple[Resource, ...]:
        """The resources."""
        if self._listed is None:
            self._listed = tuple(self._by_name.values())
        return self._listed

    @property
    def versions(self) -> Mapping[str, str]:
        """The version of each resource, by name."""
        if self._versions is None:
            self._versions = {name: one.version for name, one in self._by_name.items()}
        return self._versions

    def part(self, names: frozenset[str]) -> Resources:
        """Those of these names that there are: the same object for the same names, for as long as somebody has it."""
        if self._parts is None:
            self._parts = WeakValueDictionary()
        part = self._parts.get(names)
        if part is None:
            by_name = self._by_name
            found = {name: by_name[name] for name in names if name in by_name}
            missing = names - found.keys() if len(found) < len(names) else NONE
            part = self._parts[names] = Resources(found, missing)
        return part

    def since(self, before: Resources, again: frozenset[str] = NONE) -> Change:
        """What stands between another list and this one, with those of the names `again` that are in it, whatever their
        version; the same object for the same list and names, as long as both lists are there.
        """
        key = id(before), again
        known = self._changes.get(key)
        if known is None or known[0]() is not before:
            alive = {at: one for at, one in self._changes.items() if one[0]() is not None}
            self._changes = alive if len(alive) < MOST else {}
            change = self._compare(before)
            self._follow(before, change)
            if again:
                repeated = {name: self._by_name[name] for name in sorted(again) if name in self._by_name}
                change = Change({**change.upserts, **repeated}, change.removals)
            known = self._changes[key] = ref(before), change
        return known[1]

    def _follow(self, before: Resources, change: Change) -> None:
        """Works the digest out from that of a list before, where that is known."""
        if self._digest is None and before._digest is not None:
            left = (*(before[name] for name in change.upserts if name in before), *map(before.__getitem__, change.removals))
            came = sum(one.digest for one in change.listed) - sum(one.digest for one in left)
            self._digest = (before._digest + came) & MASK

    def _compare(self, before: Resources) -> Change:
        had = before._by_name
        upserts = {
            name: one
            for name, one in self._by_name.items()
            if (there := had.get(name)) is not one and not (there and one.is_same(there))
        }
        return Change(upserts, tuple(sorted(had.keys() - self._by_name.keys())))

    def __getitem__(self, name: str) -> Resource:
        return self._by_name[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_name)

    def __len__(self) -> int:
        return len(self._by_name)

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, Resources) and self._by_name == other._by_name)

    __hash__ = None  # type: ignore[assignment]  # equality walks the whole list: nothing should hash it

    def __repr__(self) -> str:
        return f"Resources({', '.join(sorted(self))})"


NO_RESOURCES: Final = Resources({})

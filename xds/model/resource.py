"""Resources: named Envoy messages, encoded once."""

from __future__ import annotations

from collections.abc import ItemsView, Iterable, Iterator, KeysView, Mapping, ValuesView
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Final

from xds.model.error import ConfigError
from xds.model.key import Key
from xds.model.name import canonical

Reference = tuple[str, str]
"""(type URL, name) of a resource that another one names."""


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

    `version` is the hash of what is listed, whatever its order; it is worked out when first asked for.
    """

    __slots__ = ("_by_alias", "_by_name", "_size", "_version")

    def __init__(self, by_name: Mapping[str, Resource]) -> None:
        self._by_name = by_name
        self._by_alias: Mapping[str, Resource] | None = None
        self._size = -1
        self._version = ""

    @classmethod
    def of(cls, resources: Iterable[Resource]) -> Resources:
        """These resources by name; of two with one name the later counts."""
        return cls({one.name: one for one in resources})

    @property
    def version(self) -> str:
        """The content hash of the whole list."""
        if not self._version:
            listed = sorted(f"{name}\0{one.version}\n" for name, one in self._by_name.items())
            self._version = version_of("".join(listed).encode())
        return self._version

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

    def named(self, names: Iterable[str]) -> dict[str, Resource]:
        """Those of these names that there are."""
        by_name = self._by_name
        return {name: by_name[name] for name in names if name in by_name}

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

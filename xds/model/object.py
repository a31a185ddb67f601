"""Objects: named pieces of user configuration, and the immutable view of all of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from types import MappingProxyType
from typing import Any, Final
from weakref import ref

from xds.model.error import ConfigError
from xds.model.key import CLUSTER_SCOPED, Key, Kind

DEFAULT_NAMESPACE: Final = "default"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an object was written: a file (or another address) and the line its document starts at, counted from 1.
    Line 0 stands for the file as a whole.

    `text` is the document as it stood there; it serves to find the line of a field and is never compared or printed.
    """

    file: str
    line: int = 1
    text: str = field(default="", compare=False, repr=False)

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


@dataclass(frozen=True, slots=True)
class Object:
    """One object: the Kubernetes resource shape, with no Kubernetes in it.

    Objects are values: two are equal when key, generation and content are. `body` is the whole document (apiVersion,
    kind, metadata, spec, …) as plain JSON data and must never be changed.
    """

    key: Key
    body: Mapping[str, Any] = field(compare=False, repr=False)
    digest: bytes = field(repr=False)
    generation: int = 1
    origin: Origin | None = field(default=None, compare=False)

    @classmethod
    def of(cls, body: Mapping[str, Any], *, generation: int = 1, origin: Origin | None = None) -> Object:
        """Reads the identity out of a document; namespace `default` where a namespaced kind has none.

        Raises ConfigError, with the field, when apiVersion, kind or metadata.name is missing or is no string.
        """
        return cls(key_of(body, origin), body, digest(body), generation, origin)

    @property
    def labels(self) -> Mapping[str, str]:
        """`metadata.labels`, empty when there are none."""
        labels: Mapping[str, str] = self.body["metadata"].get("labels") or {}
        return labels

    @property
    def created(self) -> str:
        """`metadata.creationTimestamp` as written, empty when there is none: RFC 3339 sorts as text."""
        return str(self.body["metadata"].get("creationTimestamp") or "")


def key_of(body: Mapping[str, Any], origin: Origin | None = None) -> Key:
    """The key of a document. Raises ConfigError as `Object.of` does."""
    kind = Kind.parse(_text(body, "apiVersion", origin), _text(body, "kind", origin))
    metadata = body.get("metadata")
    if not isinstance(metadata, Mapping):
        raise ConfigError("is missing", field="metadata", origin=origin)
    name = _text(metadata, "name", origin, prefix="metadata.")
    if kind in CLUSTER_SCOPED:
        return Key(kind, "", name)
    namespace = metadata.get("namespace") or DEFAULT_NAMESPACE
    if not isinstance(namespace, str):
        raise ConfigError("must be a string", field="metadata.namespace", origin=origin)
    return Key(kind, namespace, name)


def _text(body: Mapping[str, Any], name: str, origin: Origin | None, prefix: str = "") -> str:
    value = body.get(name)
    if value is None or value == "":
        raise ConfigError("is missing", field=prefix + name, origin=origin)
    if not isinstance(value, str):
        raise ConfigError(f"must be a string, not {value!r}", field=prefix + name, origin=origin)
    return value


def digest(body: Mapping[str, Any]) -> bytes:
    """A fingerprint of the content, equal for equal JSON whatever the order of its keys."""
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _origin(one: Object | None) -> Origin | None:
    return one.origin if one else None


_NONE: Final[Mapping[Key, Object]] = MappingProxyType({})


class Objects:
    """All objects at one moment: an immutable view that shares every unchanged kind with the view before.

    Guarantees: a view never changes; `of_kind` returns the *same* mapping as long as no object of that kind changed,
    so `is` tells whether anything did.
    """

    __slots__ = ("__weakref__", "_changed", "_kinds", "_parent")

    def __init__(self, kinds: Mapping[Kind, Mapping[Key, Object]] = MappingProxyType({})) -> None:
        self._kinds = kinds
        self._parent: ref[Objects] | None = None
        self._changed: frozenset[Key] = frozenset()

    @classmethod
    def of(cls, objects: Iterable[Object]) -> Objects:
        """A view of these objects; of two with one key the later counts."""
        return cls().updated((one.key, one) for one in objects)

    def of_kind(self, kind: Kind) -> Mapping[Key, Object]:
        """Every object of one kind, by key; read-only."""
        return self._kinds.get(kind, _NONE)

    def get(self, key: Key) -> Object | None:
        """The object with this key, if there is one."""
        return self.of_kind(key.kind).get(key)

    def kinds(self) -> Iterable[Kind]:
        """The kinds of which at least one object exists."""
        return self._kinds.keys()

    def __iter__(self) -> Iterator[Object]:
        for objects in self._kinds.values():
            yield from objects.values()

    def __len__(self) -> int:
        return sum(map(len, self._kinds.values()))

    def updated(self, changes: Iterable[tuple[Key, Object | None]]) -> Objects:
        """A new view with these changes applied in order; None removes. The view itself when nothing changes.

        An object that is only written elsewhere now takes its place, and does not count as changed.
        """
        fresh: dict[Kind, dict[Key, Object]] = {}
        changed: set[Key] = set()
        for key, one in changes:
            current = self._current(fresh, key)
            if current == one and _origin(current) == _origin(one):
                continue
            if current != one:
                changed.add(key)
            of_kind = fresh.get(key.kind) or fresh.setdefault(key.kind, dict(self.of_kind(key.kind)))
            if one is None:
                of_kind.pop(key)
            else:
                of_kind[key] = one
        if not fresh:
            return self
        merged: dict[Kind, Mapping[Key, Object]] = {**self._kinds, **fresh}
        made = Objects({kind: objects for kind, objects in merged.items() if objects})
        made._parent, made._changed = ref(self), frozenset(changed)
        return made

    def _current(self, fresh: Mapping[Kind, Mapping[Key, Object]], key: Key) -> Object | None:
        return fresh[key.kind].get(key) if key.kind in fresh else self.get(key)

    def changed_since(self, old: Objects) -> set[Key]:
        """The keys whose object is not the same in `old`: added, changed or removed.

        Costs nothing where this view was made from `old` itself; it may then name a key that changed and changed back.
        """
        if self._parent is not None and self._parent() is old:
            return set(self._changed)
        changed: set[Key] = set()
        for kind in {*self._kinds, *old._kinds}:
            now, before = self.of_kind(kind), old.of_kind(kind)
            if now is not before:
                changed.update(key for key, one in now.items() if before.get(key) is not one)
                changed.update(before.keys() - now.keys())
        return changed

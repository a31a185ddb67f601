"""The translation: every node group's resources, out of all the objects that name it."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

from sources.envoy.sheet import Sheet, types
from sources.graph import Index, Reader
from xds.codec import decode
from xds.model import (
    Condition,
    Diagnostic,
    Key,
    Listen,
    NodeGroup,
    Reference,
    Resource,
    Resources,
    Snapshot,
    Status,
    Translation,
)
from xds.model.type_url import LDS, short_type

SERVER: Final = "grpc/server"
"""What the names of listeners begin with that gRPC servers ask for (gRFC A36): those open their sockets themselves."""


def _every(_: Hashable, _one: Sheet) -> Iterable[Hashable]:
    return ("every",)


def _by_group(_: Hashable, one: Sheet) -> Iterable[Hashable]:
    return one.groups


INDEXES: Final[Mapping[str, Index]] = MappingProxyType({"every": _every, "group": _by_group})
"""What groups of objects there are: all of them, and those that name a node group."""


def translation(read: Reader, _: None) -> Translation:
    """Everything: a node group and a snapshot for each name, and what the authors are told."""
    every = read.group("every", "every")
    named = frozenset[str]().union(*read.each(_groups, every).values())
    statuses = read.each(_status, every)
    clashes = read.each(_clashes, every)
    return Translation(
        snapshots=read.each(_snapshot, named),
        groups=read.each(_node_group, named),
        statuses={key: one for key, one in statuses.items() if one is not None},
        diagnostics=tuple(one for key in sorted(clashes, key=str) for one in clashes[key]),
        places=read.each(_places, every),
    )


def _places(read: Reader, key: Key) -> Mapping[Reference, str]:
    sheet: Sheet | None = read.input(key)
    return sheet.places if sheet else {}


def _groups(read: Reader, key: Key) -> frozenset[str]:
    sheet: Sheet | None = read.input(key)
    return sheet.groups if sheet else frozenset()


def _owners(read: Reader, group: str) -> Mapping[Reference, Key]:
    """Which object gives a group each of its resources: of several the oldest."""
    sheets = read.each(_sheet, read.group("group", group))
    found = sorted((one for one in sheets.values() if one is not None), key=lambda one: one.age, reverse=True)
    return {reference: one.key for one in found for reference in one.resources}


def _sheet(read: Reader, key: Key) -> Sheet | None:
    one: Sheet | None = read.input(key)
    return one


def _resource(read: Reader, at: tuple[Key, Reference]) -> Resource | None:
    key, reference = at
    sheet: Sheet | None = read.input(key)
    return sheet.resources.get(reference) if sheet else None


def _snapshot(read: Reader, group: str) -> Snapshot:
    type_urls = dict.fromkeys(type_url for type_url, _ in read.get(_owners, group))
    return Snapshot({type_url: read.get(_resources, (group, type_url)) for type_url in type_urls})


def _resources(read: Reader, at: tuple[str, str]) -> Resources:
    group, type_url = at
    owned = ((key, reference) for reference, key in read.get(_owners, group).items() if reference[0] == type_url)
    return Resources.of(one for one in read.each(_resource, frozenset(owned)).values() if one is not None)


def _node_group(read: Reader, group: str) -> NodeGroup:
    """A group whose listeners open no socket is one of gRPC clients, or of Envoys that somebody else runs."""
    listeners = ((key, reference) for reference, key in read.get(_owners, group).items() if reference[0] == LDS)
    found = read.each(_listen, frozenset(listeners)).values()
    listens = tuple(sorted((one for one in found if one is not None), key=lambda one: (one.name, one.port)))
    return NodeGroup(group, listens, hosted=bool(listens))


def _listen(read: Reader, at: tuple[Key, Reference]) -> Listen | None:
    """The socket that an Envoy opens for a listener, if it opens one."""
    one = read.get(_resource, at)
    if one is None or one.name.startswith(SERVER):
        return None
    message: Any = decode(one.type_url, one.body)
    socket = message.address.socket_address
    return Listen(socket.address, socket.port_value, one.name) if socket.port_value else None


def _clashes(read: Reader, key: Key) -> tuple[Diagnostic, ...]:
    """The resources of an object that an older one gives to the same group."""
    sheet: Sheet | None = read.input(key)
    return tuple(_clash(sheet, *one) for one in _lost(read, sheet)) if sheet else ()


def _lost(read: Reader, sheet: Sheet) -> Iterator[tuple[str, Reference, Key]]:
    for group in sorted(sheet.groups):
        owners = read.get(_owners, group)
        for reference in sheet.resources:
            if (owner := owners.get(reference, sheet.key)) != sheet.key:
                yield group, reference, owner


def _clash(sheet: Sheet, group: str, reference: Reference, owner: Key) -> Diagnostic:
    short, name = short_type(reference[0]), reference[1]
    words = f"is not in force: {owner} has a {short} {name!r} for the node group {group!r}, too, and is older"
    return Diagnostic(words, sheet.key, sheet.places[reference], hint="rename or remove one of the two")


def _status(read: Reader, key: Key) -> Status | None:
    sheet: Sheet | None = read.input(key)
    if sheet is None:
        return None
    clashes = read.get(_clashes, key)
    reason, words, place = ("Conflicted", clashes[0].message, clashes[0].field) if clashes else ("Accepted", "", "")
    condition = Condition("Accepted", not clashes, reason, words, sheet.object.generation, place)
    return Status((condition,), summary=words or f"{', '.join(types(sheet))} to {', '.join(sorted(sheet.groups))}")

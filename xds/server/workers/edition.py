"""Editions: a snapshot as what is new in it against the one before, for a process that has that one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from xds.model import NO_RESOURCES, Resource, Resources, Snapshot
from xds.server.workers.letter import Change, Edition, Entry

NOTHING: Final = Snapshot()


def entry(one: Resource) -> Entry:
    """A resource as it is sent."""
    return Entry(one.name, one.version, one.body, tuple(one.references), one.aliases, one.ttl)


def resource(type_url: str, one: Entry) -> Resource:
    """The same, as it was."""
    return Resource(type_url, one.name, one.version, one.body, frozenset(one.references), aliases=one.aliases, ttl=one.ttl)


def between(old: Snapshot | None, new: Snapshot) -> Edition:
    """What makes `new` of `old`."""
    before = old or NOTHING
    changes = {
        type_url: _change(before.of_type(type_url), new.of_type(type_url))
        for type_url in before.types.keys() | new.types.keys()
        if before.of_type(type_url) is not new.of_type(type_url)
    }
    return Edition(changes, tuple(new.withheld))


def _change(old: Resources, new: Resources) -> Change:
    change = new.since(old)
    return Change(tuple(map(entry, change.listed)), change.removals)


def applied(old: Snapshot | None, edition: Edition) -> Snapshot:
    """What an edition makes of `old`: all that did not change is the same object."""
    before = old or NOTHING
    types: dict[str, Resources] = {**before.types}
    for type_url, change in edition.changes.items():
        types[type_url] = Resources(_changed(type_url, types.get(type_url, NO_RESOURCES), change))
    return replace(before, types=types, withheld=frozenset(edition.withheld))


def _changed(type_url: str, old: Resources, change: Change) -> Mapping[str, Resource]:
    by_name = dict(old.items())
    for name in change.removals:
        by_name.pop(name, None)
    by_name.update((one.name, resource(type_url, one)) for one in change.upserts)
    return by_name

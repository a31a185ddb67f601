"""Tables: the RouteConfigurations of a Gateway, the domains in them, and the routes of each.

A domain belongs to the most specific listener of its port. Routes of other listeners do not serve it, even where that
listener has no route for it: so every listener's hostname has a slot in every table of its port.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain

from sources.gatewayapi.address import HTTP
from sources.gatewayapi.admission import Admission, admissions, hostnames
from sources.gatewayapi.attachment import Attachment, Slot, TableKey, attachment
from sources.gatewayapi.certificate import certificates
from sources.gatewayapi.filter import Entrance
from sources.gatewayapi.hostname import covering
from sources.graph import Reader
from xds.model import Key


@dataclass(frozen=True, slots=True)
class Table:
    """The entrance that a table is for, and the hostnames of the listeners that use it."""

    entrance: Entrance
    hostnames: frozenset[str]


def served(read: Reader, key: Key) -> tuple[Admission, ...]:
    """The listeners of a Gateway that Envoy gets: accepted, and with a certificate where one is needed."""
    return tuple(
        one
        for one in read.get(admissions, key)
        if one.accepted and (one.listener.protocol == HTTP or read.get(certificates, (key, one.listener.name)).names)
    )


def tables(read: Reader, key: Key) -> Mapping[str, Table]:
    """The tables of a Gateway, by name."""
    live = read.get(served, key)
    shared = {one.table: frozenset(other.hostname for other in live if other.table == one.table) for one in live}
    return {one.table: Table(one.entrance, shared[one.table]) for one in live}


def attached(read: Reader, key: Key) -> Mapping[str, int]:
    """How many routes are attached to each listener of a Gateway."""
    return Counter(chain.from_iterable(one.listeners.get(key, ()) for one in _attachments(read, key)))


def slots(read: Reader, at: TableKey) -> frozenset[Slot]:
    """The slots of a table: those of the listeners of its port, and those of routes."""
    key, name = at
    table = read.get(tables, key).get(name)
    if table is None:
        return frozenset()
    of_listeners = (Slot(key, name, domain) for domain in read.get(hostnames, key)[table.entrance.port])
    return frozenset(of_listeners).union(*(one.slots.get(at, ()) for one in _attachments(read, key)))


def members(read: Reader, slot: Slot) -> tuple[Key, ...]:
    """The routes of a slot, older ones first.

    They are looked for among those that name its domain; or, where that is a listener's own hostname, among those that
    name any hostname which covers it.
    """
    table = read.get(tables, slot.gateway).get(slot.table)
    own = table is not None and slot.domain in table.hostnames
    wanted = covering(slot.domain) if own else (slot.domain,)
    named = chain.from_iterable(read.group("hostnames", (slot.gateway, hostname)) for hostname in wanted)
    found = ((read.get(attachment, route), route) for route in dict.fromkeys(named))
    return tuple(route for _, route in sorted((one.age, route) for one, route in found if one and one.has(slot)))


def _attachments(read: Reader, key: Key) -> Iterator[Attachment]:
    found = read.each(attachment, read.group("routes", key)).values()
    return (one for one in found if one is not None)

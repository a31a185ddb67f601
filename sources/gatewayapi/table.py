"""Tables: the RouteConfigurations of a Gateway, the domains in them, and the routes of each.

A domain belongs to the most specific listener of its port. Routes of other listeners do not serve it, even where that
listener has no route for it: so every listener's hostname has a slot in every table of its port.
"""

from __future__ import annotations

from collections.abc import Mapping
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


@dataclass(frozen=True, slots=True)
class ListenersOf:
    """The listeners of a Gateway to which a route is attached."""

    gateway: Key

    def __call__(self, one: Attachment | None) -> frozenset[str]:
        """By the route's attachment."""
        return one.listeners.get(self.gateway, frozenset()) if one else frozenset()


@dataclass(frozen=True, slots=True)
class SlotsOf:
    """The slots of a table that a route has a share in."""

    table: TableKey

    def __call__(self, one: Attachment | None) -> frozenset[Slot]:
        """By the route's attachment."""
        return one.slots.get(self.table, frozenset()) if one else frozenset()


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
    return read.tally(attachment, read.group("routes", key), ListenersOf(key))


def slots(read: Reader, at: TableKey) -> frozenset[Slot]:
    """The slots of a table: those of the listeners of its port, and those of routes."""
    key, name = at
    table = read.get(tables, key).get(name)
    if table is None:
        return frozenset()
    of_listeners = (Slot(key, name, domain) for domain in read.get(hostnames, key)[table.entrance.port])
    return frozenset(of_listeners).union(read.tally(attachment, read.group("routes", key), SlotsOf(at)))


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

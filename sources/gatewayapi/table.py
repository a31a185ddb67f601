"""Tables: the RouteConfigurations of a Gateway, their virtual hosts, and the routes of each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sources.gatewayapi.address import HTTP
from sources.gatewayapi.admission import Admission, admissions, hostnames
from sources.gatewayapi.attachment import Place, attachment
from sources.gatewayapi.certificate import certificates
from sources.gatewayapi.filter import Entrance
from sources.gatewayapi.precedence import Age
from sources.graph import Reader
from xds.model import Key

_Slot = tuple[str, str]
"""The name of a table, and a domain in it."""


class Host(NamedTuple):
    """A virtual host: a domain at an entrance, and the routes that share it, older ones first.

    `foreign` tells that the domain is another listener's, so that its requests came over the wrong connection.
    """

    entrance: Entrance
    domain: str
    routes: tuple[Key, ...]
    foreign: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """The virtual hosts of a RouteConfiguration, and all their routes, in order of the domains."""

    hosts: frozenset[Host]
    routes: tuple[Key, ...]


@dataclass(frozen=True, slots=True)
class Tables:
    """The tables of a Gateway, by the names of their RouteConfigurations; and how many routes each listener has."""

    by_name: Mapping[str, Table]
    attached: Mapping[str, int]


def served(read: Reader, key: Key) -> tuple[Admission, ...]:
    """The listeners of a Gateway that Envoy gets: accepted, and with a certificate where one is needed."""
    return tuple(
        one
        for one in read.get(admissions, key)
        if one.accepted and (one.listener.protocol == HTTP or read.get(certificates, (key, one.listener.name)).names)
    )


def table_of(one: Admission) -> str:
    """The name of the RouteConfiguration that a listener uses: HTTP listeners of one port share one."""
    port = one.listener.port
    return f"http-{port}" if one.listener.protocol == HTTP else f"https-{port}/{one.listener.name}"


def tables(read: Reader, key: Key) -> Tables:
    """The tables of a Gateway.

    A domain belongs to the most specific listener of its port. Routes of other listeners do not serve it, even where
    that listener has no route for it: so every listener's hostname is a virtual host in every table of its port.
    """
    live = read.get(served, key)
    table = {one.listener.name: table_of(one) for one in live}
    slots: dict[_Slot, list[tuple[Age, Key]]] = {slot: [] for one in live for slot in _slots(read, key, one)}
    attached: defaultdict[str, set[Key]] = defaultdict(set)
    for place, age, route in _seats(read, key):
        attached[place.listener].add(route)
        if place.own and place.listener in table:
            slots.setdefault((table[place.listener], place.domain), []).append((age, route))
    counts = {name: len(found) for name, found in attached.items()}
    return Tables({name: _table(name, live, slots) for name in table.values()}, counts)


def _seats(read: Reader, key: Key) -> Iterator[tuple[Place, Age, Key]]:
    """Every place of every route of a Gateway, in no order."""
    for route, one in read.each(attachment, read.group("routes", key)).items():
        if one is None:
            continue
        for place in one.places:
            if place.gateway == key:
                yield place, one.age, route


def _slots(read: Reader, key: Key, one: Admission) -> Iterator[_Slot]:
    """The slots that a listener's table has for the listeners of its port."""
    return ((table_of(one), hostname) for hostname in read.get(hostnames, key)[one.listener.port])


def _table(name: str, live: Iterable[Admission], slots: Mapping[_Slot, Sequence[tuple[Age, Key]]]) -> Table:
    own = {one.hostname: one.entrance for one in live if table_of(one) == name}
    entrance = next(iter(own.values()))
    hosts = [
        Host(entrance, slot[1], _by_age(slots[slot]), not slots[slot] and slot[1] not in own)
        for slot in sorted(slots)
        if slot[0] == name
    ]
    return Table(frozenset(hosts), tuple(dict.fromkeys(route for host in hosts for route in host.routes)))


def _by_age(routes: Sequence[tuple[Age, Key]]) -> tuple[Key, ...]:
    if len(routes) == 1:
        return (routes[0][1],)
    return tuple(dict.fromkeys(route for _, route in sorted(routes)))

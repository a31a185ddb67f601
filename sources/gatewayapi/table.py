"""Tables: the RouteConfigurations of a Gateway, their virtual hosts, and the routes of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from operator import itemgetter
from typing import NamedTuple

from sources.gatewayapi.address import HTTP
from sources.gatewayapi.admission import Admission, admissions
from sources.gatewayapi.attachment import Attachment, Place, attachment
from sources.gatewayapi.certificate import certificates
from sources.gatewayapi.filter import Entrance
from sources.gatewayapi.hostname import covers, narrowest
from sources.graph import Reader
from xds.model import Key


class Host(NamedTuple):
    """A virtual host: a domain at an entrance, and the routes that share it, older ones first."""

    entrance: Entrance
    domain: str
    routes: tuple[Key, ...]


@dataclass(frozen=True, slots=True)
class Tables:
    """The virtual hosts of each RouteConfiguration of a Gateway, by its name; and how many routes each listener has.

    Virtual hosts are in order of their domains.
    """

    hosts: Mapping[str, tuple[Host, ...]]
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
    that listener has no route for it: so every listener's hostname is a virtual host, if only an empty one.
    """
    hostnames = _hostnames(read.get(admissions, key))
    live = {one.listener.name: one for one in read.get(served, key)}
    routes: dict[_Slot, list[Key]] = {slot: [] for one in live.values() for slot in _own_slots(one, hostnames)}
    places = read.get(_places, key)
    for place, route in places:
        one = live.get(place.listener)
        if one is not None and narrowest(hostnames[one.listener.port], place.domain) == one.hostname:
            routes.setdefault(_slot(one, place.domain), []).append(route)
    attached = Counter(listener for listener, _ in {(place.listener, route) for place, route in places})
    return Tables(_hosts(routes), attached)


class _Slot(NamedTuple):
    table: str
    entrance: Entrance
    domain: str


def _slot(one: Admission, domain: str) -> _Slot:
    return _Slot(table_of(one), one.entrance, domain)


def _own_slots(one: Admission, hostnames: Mapping[int, list[str]]) -> Iterator[_Slot]:
    return (_slot(one, hostname) for hostname in hostnames[one.listener.port] if covers(one.hostname, hostname))


def _hostnames(found: Iterable[Admission]) -> Mapping[int, list[str]]:
    """The hostnames of the accepted listeners of each port."""
    hostnames: dict[int, list[str]] = {}
    for one in found:
        if one.accepted:
            hostnames.setdefault(one.listener.port, []).append(one.hostname)
    return hostnames


def _places(read: Reader, key: Key) -> tuple[tuple[Place, Key], ...]:
    """Every place of every route of a Gateway, older routes first."""
    found = [(one.age, one.parents, route) for route, one in _attachments(read, key)]
    return tuple(
        (place, route)
        for _, parents, route in sorted(found, key=itemgetter(0))
        for parent in parents
        if parent.gateway == key
        for place in parent.places
    )


def _attachments(read: Reader, key: Key) -> Iterator[tuple[Key, Attachment]]:
    for route, one in read.each(attachment, read.group("routes", key)).items():
        if one is not None:
            yield route, one


def _hosts(routes: Mapping[_Slot, list[Key]]) -> Mapping[str, tuple[Host, ...]]:
    hosts: dict[str, list[Host]] = {}
    for slot in sorted(routes):
        shared = tuple(dict.fromkeys(routes[slot]))
        hosts.setdefault(slot.table, []).append(Host(slot.entrance, slot.domain, shared))
    return {table: tuple(found) for table, found in hosts.items()}

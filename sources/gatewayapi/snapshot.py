"""Snapshots: everything that the proxies of one Gateway get, found by following the references.

Listeners name their secrets, routes their clusters, clusters their endpoints: what is named is in the snapshot, and
nothing else is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Final

from sources.gatewayapi.authority import trusted
from sources.gatewayapi.certificate import secret
from sources.gatewayapi.cluster import cluster, endpoints
from sources.gatewayapi.listener import listener, ports
from sources.gatewayapi.table import tables
from sources.gatewayapi.virtual_host import route_configuration
from sources.graph import Reader
from xds.model import Key, Reference, Resource, Resources, Snapshot
from xds.model.type_url import CDS, EDS, LDS, RDS, SDS


def snapshot(read: Reader, key: Key) -> Snapshot:
    """The snapshot of a Gateway. A type that did not change is the identical Resources."""
    found = {type_url: read.get(_resources, (key, type_url)) for type_url in _MADE}
    return Snapshot({type_url: resources for type_url, resources in found.items() if resources})


def _resources(read: Reader, at: tuple[Key, str]) -> Resources:
    key, type_url = at
    return Resources.of(one for one in _MADE[type_url](read, key) if one is not None)


def _named(read: Reader, at: tuple[Key, str, str]) -> frozenset[str]:
    """The names of the resources of one type that those of another type of a Gateway refer to."""
    key, by, type_url = at
    return frozenset(name for of_type, name in read.get(_references, (key, by)) if of_type == type_url)


def _references(read: Reader, at: tuple[Key, str]) -> frozenset[Reference]:
    return frozenset[Reference]().union(*(one.references for one in read.get(_resources, at).values()))


def _clusters(read: Reader, key: Key) -> Iterable[Resource | None]:
    return read.each(cluster, read.get(_named, (key, RDS, CDS))).values()


def _endpoints(read: Reader, key: Key) -> Iterable[Resource | None]:
    return read.each(endpoints, read.get(_named, (key, CDS, EDS))).values()


def _secrets(read: Reader, key: Key) -> Iterable[Resource | None]:
    return read.each(_secret, read.get(_named, (key, LDS, SDS))).values()


def _secret(read: Reader, name: str) -> Resource | None:
    """A certificate, `namespace/name`; or authorities, whose name begins with how they are used."""
    return read.get(trusted if ":" in name else secret, name)


def _listeners(read: Reader, key: Key) -> Iterable[Resource | None]:
    return (read.get(listener, (key, port)) for port in read.get(ports, key))


def _route_configurations(read: Reader, key: Key) -> Iterable[Resource | None]:
    return (read.get(route_configuration, (key, name)) for name in read.get(tables, key))


_MADE: Final[Mapping[str, Callable[[Reader, Key], Iterable[Resource | None]]]] = MappingProxyType(
    {
        CDS: _clusters,
        EDS: _endpoints,
        SDS: _secrets,
        LDS: _listeners,
        RDS: _route_configurations,
    },
)
"""How the resources of each type are made."""

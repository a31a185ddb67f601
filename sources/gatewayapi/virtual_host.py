"""Virtual hosts, as pre-encoded pieces of a RouteConfiguration, and RouteConfigurations, spliced from them.

In protobuf's wire format repeated fields simply follow one another. So of a thousand virtual hosts the one that changed
is built and encoded again, and the others are copied as bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from operator import attrgetter
from typing import Final

from sources.gatewayapi.attachment import Slot, TableKey
from sources.gatewayapi.route import At, route
from sources.gatewayapi.table import members, slots, tables
from sources.graph import Reader
from xds.codec import build, encode
from xds.codec.wire import delimited
from xds.model import Key, Reference, Resource, version_of
from xds.model.type_url import RDS

ROUTE_CONFIGURATION: Final = "envoy.config.route.v3.RouteConfiguration"
VIRTUAL_HOST: Final = "envoy.config.route.v3.VirtualHost"
VIRTUAL_HOSTS: Final = 2
"""The number of RouteConfiguration's field `virtual_hosts`."""

_MISDIRECTED: Final = ({"match": {"prefix": "/"}, "direct_response": {"status": 421}},)


@dataclass(frozen=True, slots=True)
class VirtualHost:
    """A virtual host as it stands in a RouteConfiguration, what it refers to, and the routes it was made from."""

    domain: str
    field: bytes
    references: frozenset[Reference]
    authors: tuple[Key, ...]


def virtual_host(read: Reader, slot: Slot) -> VirtualHost | None:
    """The virtual host: the entries of all its routes, in Gateway API's order of precedence.

    A domain of another listener's answers 421: its request came over the wrong connection, and a client that uses one
    HTTP/2 connection for several hostnames then opens another.
    """
    table = read.get(tables, slot.gateway).get(slot.table)
    if table is None:
        return None
    keys = read.get(members, slot)
    routes = [read.get(route, At(key, table.entrance)) for key in keys]
    foreign = not keys and slot.domain not in table.hostnames
    fields = {"name": slot.domain, "domains": [slot.domain], "routes": _MISDIRECTED if foreign else ()}
    entries = sorted(chain.from_iterable(one.fields for one in routes))
    body = b"".join([encode(build(VIRTUAL_HOST, fields)), *(field for _, field in entries)])
    references = frozenset[Reference]().union(*(one.references for one in routes))
    return VirtualHost(slot.domain, delimited(VIRTUAL_HOSTS, body), references, keys)


def route_configuration(read: Reader, at: TableKey) -> Resource:
    """The RouteConfiguration of a table."""
    found = read.each(virtual_host, read.get(slots, at)).values()
    hosts = sorted((one for one in found if one is not None), key=attrgetter("domain"))
    head = encode(build(ROUTE_CONFIGURATION, {"name": at[1], "ignore_port_in_host_matching": True}))
    body = b"".join([head, *(one.field for one in hosts)])
    references = frozenset[Reference]().union(*(one.references for one in hosts))
    authors = tuple(dict.fromkeys(chain.from_iterable(one.authors for one in hosts)))
    return Resource(RDS, at[1], version_of(body), body, references, authors)

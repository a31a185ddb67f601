"""Virtual hosts, as pre-encoded pieces of a RouteConfiguration, and RouteConfigurations, spliced from them.

In protobuf's wire format repeated fields simply follow one another. So of a thousand virtual hosts the one that changed
is built and encoded again, and the others are copied as bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from operator import attrgetter
from typing import Final

from sources.gatewayapi.route import At, route
from sources.gatewayapi.table import Host, tables
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
    """A virtual host as it stands in a RouteConfiguration, and what it refers to."""

    domain: str
    field: bytes
    references: frozenset[Reference]


def virtual_host(read: Reader, host: Host) -> VirtualHost:
    """The virtual host: the entries of all its routes, in Gateway API's order of precedence.

    A foreign one answers 421, which makes a client that uses one HTTP/2 connection for several hostnames open another.
    """
    routes = [read.get(route, At(key, host.entrance)) for key in host.routes]
    ordered = sorted(chain.from_iterable(one.fields for one in routes))
    fields = {"name": host.domain, "domains": [host.domain], "routes": _MISDIRECTED if host.foreign else ()}
    body = b"".join([encode(build(VIRTUAL_HOST, fields)), *(field for _, field in ordered)])
    references = frozenset[Reference]().union(*(one.references for one in routes))
    return VirtualHost(host.domain, delimited(VIRTUAL_HOSTS, body), references)


def route_configuration(read: Reader, at: tuple[Key, str]) -> Resource | None:
    """A RouteConfiguration of a Gateway, by its name; None when there is none of this name."""
    key, name = at
    table = read.get(tables, key).by_name.get(name)
    if table is None:
        return None
    hosts = sorted(read.each(virtual_host, table.hosts).values(), key=attrgetter("domain"))
    head = encode(build(ROUTE_CONFIGURATION, {"name": name, "ignore_port_in_host_matching": True}))
    body = b"".join([head, *(one.field for one in hosts)])
    references = frozenset[Reference]().union(*(one.references for one in hosts))
    return Resource(RDS, name, version_of(body), body, references, table.routes)

"""The resources that servers are told to serve: alike for all of them, and marked with the change that they come from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from xds.codec.message import build, encode
from xds.model.type_url import PREFIX, SHORT_TYPES

CLUSTER_BYTES: Final = 300
WRAPPING: Final = 37
"""Bytes of metadata around its padding."""
SIGN: Final = "~"
"""Begins a mark, and is in next to nothing else: a single byte is found at the speed of memory, a word is not."""
ENDPOINTS: Final = 10
"""Endpoints of a service."""

FROM_ADS: Final = {"ads": {}, "resource_api_version": "V3"}
ROUTER: Final = PREFIX + "envoy.extensions.filters.http.router.v3.Router"
MANAGER: Final = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"


class Named(NamedTuple):
    """One resource: the bytes of its message."""

    type_url: str
    name: str
    value: bytes


def mark(change: int) -> str:
    """The text inside a resource that says which change it comes from, so that a client need not decode to know; one that
    was never changed (0) has another, as long, and is not looked at.
    """
    return f"{SIGN}change-{change:09}" if change else "since the start  "


def name_of(short: str, index: int) -> str:
    """The name of resource number `index` of a type; a cluster and its endpoints have the same."""
    return f"{'service' if short in ('cds', 'eds') else short}-{index:05}"


def resource(short: str, index: int, change: int = 0) -> Named:
    """Resource number `index` of a type such as `cds`, as a change left it."""
    type_url, name = SHORT_TYPES[short], name_of(short, index)
    fields = FIELDS[short](name, index, mark(change))
    return Named(type_url, name, encode(build(type_url.removeprefix(PREFIX), fields)))


def resources(short: str, count: int) -> list[Named]:
    """The first `count` resources of a type."""
    return [resource(short, index) for index in range(count)]


def names(short: str, count: int) -> Sequence[str]:
    """Their names."""
    return [name_of(short, index) for index in range(count)]


def _cluster(name: str, _: int, marked: str) -> dict[str, Any]:
    """A cluster whose endpoints come over EDS, of CLUSTER_BYTES: its metadata is of no use but to be long enough."""
    fields = {
        "name": name,
        "alt_stat_name": marked,
        "type": "EDS",
        "eds_cluster_config": {"eds_config": FROM_ADS},
        "connect_timeout": {"seconds": 1},
    }
    bare = len(encode(build("envoy.config.cluster.v3.Cluster", fields)))
    padding = {"fields": {"padding": {"string_value": "=" * (CLUSTER_BYTES - bare - WRAPPING)}}}
    return {**fields, "metadata": {"filter_metadata": {"padding": padding}}}


def _endpoints(name: str, index: int, marked: str) -> dict[str, Any]:
    addresses = (f"10.{index >> 8 & 255}.{index & 255}.{last + 1}" for last in range(ENDPOINTS))
    first, *others = ({"address": _address(one, 8080)} for one in addresses)
    endpoints = [{"endpoint": one} for one in ({**first, "hostname": marked}, *others)]
    return {"cluster_name": name, "endpoints": [{"lb_endpoints": endpoints}]}


def _listener(name: str, index: int, marked: str) -> dict[str, Any]:
    manager = build(
        MANAGER,
        {
            "stat_prefix": marked,
            "rds": {"route_config_name": name_of("rds", index), "config_source": FROM_ADS},
            "http_filters": [{"name": "router", "typed_config": {"type_url": ROUTER}}],
        },
    )
    packed = {"type_url": PREFIX + MANAGER, "value": encode(manager)}
    chain = {"filters": [{"name": "http", "typed_config": packed}]}
    return {"name": name, "address": _address("127.0.0.1", 10_000 + index), "filter_chains": [chain]}


def _route(name: str, index: int, marked: str) -> dict[str, Any]:
    routes = [{"match": {"prefix": "/"}, "route": {"cluster": name_of("cds", index)}}]
    return {"name": name, "virtual_hosts": [{"name": marked, "domains": ["*"], "routes": routes}]}


def _address(host: str, port: int) -> dict[str, Any]:
    return {"socket_address": {"address": host, "port_value": port}}


FIELDS: Final[Mapping[str, Callable[[str, int, str], dict[str, Any]]]] = {
    "cds": _cluster,
    "eds": _endpoints,
    "lds": _listener,
    "rds": _route,
}
"""Short type -> the fields of (name, index, mark)."""

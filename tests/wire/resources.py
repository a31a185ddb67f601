"""Resources: what the suite asks a server to serve, as bytes. Every type has a smallest message with a name and a mark."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from xds.codec import from_json, message_class

PREFIX: Final = "type.googleapis.com/"

CDS: Final = PREFIX + "envoy.config.cluster.v3.Cluster"
EDS: Final = PREFIX + "envoy.config.endpoint.v3.ClusterLoadAssignment"
SDS: Final = PREFIX + "envoy.extensions.transport_sockets.tls.v3.Secret"
LDS: Final = PREFIX + "envoy.config.listener.v3.Listener"
RDS: Final = PREFIX + "envoy.config.route.v3.RouteConfiguration"
SRDS: Final = PREFIX + "envoy.config.route.v3.ScopedRouteConfiguration"
VHDS: Final = PREFIX + "envoy.config.route.v3.VirtualHost"
ECDS: Final = PREFIX + "envoy.config.core.v3.TypedExtensionConfig"
RTDS: Final = PREFIX + "envoy.service.runtime.v3.Runtime"
LEDS: Final = PREFIX + "envoy.config.endpoint.v3.LbEndpoint"

FULL_STATE: Final = frozenset({CDS, LDS, SRDS})
"""Types whose state-of-the-world response lists everything; of the others it may list what changed alone."""

SHORT: Final[Mapping[str, str]] = {
    CDS: "CDS",
    EDS: "EDS",
    SDS: "SDS",
    LDS: "LDS",
    RDS: "RDS",
    SRDS: "SRDS",
    VHDS: "VHDS",
    ECDS: "ECDS",
    RTDS: "RTDS",
    LEDS: "LEDS",
}

Fields = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource as the adapter is given it. `ttl` in seconds."""

    type_url: str
    name: str
    value: bytes
    ttl: float | None = None
    aliases: tuple[str, ...] = ()


MARKED: Final[Mapping[str, Callable[[str, str], Fields]]] = {
    CDS: lambda name, mark: {"name": name, "connect_timeout": "1s", "alt_stat_name": mark},
    EDS: lambda name, mark: {"cluster_name": name, "endpoints": [_locality(mark)]},
    SDS: lambda name, mark: {"name": name, "generic_secret": {"secret": {"inline_string": mark}}},
    LDS: lambda name, mark: {"name": name, "stat_prefix": mark},
    RDS: lambda name, mark: {"name": name, "request_headers_to_remove": [f"x-{mark}"]},
    SRDS: lambda name, mark: {"name": name, "key": {"fragments": [{"string_key": mark}]}},
    VHDS: lambda name, mark: {"name": name, "domains": [name], "request_headers_to_remove": [f"x-{mark}"]},
    ECDS: lambda name, mark: {
        "name": name,
        "typed_config": {"@type": PREFIX + "google.protobuf.StringValue", "value": mark},
    },
    RTDS: lambda name, mark: {"name": name, "layer": {"mark": mark}},
    LEDS: lambda name, mark: {"endpoint_name": mark},  # it has no name of its own
}


def make(type_url: str, name: str, mark: str = "1") -> Resource:
    """A resource of any type; another mark makes other bytes."""
    return resource(type_url, name, MARKED[type_url](name, mark))


def resource(type_url: str, name: str, fields: Fields) -> Resource:
    """A resource of any type with these fields, in JSON."""
    message = from_json({"@type": type_url, **fields})
    return Resource(type_url, name, message.SerializeToString(deterministic=True))


def cluster(name: str, mark: str = "1", *, service: str = "") -> Resource:
    """A cluster that takes its endpoints from EDS, under the name of the service where it has one."""
    config = {"eds_config": {"ads": {}, "resource_api_version": "V3"}, "service_name": service}
    return resource(CDS, name, {**MARKED[CDS](name, mark), "type": "EDS", "eds_cluster_config": config})


def endpoints(name: str, mark: str = "1") -> Resource:
    """The endpoints of a cluster."""
    return make(EDS, name, mark)


def secured(name: str, secret: str, mark: str = "1") -> Resource:
    """A cluster whose connections need a secret."""
    sds = {"name": secret, "sds_config": {"ads": {}, "resource_api_version": "V3"}}
    kind = "envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext"
    tls = {"@type": PREFIX + kind, "common_tls_context": {"validation_context_sds_secret_config": sds}}
    socket = {"name": "tls", "typed_config": tls}
    return resource(CDS, name, {**MARKED[CDS](name, mark), "transport_socket": socket})


def scope(name: str, routes: str) -> Resource:
    """A scoped route configuration that names a route configuration."""
    return resource(SRDS, name, {**MARKED[SRDS](name, "1"), "route_configuration_name": routes})


def heavy(type_url: str, name: str, size: int, mark: str = "1") -> Resource:
    """A cluster or endpoints of about so many bytes."""
    stuffing = {"filter_metadata": {"stuffing": {"mark": mark, "bytes": "x" * size}}}
    fields = MARKED[type_url](name, mark)
    (fields["endpoints"][0]["lb_endpoints"][0] if type_url == EDS else fields)["metadata"] = stuffing
    return resource(type_url, name, fields)


def route(name: str, to: str, mark: str = "1") -> Resource:
    """A route configuration that sends everything to one cluster."""
    rule = {"match": {"prefix": "/"}, "route": {"cluster": to}}
    host = {"name": "all", "domains": ["*"], "routes": [rule]}
    return resource(RDS, name, {**MARKED[RDS](name, mark), "virtual_hosts": [host]})


def listener(name: str, routes: str, mark: str = "1") -> Resource:
    """A listener that takes its routes from RDS."""
    rds = {"route_config_name": routes, "config_source": {"ads": {}, "resource_api_version": "V3"}}
    return _listener(name, {"rds": rds}, mark)


def _listener(name: str, fields: Fields, mark: str) -> Resource:
    kind = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
    manager = {"@type": PREFIX + kind, "stat_prefix": mark, **fields}
    chain = {"filters": [{"name": "http", "typed_config": manager}]}
    address = {"socket_address": {"address": "127.0.0.1", "port_value": 1}}
    return resource(LDS, name, {"name": name, "address": address, "filter_chains": [chain]})


def _locality(mark: str) -> Fields:
    port = 1000 + sum(map(ord, mark))
    return {"lb_endpoints": [{"endpoint": {"address": {"socket_address": {"address": "127.0.0.1", "port_value": port}}}}]}


def name_of(type_url: str, value: bytes) -> str:
    """The name that a message gives itself."""
    message: Any = message_class(type_url.removeprefix(PREFIX)).FromString(value)
    return str(message.cluster_name if type_url == EDS else message.name)

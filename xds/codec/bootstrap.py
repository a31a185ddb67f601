"""Bootstraps: what an Envoy is told before it asks."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address
from types import MappingProxyType
from typing import Any, Final, Literal

from xds.codec.message import from_json
from xds.model.type_url import PREFIX

Dialect = Literal["delta", "sotw"]

API_TYPES: Final[Mapping[Dialect, str]] = MappingProxyType({"delta": "DELTA_GRPC", "sotw": "GRPC"})
"""Dialect -> what Envoy calls it."""

XDS_CLUSTER: Final = "xds_cluster"
MOST_CONNECTIONS: Final = 50_000

HTTP_OPTIONS: Final = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
TLS_CONTEXT: Final = "envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext"
CONNECTION_LIMIT: Final = "envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig"

NO_TLS: Final[Mapping[str, str]] = MappingProxyType({})
GRPC_FILES: Final[Mapping[str, str]] = MappingProxyType(
    {"authority": "ca_certificate_file", "certificate": "certificate_file", "key": "private_key_file"}
)
"""What a file of TLS is to a control plane's client -> what gRPC calls it."""

# A control plane that starts later is waited for: with a time limit Envoy would open no listener and call itself ready.
FROM_ADS: Final[Mapping[str, Any]] = MappingProxyType(
    {"ads": {}, "resource_api_version": "V3", "initial_fetch_timeout": "0s"}
)

LOAD_REPORTS: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "load_stats_config": {
            "api_type": "GRPC",
            "transport_api_version": "V3",
            "grpc_services": [{"envoy_grpc": {"cluster_name": XDS_CLUSTER}}],
        }
    }
)

# By default Envoy refuses regexes of more than 100 instructions, which a plain pattern with a repetition has.
RUNTIME: Final[Mapping[str, Any]] = MappingProxyType({"re2.max_program_size.error_level": 2**32 - 1})


def bootstrap(
    group: str,
    node_id: str,
    xds: tuple[str, int],
    *,
    admin: tuple[str, int] | str,
    dialect: Dialect = "delta",
    load_reports: bool = False,
) -> dict[str, Any]:
    """The bootstrap of an Envoy of a node group, as JSON data: everything else comes over one ADS stream.

    `xds` is the control plane's host and port; a name is looked up by DNS. `admin` is where Envoy's own admin page
    listens: a host and port, which should be loopback's, or the path of a unix socket. With `load_reports` it reports its
    load to the control plane, which must be one that wants to know.
    Raises ConfigError for a value that no bootstrap can hold.
    """
    body = {
        "node": {"id": node_id, "cluster": group},
        "admin": {"address": _address(admin), "ignore_global_conn_limit": True},
        "dynamic_resources": {
            "ads_config": _ads(API_TYPES[dialect]),
            "cds_config": {**FROM_ADS},
            "lds_config": {**FROM_ADS},
        },
        "static_resources": {"clusters": [_xds_cluster(xds)]},
        "cluster_manager": {"enable_deferred_cluster_creation": True, **(LOAD_REPORTS if load_reports else {})},
        "deferred_stat_options": {"enable_deferred_creation_stats": True},
        "layered_runtime": {
            "layers": [{"name": "legation", "static_layer": {**RUNTIME}}, {"name": "admin", "admin_layer": {}}]
        },
        "overload_manager": {"resource_monitors": [_connection_limit()]},
    }
    from_json({"@type": PREFIX + "envoy.config.bootstrap.v3.Bootstrap", **body})
    return body


def over_tls(body: Mapping[str, Any], *, authority: str, certificate: str = "", key: str = "") -> dict[str, Any]:
    """The same bootstrap with a control plane that is reached over TLS.

    Of the three PEM files, `authority` has signed what the control plane must show, in the name or address by which it is
    reached; `certificate` and `key` are what this Envoy shows, where it is asked.
    """
    (cluster,) = body["static_resources"]["clusters"]
    lb_endpoint = cluster["load_assignment"]["endpoints"][0]["lb_endpoints"][0]
    host = lb_endpoint["endpoint"]["address"]["socket_address"]["address"]
    san = {"san_type": "IP_ADDRESS" if _is_ip(host) else "DNS", "matcher": {"exact": host}}
    expected = {"trusted_ca": {"filename": authority}, "match_typed_subject_alt_names": [san]}
    shown = [{"certificate_chain": {"filename": certificate}, "private_key": {"filename": key}}] if certificate else []
    context = {
        "@type": PREFIX + TLS_CONTEXT,
        "common_tls_context": {"validation_context": expected, "tls_certificates": shown},
        **({} if _is_ip(host) else {"sni": host}),
    }
    secured = {**cluster, "transport_socket": {"name": "tls", "typed_config": context}}
    made = {**body, "static_resources": {"clusters": [secured]}}
    from_json({"@type": PREFIX + "envoy.config.bootstrap.v3.Bootstrap", **made})
    return made


def grpc_bootstrap(group: str, node_id: str, xds: tuple[str, int], tls: Mapping[str, str] = NO_TLS) -> dict[str, Any]:
    """The bootstrap of a gRPC client or server without a proxy, as JSON data: it asks as a node of this group (gRFC A27).

    What serves asks for listeners by the address that it listens at (gRFC A36). `tls` has the files of `over_tls`, by
    their names there; without them the connection is plain text (gRFC A65).
    """
    host, port = xds
    files = {GRPC_FILES[name]: path for name, path in tls.items() if path}
    server = {
        "server_uri": f"[{host}]:{port}" if ":" in host else f"{host}:{port}",
        "channel_creds": [{"type": "tls", "config": files} if files else {"type": "insecure"}],
        "server_features": ["xds_v3"],
    }
    return {
        "xds_servers": [server],
        "node": {"id": node_id, "cluster": group},
        "server_listener_resource_name_template": "grpc/server?xds.resource.listening_address=%s",
    }


def _ads(api_type: str) -> dict[str, Any]:
    pauses = {"base_interval": "0.5s", "max_interval": "5s"}  # where Envoy's own go up to 30 s
    service = {"envoy_grpc": {"cluster_name": XDS_CLUSTER, "retry_policy": {"retry_back_off": pauses}}}
    return {
        "api_type": api_type,
        "transport_api_version": "V3",
        "grpc_services": [service],
        "set_node_on_first_message_only": True,  # or each request repeats the node: 61 KB
    }


def _xds_cluster(xds: tuple[str, int]) -> dict[str, Any]:
    """The cluster of the control plane: HTTP/2, and a dead connection is found within 35 s."""
    http2 = {"connection_keepalive": {"interval": "30s", "timeout": "5s"}}
    found = {"type": "STATIC"} if _is_ip(xds[0]) else {"type": "STRICT_DNS", "dns_lookup_family": "ALL"}
    return {
        "name": XDS_CLUSTER,
        **found,  # a name with an IPv6 address, as localhost, would never be tried at its IPv4 one
        "connect_timeout": "5s",
        "load_assignment": {
            "cluster_name": XDS_CLUSTER,
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": _address(xds)}}]}],
        },
        "typed_extension_protocol_options": {
            HTTP_OPTIONS: {"@type": PREFIX + HTTP_OPTIONS, "explicit_http_config": {"http2_protocol_options": http2}}
        },
    }


def _connection_limit() -> dict[str, Any]:
    limit = {"@type": PREFIX + CONNECTION_LIMIT, "max_active_downstream_connections": MOST_CONNECTIONS}
    return {"name": "envoy.resource_monitors.global_downstream_max_connections", "typed_config": limit}


def _address(address: tuple[str, int] | str) -> dict[str, Any]:
    if isinstance(address, str):
        return {"pipe": {"path": address, "mode": 0o600}}
    host, port = address
    return {"socket_address": {"address": host, "port_value": port}}


def _is_ip(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True

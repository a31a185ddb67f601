"""Listeners: the sockets of a Gateway as Envoy gets them, one for each port.

Nothing here depends on a route: a listener that changes drains its connections, and routes change all the time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from sources.gatewayapi.address import HTTP, addresses
from sources.gatewayapi.admission import Admission
from sources.gatewayapi.authority import Authorities, authorities
from sources.gatewayapi.certificate import certificates
from sources.gatewayapi.cors import FILTER as CORS
from sources.gatewayapi.hostname import ANY
from sources.gatewayapi.table import served
from sources.graph import Reader
from xds.codec import build, pack, resource
from xds.model import Key, Listen, Resource

LISTENER: Final = "envoy.config.listener.v3.Listener"
MANAGER: Final = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
ROUTER: Final = "envoy.extensions.filters.http.router.v3.Router"
TLS: Final = "envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext"
TLS_INSPECTOR: Final = "envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector"

ADS: Final = {"ads": {}, "resource_api_version": "V3"}

_LISTENER: Final = {
    "per_connection_buffer_limit_bytes": {"value": 32 * 1024},
    "max_connections_to_accept_per_socket_event": {"value": 1},
}
_MANAGER: Final = {
    "http_filters": [CORS, {"name": "envoy.filters.http.router", "typed_config": pack(ROUTER, {})}],
    "use_remote_address": {"value": True},
    "normalize_path": {"value": True},
    "merge_slashes": True,
    "path_with_escaped_slashes_action": "UNESCAPE_AND_REDIRECT",
    "common_http_protocol_options": {"headers_with_underscores_action": "REJECT_REQUEST"},
    "server_header_transformation": "PASS_THROUGH",
    "upgrade_configs": [{"upgrade_type": "websocket"}],
    "http2_protocol_options": {
        "max_concurrent_streams": {"value": 100},
        "initial_stream_window_size": {"value": 64 * 1024},
        "initial_connection_window_size": {"value": 1024 * 1024},
    },
}
"""What every connection manager has: safe at the edge of a network."""


def listener(read: Reader, at: tuple[Key, int]) -> Resource | None:
    """The Listener of a Gateway for a port; None when nothing is served there."""
    key, port = at
    shared = [one for one in read.get(served, key) if one.listener.port == port]
    if not shared:
        return None
    first, *more = ({"socket_address": {"address": one, "port_value": port}} for one in read.get(addresses, key))
    fields = {
        "name": name_of(port),
        "address": first,
        "additional_addresses": [{"address": one} for one in more],
        **_LISTENER,
        **(_plain(shared[0]) if shared[0].listener.protocol == HTTP else _encrypted(read, key, shared)),
    }
    return resource(build(LISTENER, fields), authors=(key,))


def name_of(port: int) -> str:
    """The name of the Listener for a port."""
    return f"tcp-{port}"


def ports(read: Reader, key: Key) -> frozenset[int]:
    """The ports at which a Gateway is served."""
    return frozenset(one.listener.port for one in read.get(served, key))


def listens(read: Reader, key: Key) -> tuple[Listen, ...]:
    """The sockets that the proxies of a Gateway open, and what a person types to reach them."""
    schemes = {one.listener.port: one.listener.protocol.lower() for one in read.get(served, key)}
    return tuple(
        Listen(address, port, name_of(port), url(scheme, address, port))
        for port, scheme in sorted(schemes.items())
        for address in read.get(addresses, key)
    )


def url(scheme: str, host: str, port: int) -> str:
    """What a person types: `http://127.0.0.1:8080` for a socket that listens at every address of this host."""
    host = LOOPBACK.get(host, host)
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


LOOPBACK: Final[Mapping[str, str]] = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  what is shown, not bound
"""Where on this host to reach a socket that listens at every address."""


def _plain(one: Admission) -> dict[str, Any]:
    """The one filter chain that the HTTP listeners of a port share."""
    return {"default_filter_chain": {"name": one.table, "filters": [_manager(one)]}}


def _encrypted(read: Reader, key: Key, shared: Iterable[Admission]) -> dict[str, Any]:
    """A filter chain for each HTTPS listener of a port, chosen by the server name that the client asks for."""
    chains = [
        _chain(one, read.get(certificates, (key, one.listener.name)).names, read.get(authorities, (key, one.listener.port)))
        for one in shared
    ]
    inspector = {"name": "envoy.filters.listener.tls_inspector", "typed_config": pack(TLS_INSPECTOR, {})}
    return {"listener_filters": [inspector], "filter_chains": chains}


def _chain(one: Admission, secrets: Iterable[str], clients: Authorities | None) -> dict[str, Any]:
    context: dict[str, Any] = {
        "alpn_protocols": ["h2", "http/1.1"],
        "tls_certificate_sds_secret_configs": [{"name": name, "sds_config": ADS} for name in secrets],
    }
    tls: dict[str, Any] = {"common_tls_context": context}
    if clients is not None:
        context["validation_context_sds_secret_config"] = {"name": clients.name, "sds_config": ADS}
        tls["require_client_certificate"] = {"value": clients.strict}
    socket = {"name": "envoy.transport_sockets.tls", "typed_config": pack(TLS, tls)}
    return {
        "name": one.table,
        "filter_chain_match": {} if one.hostname == ANY else {"server_names": [one.hostname]},
        "filters": [_manager(one)],
        "transport_socket": socket,
    }


def _manager(one: Admission) -> dict[str, Any]:
    fields = {
        **_MANAGER,
        "stat_prefix": f"{one.listener.protocol.lower()}-{one.listener.port}",
        "rds": {"config_source": ADS, "route_config_name": one.table},
    }
    return {"name": "envoy.filters.network.http_connection_manager", "typed_config": pack(MANAGER, fields)}

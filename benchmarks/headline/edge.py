"""What the node groups of the benchmark are served: HTTP listeners, their routes, clusters and endpoints."""

from __future__ import annotations

from typing import Any, Final

from resources import CDS, EDS, LDS, RDS, Resource, resource

FROM_ADS: Final = {"ads": {}, "resource_api_version": "V3"}
MANAGER: Final = "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
ROUTER: Final = "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"

ROUTES: Final = "routes"
"""The one route configuration of a group."""


def cluster(name: str, *, connect_timeout: str = "1s", mark: str = "") -> Resource:
    """A cluster whose endpoints come over EDS."""
    fields = {"connect_timeout": connect_timeout, "alt_stat_name": mark}
    return resource(CDS, name, {"name": name, "type": "EDS", "eds_cluster_config": {"eds_config": FROM_ADS}, **fields})


def endpoints(name: str, port: int, *, mark: str = "") -> Resource:
    """One endpoint on loopback."""
    endpoint = {"address": _loopback(port), "hostname": mark}
    return resource(EDS, name, {"cluster_name": name, "endpoints": [{"lb_endpoints": [{"endpoint": endpoint}]}]})


def listener(port: int, *, mark: str = "http") -> Resource:
    """A listener on loopback that takes its routes over RDS."""
    router = {"name": "router", "typed_config": {"@type": ROUTER}}
    rds = {"route_config_name": ROUTES, "config_source": FROM_ADS}
    manager = {"@type": MANAGER, "stat_prefix": mark, "rds": rds, "http_filters": [router]}
    chain = {"filters": [{"name": "http", "typed_config": manager}]}
    return resource(LDS, "http", {"name": "http", "address": _loopback(port), "filter_chains": [chain]})


def route(to: str, *, mark: str = "") -> Resource:
    """Every request goes to one cluster; with none, it is answered by Envoy itself."""
    action: dict[str, Any] = {"route": {"cluster": to}} if to else {"direct_response": {"status": 200}}
    host = {"name": "all", "domains": ["*"], "routes": [{"match": {"prefix": "/"}, **action}]}
    marked = {"request_headers_to_remove": [mark]} if mark else {}
    return resource(RDS, ROUTES, {"name": ROUTES, "virtual_hosts": [host], **marked})


def _loopback(port: int) -> dict[str, Any]:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}

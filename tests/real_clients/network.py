"""A small network in Envoy's words: listeners, routes, clusters and endpoints on loopback, all of it from ADS.

A `mark` is a number that makes two versions of one thing differ, and means nothing.
"""

from __future__ import annotations

import base64
from typing import Any

from certificate import secret as kubernetes_secret

from xds.codec import resource
from xds.model import Resource
from xds.model.type_url import CDS, EDS, LDS, PREFIX, RDS, SDS

ADS = {"ads": {}, "resource_api_version": "V3"}
EXTENSIONS = PREFIX + "envoy.extensions."
Json = dict[str, Any]


def endpoints(name: str, *ports: int) -> Resource:
    """Endpoints on loopback, all alike."""
    return resource({"@type": EDS, "cluster_name": name, "endpoints": [locality(*ports)]})


def locality(*ports: int, priority: int = 0, weight: int = 1) -> Json:
    """Endpoints on loopback in a locality of their own, as gRPC asks for it."""
    return {
        "locality": {"zone": f"zone-{priority}"},
        "priority": priority,
        "load_balancing_weight": weight,
        "lb_endpoints": [{"endpoint": {"address": address(port)}, "load_balancing_weight": 1} for port in ports],
    }


def address(port: int) -> Json:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


def cluster(name: str, mark: int = 0, **fields: Any) -> Resource:
    """A cluster whose endpoints have its name."""
    return resource(
        {
            "@type": CDS,
            "name": name,
            "type": "EDS",
            "connect_timeout": f"{5 + mark / 1000:.3f}s",
            "eds_cluster_config": {"eds_config": ADS},
            **fields,
        }
    )


def bad_cluster(name: str) -> Resource:
    """A cluster that every Envoy refuses, and names when it does."""
    return cluster(name, connect_timeout="0s")


def route(name: str, mark: int = 0, **paths: str) -> Resource:
    """Routes from the first word of a path to a cluster; `rest` is all other paths."""
    prefixes = {"/" if word == "rest" else f"/{word}": cluster for word, cluster in paths.items()}
    ordered = sorted(prefixes.items(), reverse=True)
    routes = [{"match": {"prefix": prefix}, "route": {"cluster": cluster}} for prefix, cluster in ordered]
    host = {"name": f"host-{mark}", "domains": ["*"], "routes": routes}
    return resource({"@type": RDS, "name": name, "virtual_hosts": [host]})


def bad_route(name: str) -> Resource:
    """A route that every Envoy refuses without a word of which it is."""
    routes = [{"match": {"safe_regex": {"regex": "("}}, "direct_response": {"status": 200}}]
    return resource({"@type": RDS, "name": name, "virtual_hosts": [{"name": "host", "domains": ["*"], "routes": routes}]})


def listener(name: str, port: int, route: str, *, mark: int = 0, secret: str = "") -> Resource:
    """A listener that asks for its routes; with a secret's name, over TLS."""
    manager = {
        "@type": EXTENSIONS + "filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": f"mark-{mark}",
        "rds": {"route_config_name": route, "config_source": ADS},
        "http_filters": [{"name": "router", "typed_config": {"@type": EXTENSIONS + "filters.http.router.v3.Router"}}],
    }
    chain: Json = {"filters": [{"name": "http", "typed_config": manager}]}
    if secret:
        chain["transport_socket"] = _tls(secret)
    return resource({"@type": LDS, "name": name, "address": address(port), "filter_chains": [chain]})


def _tls(secret: str) -> Json:
    certificates = [{"name": secret, "sds_config": ADS}]
    context = {
        "@type": EXTENSIONS + "transport_sockets.tls.v3.DownstreamTlsContext",
        "common_tls_context": {"tls_certificate_sds_secret_configs": certificates},
    }
    return {"name": "tls", "typed_config": context}


def secret(name: str, host: str, organisation: str) -> Resource:
    """A certificate of its own for a host."""
    pem = {part: base64.b64decode(body) for part, body in kubernetes_secret(name, host, organisation)["data"].items()}
    parts = {"certificate_chain": pem["tls.crt"], "private_key": pem["tls.key"]}
    certificate = {part: {"inline_string": body.decode()} for part, body in parts.items()}
    return resource({"@type": SDS, "name": name, "tls_certificate": certificate})


def site(port: int, backend: int, *, mark: int = 0) -> tuple[Resource, ...]:
    """One of each: a listener `web`, its route `all`, the cluster `shop`, its endpoints."""
    return (
        listener("web", port, "all"),
        route("all", rest="shop"),
        cluster("shop", mark),
        endpoints("shop", backend),
    )

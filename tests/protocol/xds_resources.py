"""Small resources that name one another as Envoy's do."""

from __future__ import annotations

from functools import cache

from xds.codec import resource
from xds.model import Resource
from xds.model.type_url import CDS, ECDS, EDS, LDS, LEDS, PREFIX, RDS, SDS, VHDS

FILTERS = PREFIX + "envoy.extensions.filters.network."


@cache
def cluster(name: str, mark: str = "1", *, service: str = "", eds: bool = True) -> Resource:
    """A cluster whose endpoints come from ADS, under `service` where it is given; `mark` makes versions differ."""
    body = {"@type": CDS, "name": name, "alt_stat_name": mark}
    if eds:
        body |= {"type": "EDS", "eds_cluster_config": {"service_name": service, "eds_config": {"ads": {}}}}
    return resource(body)


@cache
def endpoints(name: str, port: int = 1) -> Resource:
    address = {"socket_address": {"address": "127.0.0.1", "port_value": port}}
    return resource(
        {
            "@type": EDS,
            "cluster_name": name,
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": address}}]}],
        }
    )


@cache
def localities(name: str, collection: str) -> Resource:
    """Endpoints that come one by one, from LEDS over ADS."""
    leds = {"leds_config": {"ads": {}}, "leds_collection_name": collection}
    return resource({"@type": EDS, "cluster_name": name, "endpoints": [{"leds_cluster_locality_config": leds}]})


@cache
def endpoint(name: str, port: int = 1) -> Resource:
    address = {"socket_address": {"address": "127.0.0.1", "port_value": port}}
    return resource({"@type": LEDS, "endpoint": {"address": address}}, name=name)


@cache
def listener(name: str, route: str = "", mark: str = "1", *, cluster: str = "") -> Resource:
    """A listener that names a route configuration, or a cluster."""
    if route:
        filter_ = {
            "@type": FILTERS + "http_connection_manager.v3.HttpConnectionManager",
            "stat_prefix": name,
            "rds": {"route_config_name": route, "config_source": {"ads": {}}},
        }
    else:
        filter_ = {"@type": FILTERS + "tcp_proxy.v3.TcpProxy", "stat_prefix": name, "cluster": cluster}
    chains = [{"filters": [{"name": "main", "typed_config": filter_}]}] if route or cluster else []
    return resource({"@type": LDS, "name": name, "stat_prefix": mark, "filter_chains": chains})


@cache
def route(name: str, *clusters: str, mark: str = "1", vhds: bool = False) -> Resource:
    routes = [{"match": {"prefix": f"/{one}"}, "route": {"cluster": one}} for one in clusters]
    host = {"name": mark, "domains": ["*"], "routes": routes}
    more = {"vhds": {"config_source": {"ads": {}}}} if vhds else {}
    return resource({"@type": RDS, "name": name, "virtual_hosts": [host], **more})


@cache
def host(name: str, *domains: str, cluster: str = "c") -> Resource:
    """A virtual host of the route configuration that its name begins with."""
    routes = [{"match": {"prefix": "/"}, "route": {"cluster": cluster}}]
    return resource({"@type": VHDS, "name": name, "domains": list(domains), "routes": routes})


@cache
def secret(name: str, mark: str = "1") -> Resource:
    return resource({"@type": SDS, "name": name, "generic_secret": {"secret": {"inline_string": mark}}})


@cache
def extension(name: str) -> Resource:
    return resource({"@type": ECDS, "name": name})

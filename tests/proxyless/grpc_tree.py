"""What a gRPC client is served: a good tree of resources, and trees with one thing changed."""

from __future__ import annotations

import copy
from typing import Any

from xds.codec import resource
from xds.codec.document import steps
from xds.model import Resource
from xds.model.type_url import CDS, EDS, LDS, PREFIX, RDS

ENVOY = PREFIX + "envoy."
HCM = ENVOY + "extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
FILTERS = ENVOY + "extensions.filters.http."
TLS = ENVOY + "extensions.transport_sockets.tls.v3."
BALANCING = ENVOY + "extensions.load_balancing_policies."
ADS = {"ads": {}, "resource_api_version": "V3"}
ROUTER = {"name": "router", "typed_config": {"@type": FILTERS + "router.v3.Router"}}
MANAGER = "api_listener.api_listener"
ADDRESS = "endpoints[0].lb_endpoints[0].endpoint.address.socket_address"
GONE = object()
"""The value of a field that is taken away."""

Edit = tuple[str, str, Any]
"""(resource, path of the field, its new value)."""


def endpoint(port: int) -> dict[str, Any]:
    return {"endpoint": {"address": {"socket_address": {"address": "127.0.0.1", "port_value": port}}}}


def locality(port: int, *more: int) -> dict[str, Any]:
    endpoints = [endpoint(one) for one in (port, *more)]
    return {"locality": {"region": "here"}, "load_balancing_weight": 1, "lb_endpoints": endpoints}


def good(name: str, port: int) -> dict[str, dict[str, Any]]:
    """A listener for the target `xds:///name`, and all it leads to; its endpoint is this port."""
    rds = {"route_config_name": name, "config_source": ADS}
    manager = {"@type": HCM, "rds": rds, "http_filters": [ROUTER]}
    route = {"match": {"prefix": ""}, "route": {"cluster": name}}
    host = {"name": "all", "domains": ["*"], "routes": [route]}
    tree: dict[str, dict[str, Any]] = {
        "lds": {"@type": LDS, "name": name, "api_listener": {"api_listener": manager}},
        "rds": {"@type": RDS, "name": name, "virtual_hosts": [host]},
        "cds": {"@type": CDS, "name": name, "type": "EDS", "eds_cluster_config": {"eds_config": ADS}},
        "eds": {"@type": EDS, "cluster_name": name, "endpoints": [locality(port)]},
    }
    return copy.deepcopy(tree)


def tree(name: str, port: int, *edits: Edit) -> list[Resource]:
    """The same with these edits."""
    made = good(name, port)
    for short, path, value in edits:
        _set(made[short], path, value)
    return [resource(one) for one in made.values()]


def _set(body: Any, path: str, value: Any) -> None:
    *most, last = steps(path)
    for step in most:
        body = body.setdefault(step, {}) if isinstance(body, dict) else body[step]
    if value is GONE:
        del body[last]
    else:
        body[last] = value


def http_filter(kind: str, **more: Any) -> dict[str, Any]:
    return {"name": kind, "typed_config": {"@type": FILTERS + kind}, **more}


def filters(*given: dict[str, Any]) -> Edit:
    return "lds", f"{MANAGER}.http_filters", list(given)


def balancing(*kinds: str, **fields: Any) -> Edit:
    policies = [{"typed_extension_config": {"name": kind, "typed_config": {"@type": BALANCING + kind}}} for kind in kinds]
    policies[0]["typed_extension_config"]["typed_config"] |= fields
    return "cds", "load_balancing_policy", {"policies": policies}


def tls(**common: Any) -> Edit:
    context = {"@type": TLS + "UpstreamTlsContext", "common_tls_context": common}
    return "cds", "transport_socket", {"name": "tls", "typed_config": context}


def provider(name: str) -> dict[str, Any]:
    return {"ca_certificate_provider_instance": {"instance_name": name}}


def socket(kind: str) -> Edit:
    return (
        "cds",
        "transport_socket",
        {"name": "x", "typed_config": {"@type": ENVOY + "extensions.transport_sockets." + kind}},
    )


def match(**fields: Any) -> Edit:
    return "rds", "virtual_hosts[0].routes[0].match", fields


def action(**fields: Any) -> Edit:
    return "rds", "virtual_hosts[0].routes[0].route", fields


FAULT = http_filter("fault.v3.HTTPFault")
ROUND_ROBIN = {"typed_extension_config": {"name": "rr", "typed_config": {"@type": BALANCING + "round_robin.v3.RoundRobin"}}}
CORS = {"cors": {"@type": FILTERS + "cors.v3.CorsPolicy"}}
DNS = ("cds", "type", "LOGICAL_DNS")
XFF = {"name": "xff", "typed_config": {"@type": ENVOY + "extensions.http.original_ip_detection.xff.v3.XffConfig"}}

CASES: dict[str, tuple[Edit, ...]] = {
    "good": (),
    "no-locality": (("eds", "endpoints[0].locality", GONE),),
    "empty-locality": (("eds", "endpoints[0].locality", {}),),
    "no-weight": (("eds", "endpoints[0].load_balancing_weight", GONE),),
    "priority-gap": (("eds", "endpoints[0].priority", 1),),
    "one-locality-twice": (("eds", "endpoints", [locality(1), locality(2)]),),
    "one-address-twice": (("eds", "endpoints", [locality(1, 1)]),),
    "a-hostname": (("eds", f"{ADDRESS}.address", "localhost"),),
    "no-port": (("eds", f"{ADDRESS}.port_value", GONE),),
    "endpoint-without-weight": (("eds", "endpoints[0].lb_endpoints[0].load_balancing_weight", 0),),
    "no-endpoints": (("eds", "endpoints", []),),
    "random": (("cds", "lb_policy", "RANDOM"),),
    "maglev": (("cds", "lb_policy", "MAGLEV"),),
    "ring-hash": (("cds", "lb_policy", "RING_HASH"),),
    "ring-hash-murmur": (("cds", "lb_policy", "RING_HASH"), ("cds", "ring_hash_lb_config.hash_function", "MURMUR_HASH_2")),
    "typed-round-robin": (balancing("round_robin.v3.RoundRobin"),),
    "typed-ring-hash": (balancing("ring_hash.v3.RingHash", hash_function="XX_HASH"),),
    "typed-pick-first": (balancing("pick_first.v3.PickFirst"),),
    "typed-client-side": (balancing("client_side_weighted_round_robin.v3.ClientSideWeightedRoundRobin"),),
    "typed-locality": (balancing("wrr_locality.v3.WrrLocality", endpoint_picking_policy={"policies": [ROUND_ROBIN]}),),
    "typed-maglev": (balancing("maglev.v3.Maglev"),),
    "typed-maglev-else-round-robin": (balancing("maglev.v3.Maglev", "round_robin.v3.RoundRobin"),),
    "no-filters": (filters(),),
    "router-first": (filters(ROUTER, FAULT),),
    "no-router": (filters(FAULT),),
    "fault": (filters(FAULT, ROUTER),),
    "session": (filters(http_filter("stateful_session.v3.StatefulSession"), ROUTER),),
    "gcp": (filters(http_filter("gcp_authn.v3.GcpAuthnFilterConfig"), ROUTER),),
    "rbac-at-a-client": (filters(http_filter("rbac.v3.RBAC"), ROUTER),),
    "cors": (filters(http_filter("cors.v3.Cors"), ROUTER),),
    "cors-optional": (filters(http_filter("cors.v3.Cors", is_optional=True), ROUTER),),
    "ext-authz": (filters(http_filter("ext_authz.v3.ExtAuthz"), ROUTER),),
    "one-filter-name-twice": (filters({**FAULT, "name": "router"}, ROUTER),),
    "filter-without-config": (filters({"name": "x"}, ROUTER),),
    "trusted-hops": (("lds", f"{MANAGER}.xff_num_trusted_hops", 1),),
    "original-ip": (("lds", f"{MANAGER}.original_ip_detection_extensions", [XFF]),),
    "routes-from-a-file": (("lds", f"{MANAGER}.rds.config_source", {"path": "/x"}),),
    "routes-from-self": (("lds", f"{MANAGER}.rds.config_source", {"self": {}}),),
    "no-routes": (("lds", f"{MANAGER}.rds", GONE),),
    "inline-routes": (
        ("lds", f"{MANAGER}.rds", GONE),
        ("lds", f"{MANAGER}.route_config", {"virtual_hosts": good("inline-routes", 1)["rds"]["virtual_hosts"]}),
    ),
    "inline-routes-without-domains": (
        ("lds", f"{MANAGER}.rds", GONE),
        ("lds", f"{MANAGER}.route_config", {"virtual_hosts": [{"name": "all"}]}),
    ),
    "no-manager": (("lds", MANAGER, {"@type": ENVOY + "extensions.filters.network.tcp_proxy.v3.TcpProxy"}),),
    "endpoints-from-a-file": (("cds", "eds_cluster_config.eds_config", {"path": "/x"}),),
    "endpoints-from-self": (("cds", "eds_cluster_config.eds_config", {"self": {}}),),
    "static": (("cds", "type", "STATIC"),),
    "strict-dns": (("cds", "type", "STRICT_DNS"),),
    "logical-dns": (DNS, ("cds", "load_assignment", {"endpoints": [locality(1)]})),
    "logical-dns-twice": (DNS, ("cds", "load_assignment", {"endpoints": [locality(1, 2)]})),
    "logical-dns-of-nothing": (DNS,),
    "load-reports-to-ads": (("cds", "lrs_server", {"ads": {}}),),
    "load-reports-to-self": (("cds", "lrs_server", {"self": {}}),),
    "tls-without-authority": (tls(),),
    "tls-provider": (tls(validation_context=provider("ours")),),
    "tls-system": (tls(validation_context={"system_root_certs": {}}),),
    "tls-secret": (tls(validation_context_sds_secret_config={"name": "ca", "sds_config": ADS}),),
    "tls-inline": (tls(validation_context={"trusted_ca": {"inline_string": "x"}}),),
    "tls-versions": (tls(validation_context=provider("ours"), tls_params={"tls_minimum_protocol_version": "TLSv1_2"}),),
    "tls-hash": (tls(validation_context={**provider("ours"), "verify_certificate_hash": ["a"]}),),
    "quic": (socket("quic.v3.QuicUpstreamTransport"),),
    "ejection": (("cds", "outlier_detection.max_ejection_percent", 101),),
    "no-domains": (("rds", "virtual_hosts[0].domains", []),),
    "asterisk-inside": (("rds", "virtual_hosts[0].domains", ["a*b"]),),
    "asterisk-before": (("rds", "virtual_hosts[0].domains", ["*before"]),),
    "redirect": (("rds", "virtual_hosts[0].routes[0]", {"match": {"prefix": ""}, "redirect": {}}),),
    "no-weighted-cluster": (action(weighted_clusters={"clusters": [{"name": "x", "weight": 0}]}),),
    "cluster-by-header": (action(cluster_header="x"),),
    "no-retries": (action(cluster="no-retries", retry_policy={"retry_on": "cancelled", "num_retries": 0}),),
    "prefix": (match(prefix="/acme."),),
    "prefix-of-service": (match(prefix="/acme.Service/"),),
    "prefix-without-slash": (match(prefix="acme"),),
    "path": (match(path="/acme.Service/Call"),),
    "path-of-nothing": (match(path="/acme"),),
    "query": (match(prefix="", query_parameters=[{"name": "a", "present_match": True}]),),
    "separated-prefix": (match(path_separated_prefix="/a"),),
    "override": (("rds", "virtual_hosts[0].typed_per_filter_config", CORS),),
    "override-optional": (
        (
            "rds",
            "virtual_hosts[0].typed_per_filter_config",
            {"cors": {"@type": ENVOY + "config.route.v3.FilterConfig", "is_optional": True, "config": CORS["cors"]}},
        ),
    ),
}
"""Name -> what is changed. The name is the client's target, too."""

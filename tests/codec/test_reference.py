"""The resources that a message names, wherever in it they are named."""

from __future__ import annotations

import pytest

from xds.codec import build, from_json, references
from xds.model.type_url import CDS, ECDS, EDS, LDS, LEDS, PREFIX, RDS, SDS, SRDS, VHDS

ADS = {"ads": {}}
TO_C = {"match": {"prefix": "/"}, "route": {"cluster": "c"}}
FILTERS = PREFIX + "envoy.extensions.filters."
TLS = PREFIX + "envoy.extensions.transport_sockets.tls.v3."
HCM = FILTERS + "network.http_connection_manager.v3.HttpConnectionManager"


def listener(filter_: dict, **chain) -> dict:
    return {"@type": LDS, "name": "l", "filter_chains": [{"filters": [{"name": "f", "typed_config": filter_}], **chain}]}


def route(**action) -> dict:
    routes = [{"match": {"prefix": "/"}, "route": action}]
    return {"@type": RDS, "name": "r", "virtual_hosts": [{"name": "v", "domains": ["*"], "routes": routes}]}


SECRET = {"@type": TLS + "UpstreamTlsContext", "common_tls_context": {
    "tls_certificate_sds_secret_configs": [{"name": "own", "sds_config": {"ads": {}}}],
    "validation_context_sds_secret_config": {"name": "trusted", "sds_config": {"self": {}}},
}}  # fmt: skip

CASES = {
    "a cluster without EDS": ({"@type": CDS, "name": "c"}, set()),
    "its own name": ({"@type": CDS, "name": "c", "type": "EDS", "eds_cluster_config": {"eds_config": ADS}}, {(EDS, "c")}),
    "a service name": (
        {"@type": CDS, "name": "c", "type": "EDS", "eds_cluster_config": {"eds_config": ADS, "service_name": "s"}},
        {(EDS, "s")},
    ),
    "endpoints from a file": (
        {
            "@type": CDS,
            "name": "c",
            "type": "EDS",
            "eds_cluster_config": {"eds_config": {"path_config_source": {"path": "/x"}}},
        },
        set(),
    ),
    "secrets inside an Any": (
        {"@type": CDS, "name": "c", "transport_socket": {"name": "tls", "typed_config": SECRET}},
        {(SDS, "own"), (SDS, "trusted")},
    ),
    "routes": (
        listener({"@type": HCM, "stat_prefix": "s", "rds": {"route_config_name": "r", "config_source": ADS}}),
        {(RDS, "r")},
    ),
    "routes written inside": (
        listener(
            {
                "@type": HCM,
                "stat_prefix": "s",
                "route_config": {
                    "virtual_hosts": [
                        {
                            "name": "v",
                            "domains": ["*"],
                            "routes": [{"match": {"prefix": "/"}, "route": {"cluster": "c"}}],
                        }
                    ]
                },
            }
        ),
        {(CDS, "c")},
    ),
    "a TCP proxy's weights": (
        listener(
            {
                "@type": FILTERS + "network.tcp_proxy.v3.TcpProxy",
                "stat_prefix": "s",
                "weighted_clusters": {"clusters": [{"name": "a", "weight": 1}, {"name": "b", "weight": 1}]},
            }
        ),
        {(CDS, "a"), (CDS, "b")},
    ),
    "an aggregate": (
        {
            "@type": CDS,
            "name": "c",
            "cluster_type": {
                "name": "envoy.clusters.aggregate",
                "typed_config": {
                    "@type": PREFIX + "envoy.extensions.clusters.aggregate.v3.ClusterConfig",
                    "clusters": ["a", "b"],
                },
            },
        },
        {(CDS, "a"), (CDS, "b")},
    ),
    "weights and mirrors": (
        route(
            weighted_clusters={"clusters": [{"name": "a", "weight": 1}, {"name": "b", "weight": 0}]},
            request_mirror_policies=[{"cluster": "m"}],
        ),
        {(CDS, "a"), (CDS, "b"), (CDS, "m")},
    ),
    "a cluster chosen by a header": (route(cluster_header="x-cluster"), set()),
    "maps": (
        {
            "@type": RDS,
            "name": "r",
            "typed_per_filter_config": {
                "envoy.filters.http.ext_authz": {
                    "@type": FILTERS + "http.ext_authz.v3.ExtAuthz",
                    "grpc_service": {"envoy_grpc": {"cluster_name": "auth"}},
                },
            },
        },
        {(CDS, "auth")},
    ),
    "a scope": ({"@type": SRDS, "name": "s", "route_configuration_name": "r"}, {(RDS, "r")}),
    "a scope of its own": (
        {"@type": SRDS, "name": "s", "route_configuration": {"virtual_hosts": [{"name": "v", "routes": [TO_C]}]}},
        {(CDS, "c")},
    ),
    "endpoints one by one": (
        {
            "@type": EDS,
            "cluster_name": "c",
            "endpoints": [
                {"leds_cluster_locality_config": {"leds_config": ADS, "leds_collection_name": "xdstp://x/t/c/*?b=1&a=2"}}
            ],
        },
        {(LEDS, "xdstp://x/t/c/*?a=2&b=1")},
    ),
    "virtual hosts to be": ({"@type": RDS, "name": "r", "vhds": {"config_source": ADS}}, {(VHDS, "r/")}),
    "a virtual host": ({"@type": VHDS, "name": "r/v", "domains": ["a"], "routes": [TO_C]}, {(CDS, "c")}),
    "filters of their own discovery": (
        {
            "@type": LDS,
            "name": "l",
            "listener_filters": [{"name": "first", "config_discovery": {"config_source": {"ads": {}}}}],
            "filter_chains": [{"filters": [{"name": "second", "config_discovery": {"config_source": {"ads": {}}}}]}],
        },
        {(ECDS, "first"), (ECDS, "second")},
    ),
    "a filter that a file describes": (
        {
            "@type": LDS,
            "name": "l",
            "listener_filters": [{"name": "f", "config_discovery": {"config_source": {"path": "/f"}}}],
        },
        set(),
    ),
    "a URI": (
        {
            "@type": CDS,
            "name": "c",
            "type": "EDS",
            "eds_cluster_config": {"service_name": "xdstp://x/t/e?k=1&j=2", "eds_config": {"ads": {}}},
        },
        {(EDS, "xdstp://x/t/e?j=2&k=1")},
    ),
    "maps of plain values": (
        {
            "@type": CDS,
            "name": "c",
            "metadata": {"filter_metadata": {"a": {"b": 1}}},
            "typed_extension_protocol_options": {},
        },
        set(),
    ),
}


@pytest.mark.parametrize(("body", "named"), CASES.values(), ids=CASES)
def test_what_a_message_names(body, named):
    assert references(from_json(body)) == named


def test_an_any_of_a_type_that_nobody_knows_names_nothing():
    socket = {"name": "x", "typed_config": {"type_url": PREFIX + "nobody.Knows", "value": b"\xff"}}
    assert references(build("envoy.config.cluster.v3.Cluster", {"name": "c", "transport_socket": socket})) == frozenset()

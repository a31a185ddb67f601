"""Clusters, as gRPC reads them (gRFCs A27, A29, A37, A42, A48, A50, A52)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from xds.codec.proxyless.flaw import Flaw, last_word, passed_over, source_flaw, unpacked
from xds.codec.proxyless.tls import upstream_flaws

POLICIES: Final = "envoy.extensions.load_balancing_policies."
KNOWN: Final = frozenset(
    POLICIES + one
    for one in (
        "client_side_weighted_round_robin.v3.ClientSideWeightedRoundRobin",
        "pick_first.v3.PickFirst",
        "ring_hash.v3.RingHash",
        "round_robin.v3.RoundRobin",
        "wrr_locality.v3.WrrLocality",
    )
)
LEAST_REQUEST: Final = POLICIES + "least_request.v3.LeastRequest"
NOT_EVERYWHERE: Final = "is known to gRPC for Go and Java; every other gRPC refuses the cluster"
AGGREGATE: Final = "envoy.clusters.aggregate"
PERCENTAGES: Final = (
    "max_ejection_percent",
    "enforcing_success_rate",
    "failure_percentage_threshold",
    "enforcing_failure_percentage",
)


def cluster_flaws(cluster: Any) -> Iterator[Flaw]:
    """What is wrong with a Cluster."""
    yield from _discovery_flaws(cluster)
    yield from _balancing_flaws(cluster)
    if cluster.HasField("transport_socket"):
        yield from upstream_flaws("transport_socket.typed_config", cluster.transport_socket.typed_config)
    if cluster.HasField("lrs_server") and cluster.lrs_server.WhichOneof("config_source_specifier") != "self":
        yield Flaw("lrs_server", "must be self")
    for name in PERCENTAGES:
        if getattr(cluster.outlier_detection, name).value > 100:
            yield Flaw(f"outlier_detection.{name}", "must be at most 100")


def _discovery_flaws(cluster: Any) -> Iterator[Flaw]:
    if cluster.WhichOneof("cluster_discovery_type") == "cluster_type":
        if cluster.cluster_type.name != AGGREGATE:
            yield Flaw("cluster_type", f"{cluster.cluster_type.name} is unknown to gRPC, which knows {AGGREGATE}")
    elif cluster.type == cluster.EDS:
        yield from source_flaw(cluster.eds_cluster_config.eds_config, "eds_cluster_config.eds_config")
    elif cluster.type == cluster.LOGICAL_DNS:
        yield from _dns_flaws(cluster)
    else:
        yield Flaw("type", f"must be EDS or LOGICAL_DNS, not {cluster.DiscoveryType.Name(cluster.type)}")


def _dns_flaws(cluster: Any) -> Iterator[Flaw]:
    endpoints = [one for place in cluster.load_assignment.endpoints for one in place.lb_endpoints]
    if len(cluster.load_assignment.endpoints) != 1 or len(endpoints) != 1:
        yield Flaw("load_assignment", "must have one locality with one endpoint, for a cluster of the type LOGICAL_DNS")


def _balancing_flaws(cluster: Any) -> Iterator[Flaw]:
    if cluster.HasField("load_balancing_policy"):
        yield from _typed_flaws(cluster.load_balancing_policy.policies)
        return
    name = cluster.LbPolicy.Name(cluster.lb_policy)
    if name == "LEAST_REQUEST":
        yield passed_over("lb_policy", f"LEAST_REQUEST {NOT_EVERYWHERE}")
    elif name == "RING_HASH":
        if cluster.ring_hash_lb_config.hash_function != cluster.RingHashLbConfig.XX_HASH:
            yield Flaw("ring_hash_lb_config.hash_function", "must be XX_HASH")
    elif name != "ROUND_ROBIN":
        yield Flaw("lb_policy", f"must be ROUND_ROBIN, RING_HASH or LEAST_REQUEST, not {name}")


def _typed_flaws(policies: Iterable[Any]) -> Iterator[Flaw]:
    """The first policy that is known counts; a custom one, in a TypedStruct, is the client's own matter."""
    kinds = [one.typed_extension_config.typed_config for one in policies]
    names = [unpacked(one)[0] for one in kinds]
    if any(name in KNOWN or not name.startswith("envoy.") for name in names):
        return
    if LEAST_REQUEST in names:
        yield passed_over("load_balancing_policy", f"LeastRequest {NOT_EVERYWHERE}")
    else:
        told = ", ".join(map(last_word, names)) or "nothing"
        yield Flaw("load_balancing_policy", f"must have a policy that gRPC knows: {_listed()}; it has {told}")


def _listed() -> str:
    return ", ".join(sorted(map(last_word, KNOWN)))

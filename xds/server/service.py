"""The discovery services: what Envoy calls them, which type each serves, and by which methods.

https://www.envoyproxy.io/docs/envoy/latest/api-docs/xds_protocol "RPC Services and Methods for Each Variant"
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from xds.model.type_url import CDS, ECDS, EDS, LDS, LEDS, RDS, RTDS, SDS, SRDS, VHDS, short_type
from xds.protocol import DELTA, SOTW, Dialect


@dataclass(frozen=True, slots=True)
class Service:
    """A service of one type: its full name, the ending of its methods, and its path over REST.

    A service without a path has the delta method alone: its type has no state-of-the-world form.
    """

    name: str
    methods: str
    type_url: str
    path: str = ""


SERVICES: Final = (
    Service("cluster.v3.ClusterDiscoveryService", "Clusters", CDS, "clusters"),
    Service("endpoint.v3.EndpointDiscoveryService", "Endpoints", EDS, "endpoints"),
    Service("listener.v3.ListenerDiscoveryService", "Listeners", LDS, "listeners"),
    Service("route.v3.RouteDiscoveryService", "Routes", RDS, "routes"),
    Service("route.v3.ScopedRoutesDiscoveryService", "ScopedRoutes", SRDS, "scoped-routes"),
    Service("route.v3.VirtualHostDiscoveryService", "VirtualHosts", VHDS),
    Service("secret.v3.SecretDiscoveryService", "Secrets", SDS, "secrets"),
    Service("extension.v3.ExtensionConfigDiscoveryService", "ExtensionConfigs", ECDS, "extension_configs"),
    Service("runtime.v3.RuntimeDiscoveryService", "Runtime", RTDS, "runtime"),
    Service("endpoint.v3.LocalityEndpointDiscoveryService", "LocalityEndpoints", LEDS),
)

AGGREGATED: Final = "discovery.v3.AggregatedDiscoveryService"


@dataclass(frozen=True, slots=True)
class Method:
    """One gRPC method. `only` is the type URL that it serves, empty for all of them; `once` is for one answer, without a
    stream.
    """

    dialect: Dialect
    only: str = ""
    once: bool = False

    @property
    def service(self) -> str:
        """What people call its service: `ads`, or the short type that it serves."""
        return short_type(self.only) if self.only else "ads"


SOTW_ADS, DELTA_ADS = Method(SOTW), Method(DELTA)


def _methods() -> Iterator[tuple[str, Method]]:
    yield _path(AGGREGATED, "StreamAggregatedResources"), SOTW_ADS
    yield _path(AGGREGATED, "DeltaAggregatedResources"), DELTA_ADS
    for one in SERVICES:
        yield _path(one.name, f"Delta{one.methods}"), Method(DELTA, one.type_url)
        if one.path:
            yield _path(one.name, f"Stream{one.methods}"), Method(SOTW, one.type_url)
            yield _path(one.name, f"Fetch{one.methods}"), Method(SOTW, one.type_url, once=True)


def _path(service: str, method: str) -> str:
    return f"/envoy.service.{service}/{method}"


METHODS: Final[Mapping[str, Method]] = dict(_methods())
"""The path of every gRPC method of discovery -> what it does."""

PATHS: Final[Mapping[str, str]] = {f"/v3/discovery:{one.path}": one.type_url for one in SERVICES if one.path}
"""The path of every REST endpoint -> the type that it serves."""

"""Variants: the ways in which a client may speak to a server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from resources import CDS, ECDS, EDS, LDS, LEDS, RDS, RTDS, SDS, SRDS, VHDS

SERVICES: Final[Mapping[str, tuple[str, str]]] = {
    CDS: ("cluster.v3.ClusterDiscoveryService", "Clusters"),
    EDS: ("endpoint.v3.EndpointDiscoveryService", "Endpoints"),
    LEDS: ("endpoint.v3.LocalityEndpointDiscoveryService", "LocalityEndpoints"),
    LDS: ("listener.v3.ListenerDiscoveryService", "Listeners"),
    RDS: ("route.v3.RouteDiscoveryService", "Routes"),
    SRDS: ("route.v3.ScopedRoutesDiscoveryService", "ScopedRoutes"),
    VHDS: ("route.v3.VirtualHostDiscoveryService", "VirtualHosts"),
    SDS: ("secret.v3.SecretDiscoveryService", "Secrets"),
    RTDS: ("runtime.v3.RuntimeDiscoveryService", "Runtime"),
    ECDS: ("extension.v3.ExtensionConfigDiscoveryService", "ExtensionConfigs"),
}
"""Type URL -> the gRPC service of that type alone, and what its methods are about."""


@dataclass(frozen=True, slots=True)
class Variant:
    """A dialect, on the aggregated stream or on the service of one type; or, by name, another way to ask."""

    dialect: str
    single: bool
    name: str = ""

    def __str__(self) -> str:
        return self.name or f"{self.dialect}-{'single' if self.single else 'ads'}"

    def path(self, type_url: str) -> str:
        """The gRPC method to call."""
        service, noun = "discovery.v3.AggregatedDiscoveryService", "AggregatedResources"
        if self.single:
            service, noun = SERVICES[type_url]
        return f"/envoy.service.{service}/{'Delta' if self.dialect == 'delta' else 'Stream'}{noun}"


SOTW_ADS: Final = Variant("sotw", single=False)
SOTW_SINGLE: Final = Variant("sotw", single=True)
DELTA_ADS: Final = Variant("delta", single=False)
DELTA_SINGLE: Final = Variant("delta", single=True)

REST: Final = Variant("sotw", single=True, name="rest")
FETCH: Final = Variant("sotw", single=True, name="fetch")
SERVER: Final = Variant("sotw", single=False, name="server")
"""What is asked of the server as a whole: its transport, and the services beside discovery."""

SOTW: Final = (SOTW_ADS, SOTW_SINGLE)
DELTA: Final = (DELTA_ADS, DELTA_SINGLE)
ADS: Final = (SOTW_ADS, DELTA_ADS)
SINGLE: Final = (SOTW_SINGLE, DELTA_SINGLE)
ALL: Final = SOTW + DELTA

"""Resource types: Envoy's type URLs and the short names people use for them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

PREFIX: Final = "type.googleapis.com/"

CDS: Final = PREFIX + "envoy.config.cluster.v3.Cluster"
EDS: Final = PREFIX + "envoy.config.endpoint.v3.ClusterLoadAssignment"
SDS: Final = PREFIX + "envoy.extensions.transport_sockets.tls.v3.Secret"
LDS: Final = PREFIX + "envoy.config.listener.v3.Listener"
RDS: Final = PREFIX + "envoy.config.route.v3.RouteConfiguration"
SRDS: Final = PREFIX + "envoy.config.route.v3.ScopedRouteConfiguration"
VHDS: Final = PREFIX + "envoy.config.route.v3.VirtualHost"
ECDS: Final = PREFIX + "envoy.config.core.v3.TypedExtensionConfig"
RTDS: Final = PREFIX + "envoy.service.runtime.v3.Runtime"
LEDS: Final = PREFIX + "envoy.config.endpoint.v3.LbEndpoint"

SHORT_TYPES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "cds": CDS,
        "eds": EDS,
        "sds": SDS,
        "lds": LDS,
        "rds": RDS,
        "srds": SRDS,
        "vhds": VHDS,
        "ecds": ECDS,
        "rtds": RTDS,
        "leds": LEDS,
    },
)
"""Short type -> type URL, in the order in which a person reads a configuration: what a proxy needs first comes first."""

_SHORT: Final = {url: short for short, url in SHORT_TYPES.items()}


def short_type(type_url: str) -> str:
    """`cds` for the Cluster type URL, and so on; an unknown type URL is its own short name."""
    return _SHORT.get(type_url, type_url.removeprefix(PREFIX))

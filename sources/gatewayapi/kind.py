"""The kinds that the source reads."""

from __future__ import annotations

from typing import Final

from sources.gatewayapi.schema import ENVOY_GROUP
from sources.gatewayapi.schema.reference import GATEWAY_GROUP
from xds.model import Kind

GATEWAY_CLASS: Final = Kind(GATEWAY_GROUP, "GatewayClass")
GATEWAY: Final = Kind(GATEWAY_GROUP, "Gateway")
HTTP_ROUTE: Final = Kind(GATEWAY_GROUP, "HTTPRoute")
REFERENCE_GRANT: Final = Kind(GATEWAY_GROUP, "ReferenceGrant")
SERVICE: Final = Kind("", "Service")
CONFIG_MAP: Final = Kind("", "ConfigMap")
SECRET: Final = Kind("", "Secret")
NAMESPACE: Final = Kind("", "Namespace")
ENDPOINT_SLICE: Final = Kind("discovery.k8s.io", "EndpointSlice")
BACKEND: Final = Kind(ENVOY_GROUP, "Backend", "v1alpha1")

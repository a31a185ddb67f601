"""Gateway API v1 as a configuration language: GatewayClass, Gateway, HTTPRoute, ReferenceGrant, Service, EndpointSlice,
Secret, ConfigMap, Namespace and Backend to Envoy's resources.
"""

from sources.gatewayapi.settings import Settings
from sources.gatewayapi.source import GatewayApi

__all__ = ["GatewayApi", "Settings"]

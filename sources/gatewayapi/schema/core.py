"""Service, EndpointSlice, Secret, ConfigMap and Namespace: the fields of Kubernetes' own kinds that a gateway reads."""

from __future__ import annotations

from typing import Literal

from msgspec import field

from sources.gatewayapi.schema.document import CoreDocument, Loose
from sources.gatewayapi.schema.scalar import Port


class ServicePort(Loose, frozen=True):
    """A port of a Service; EndpointSlices have it under its name."""

    port: Port
    name: str = ""
    protocol: str = "TCP"
    app_protocol: str | None = None


class ServiceSpec(Loose, frozen=True):
    """The ports of a Service and how it is served."""

    ports: tuple[ServicePort, ...] = ()
    type: Literal["ClusterIP", "NodePort", "LoadBalancer", "ExternalName"] = "ClusterIP"
    external_name: str | None = None


class Service(CoreDocument, frozen=True):
    """core Service."""

    spec: ServiceSpec = ServiceSpec()


class EndpointConditions(Loose, frozen=True):
    """Whether an endpoint takes requests. Unknown counts as ready; unknown serving is the same as ready."""

    ready: bool | None = None
    serving: bool | None = None
    terminating: bool | None = None


class Endpoint(Loose, frozen=True):
    """One backend, under addresses that are all the same to a client."""

    addresses: tuple[str, ...]
    conditions: EndpointConditions = EndpointConditions()
    hostname: str | None = None
    zone: str | None = None
    node_name: str | None = None


class EndpointPort(Loose, frozen=True):
    """A port that every endpoint of the slice has."""

    name: str = ""
    port: Port | None = None
    protocol: str = "TCP"
    app_protocol: str | None = None


class EndpointSlice(CoreDocument, frozen=True):
    """discovery.k8s.io EndpointSlice."""

    address_type: Literal["IPv4", "IPv6", "FQDN"]
    endpoints: tuple[Endpoint, ...] = ()
    ports: tuple[EndpointPort, ...] = ()


class Secret(CoreDocument, frozen=True):
    """core Secret. The values of `data` are base64, those of `string_data` are not and count for more."""

    type: str = "Opaque"
    data: dict[str, str] = field(default_factory=dict)
    string_data: dict[str, str] = field(default_factory=dict)


class ConfigMap(CoreDocument, frozen=True):
    """core ConfigMap: text by name."""

    data: dict[str, str] = field(default_factory=dict)


class Namespace(CoreDocument, frozen=True):
    """core Namespace: only its labels matter."""

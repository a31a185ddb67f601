"""GatewayClass and Gateway."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, field

from sources.gatewayapi.schema.document import Document, Strict
from sources.gatewayapi.schema.reference import GATEWAY_GROUP, LocalRef, ObjectRef, SecretRef
from sources.gatewayapi.schema.scalar import ControllerName, Group, Hostname, KindName, Name, Port, Protocol


class GatewayClassSpec(Strict, frozen=True):
    """Which controller the Gateways of the class belong to."""

    controller_name: ControllerName
    parameters_ref: ObjectRef | None = None
    description: Annotated[str, Meta(max_length=64)] | None = None


class GatewayClass(Document, frozen=True):
    """gateway.networking.k8s.io GatewayClass."""

    spec: GatewayClassSpec


class Requirement(Strict, frozen=True):
    """One expression of a label selector."""

    key: str
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist"]
    values: tuple[str, ...] = ()


class Selector(Strict, frozen=True):
    """A label selector: every label and every expression must hold. An empty one selects everything."""

    match_labels: dict[str, str] = field(default_factory=dict)
    match_expressions: tuple[Requirement, ...] = ()


class RouteNamespaces(Strict, frozen=True):
    """The namespaces whose routes may attach."""

    from_: Literal["All", "Selector", "Same", "None"] = field(default="Same", name="from")
    selector: Selector | None = None


class RouteGroupKind(Strict, frozen=True):
    """A kind of route."""

    kind: KindName
    group: Group = GATEWAY_GROUP


class AllowedRoutes(Strict, frozen=True):
    """The routes that may attach to a listener. No kinds: those that the protocol allows."""

    namespaces: RouteNamespaces = RouteNamespaces()
    kinds: Annotated[tuple[RouteGroupKind, ...], Meta(max_length=8)] = ()


class ListenerTLS(Strict, frozen=True):
    """How a listener ends, or passes on, TLS."""

    mode: Literal["Terminate", "Passthrough"] = "Terminate"
    certificate_refs: Annotated[tuple[SecretRef, ...], Meta(max_length=64)] = ()
    options: Annotated[dict[str, Annotated[str, Meta(max_length=4096)]], Meta(max_length=16)] = field(default_factory=dict)


class Listener(Strict, frozen=True):
    """One logical endpoint of a Gateway. No hostname: every hostname."""

    name: Name
    port: Port
    protocol: Protocol
    hostname: Hostname | None = None
    tls: ListenerTLS | None = None
    allowed_routes: AllowedRoutes = AllowedRoutes()


class Address(Strict, frozen=True):
    """An address that is asked for. No value: one of the type, as the gateway chooses."""

    type: Annotated[str, Meta(min_length=1, max_length=253)] = "IPAddress"
    value: Annotated[str, Meta(max_length=253)] | None = None


class Infrastructure(Strict, frozen=True):
    """What is to be put on whatever runs the Gateway."""

    labels: Annotated[dict[str, str], Meta(max_length=8)] = field(default_factory=dict)
    annotations: Annotated[dict[str, str], Meta(max_length=8)] = field(default_factory=dict)
    parameters_ref: LocalRef | None = None


class ListenerNamespaces(Strict, frozen=True):
    """The namespaces whose ListenerSets may attach."""

    from_: Literal["All", "Selector", "Same", "None"] = field(default="None", name="from")
    selector: Selector | None = None


class AllowedListeners(Strict, frozen=True):
    """The ListenerSets that may attach."""

    namespaces: ListenerNamespaces = ListenerNamespaces()


class Validation(Strict, frozen=True):
    """How the certificates of clients are checked."""

    ca_certificate_refs: Annotated[tuple[ObjectRef, ...], Meta(min_length=1, max_length=8)]
    mode: Literal["AllowValidOnly", "AllowInsecureFallback"] = "AllowValidOnly"


class FrontendTLSConfig(Strict, frozen=True):
    """The checks of client certificates of some listeners."""

    validation: Validation | None = None


class PortTLS(Strict, frozen=True):
    """The checks of client certificates of one port."""

    port: Port
    tls: FrontendTLSConfig


class FrontendTLS(Strict, frozen=True):
    """TLS between clients and the Gateway."""

    default: FrontendTLSConfig
    per_port: Annotated[tuple[PortTLS, ...], Meta(max_length=64)] = ()


class BackendTLS(Strict, frozen=True):
    """TLS between the Gateway and backends."""

    client_certificate_ref: SecretRef | None = None


class GatewayTLS(Strict, frozen=True):
    """TLS of a whole Gateway."""

    frontend: FrontendTLS | None = None
    backend: BackendTLS | None = None


class GatewaySpec(Strict, frozen=True):
    """What a Gateway asks for."""

    gateway_class_name: Name
    listeners: Annotated[tuple[Listener, ...], Meta(min_length=1, max_length=64)]
    addresses: Annotated[tuple[Address, ...], Meta(max_length=16)] = ()
    infrastructure: Infrastructure | None = None
    allowed_listeners: AllowedListeners | None = None
    tls: GatewayTLS | None = None
    default_scope: Literal["All", "None"] | None = None


class Gateway(Document, frozen=True):
    """gateway.networking.k8s.io Gateway."""

    spec: GatewaySpec

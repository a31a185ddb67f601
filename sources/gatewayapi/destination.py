"""Destinations: what a backend reference comes to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, NamedTuple

from sources.gatewayapi.grant import Crossing, granted
from sources.gatewayapi.kind import BACKEND, HTTP_ROUTE, SERVICE
from sources.gatewayapi.known import Known
from sources.gatewayapi.schema.backend import Backend
from sources.gatewayapi.schema.core import Service, ServicePort
from sources.gatewayapi.schema.reference import BackendRef
from sources.graph import Reader
from xds.model import Key, Kind

H2C: Final = frozenset({"kubernetes.io/h2c", "gateway.envoyproxy.io/h2c"})
"""What a backend says that speaks HTTP/2 without TLS."""

ENCRYPTED: Final = frozenset({"https", "kubernetes.io/wss", "gateway.envoyproxy.io/wss"})
"""What a backend says that wants TLS, which is not spoken to backends yet."""


class Wanted(NamedTuple):
    """A backend reference, by where it comes from and what it names."""

    namespace: str
    to: Key
    port: int | None

    @classmethod
    def by(cls, ref: BackendRef, namespace: str) -> Wanted:
        """What a reference in an HTTPRoute of this namespace names."""
        return cls(namespace, Key(Kind(ref.group, ref.kind), ref.namespace or namespace, ref.name), ref.port)

    def __str__(self) -> str:
        port = f":{self.port}" if self.port and self.to.kind == SERVICE else ""
        return f"{self.to.kind.name.lower()} {self.to.namespace}/{self.to.name}{port}"


@dataclass(frozen=True, slots=True)
class Destination:
    """A cluster; or none, and the reason and message of the condition ResolvedRefs that says why.

    `label` is what a person calls it: `service default/echo:80`.
    """

    label: str
    cluster: str = ""
    reason: str = "ResolvedRefs"
    message: str = ""


def destination(read: Reader, wanted: Wanted) -> Destination:
    """What a backend reference comes to."""
    resolve = _RESOLVE.get(wanted.to.kind)
    if resolve is None:
        kind = f"{wanted.to.kind.group or 'core'}/{wanted.to.kind.name}"
        message = f"{wanted.to} cannot be a backend: {kind} is neither a Service nor a Backend (gateway.envoyproxy.io)"
        return Destination(str(wanted), "", "InvalidKind", message)
    if not read.get(granted, crossing := Crossing(HTTP_ROUTE, wanted.namespace, wanted.to)):
        return Destination(str(wanted), "", "RefNotPermitted", crossing.wish)
    return resolve(read, wanted)


def port_of(service: Service, number: int | None) -> ServicePort | None:
    """The TCP port of a Service with this number."""
    return next((port for port in service.spec.ports if port.port == number and port.protocol == "TCP"), None)


def _service(read: Reader, wanted: Wanted) -> Destination:
    known: Known[Service] | None = read.input(wanted.to)
    if known is None:
        return Destination(str(wanted), "", "BackendNotFound", f"there is no {wanted.to}")
    if known.document.spec.type == "ExternalName":
        message = f"{wanted.to} is of type ExternalName and has no endpoints; use a Backend with an fqdn endpoint"
        return Destination(str(wanted), "", "BackendNotFound", message)
    port = port_of(known.document, wanted.port)
    if port is None:
        return Destination(str(wanted), "", "PortNotFound", _no_port(known.document, wanted))
    if port.app_protocol in ENCRYPTED:
        message = f"port {port.port} of {wanted.to} speaks {port.app_protocol}, and TLS to backends is not supported yet"
        return Destination(str(wanted), "", "UnsupportedProtocol", message)
    return Destination(str(wanted), f"service/{wanted.to.namespace}/{wanted.to.name}/{port.port}")


def _no_port(service: Service, wanted: Wanted) -> str:
    ports = ", ".join(str(port.port) for port in service.spec.ports if port.protocol == "TCP") or "none"
    what = f"has no TCP port {wanted.port}" if wanted.port else "must be referred to with a port"
    return f"{wanted.to} {what}; its ports are: {ports}"


def _backend(read: Reader, wanted: Wanted) -> Destination:
    known: Known[Backend] | None = read.input(wanted.to)
    if known is None:
        return Destination(str(wanted), "", "BackendNotFound", f"there is no {wanted.to}")
    if unsupported := unsupported_by(known.document):
        return Destination(str(wanted), "", "UnsupportedValue", f"{wanted.to} {unsupported}")
    return Destination(str(wanted), f"backend/{wanted.to.namespace}/{wanted.to.name}")


def unsupported_by(backend: Backend) -> str:
    """What a Backend asks for that does not exist here yet; empty when everything does."""
    spec = backend.spec
    asked = {
        "is of type DynamicResolver, which is not supported yet": spec.type == "DynamicResolver",
        "asks for TLS to its endpoints, which is not supported yet": spec.tls is not None
        or ENCRYPTED & {*spec.app_protocols},
        "is a fallback, which is not supported yet": spec.fallback,
    }
    return next((what for what, does in asked.items() if does), "")


_RESOLVE: Final[Mapping[Kind, Callable[[Reader, Wanted], Destination]]] = MappingProxyType(
    {SERVICE: _service, BACKEND: _backend}
)
"""What can be a backend, and how it is resolved."""

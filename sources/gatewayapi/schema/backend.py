"""Backend: endpoints outside of any Service."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta

from sources.gatewayapi.schema.document import Document, Strict
from sources.gatewayapi.schema.scalar import ONE_LINE, Port, PreciseHostname

AppProtocol = Literal["gateway.envoyproxy.io/h2c", "gateway.envoyproxy.io/ws", "gateway.envoyproxy.io/wss"]


class IPEndpoint(Strict, frozen=True):
    """An IP address, version 4 or 6, and a port."""

    address: str
    port: Port


class FQDNEndpoint(Strict, frozen=True):
    """A name that is looked up in DNS, and a port."""

    hostname: PreciseHostname
    port: Port


class UnixEndpoint(Strict, frozen=True):
    """A Unix domain socket."""

    path: Annotated[str, Meta(min_length=1, max_length=108, pattern=ONE_LINE)]


class BackendEndpoint(Strict, frozen=True):
    """Exactly one of `ip`, `fqdn` and `unix`."""

    ip: IPEndpoint | None = None
    fqdn: FQDNEndpoint | None = None
    unix: UnixEndpoint | None = None
    hostname: PreciseHostname | None = None
    zone: str | None = None


class BackendSpec(Strict, frozen=True):
    """The endpoints and what they speak; HTTP/1.1 when nothing is said."""

    type: Literal["Endpoints", "DynamicResolver"] = "Endpoints"
    endpoints: Annotated[tuple[BackendEndpoint, ...], Meta(max_length=256)] = ()
    app_protocols: tuple[AppProtocol, ...] = ()
    fallback: bool = False
    tls: dict[str, Any] | None = None


class Backend(Document, frozen=True):
    """gateway.envoyproxy.io Backend."""

    spec: BackendSpec

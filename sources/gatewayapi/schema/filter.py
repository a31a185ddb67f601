"""Filters: what an HTTPRoute may do to a request or a response."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from sources.gatewayapi.schema.document import Strict
from sources.gatewayapi.schema.reference import BackendRef, LocalRef
from sources.gatewayapi.schema.scalar import (
    Count,
    HeaderName,
    HeaderValue,
    Origin,
    PathValue,
    Port,
    Positive,
    PreciseHostname,
)

AllowedMethod = Literal["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "*"]
Percent = Annotated[int, Meta(ge=0, le=100)]


class Header(Strict, frozen=True):
    """A header and its value."""

    name: HeaderName
    value: HeaderValue


class HeaderModifier(Strict, frozen=True):
    """Headers to overwrite, to append, and to remove."""

    set: Annotated[tuple[Header, ...], Meta(max_length=16)] = ()
    add: Annotated[tuple[Header, ...], Meta(max_length=16)] = ()
    remove: Annotated[tuple[HeaderName, ...], Meta(max_length=16)] = ()


class PathModifier(Strict, frozen=True):
    """A new path: another one as a whole, or another one for the prefix that matched."""

    type: Literal["ReplaceFullPath", "ReplacePrefixMatch"]
    replace_full_path: PathValue | None = None
    replace_prefix_match: PathValue | None = None


class RequestRedirect(Strict, frozen=True):
    """Sends the client elsewhere. What is absent stays as it was in the request."""

    scheme: Literal["http", "https"] | None = None
    hostname: PreciseHostname | None = None
    path: PathModifier | None = None
    port: Port | None = None
    status_code: Literal[301, 302, 303, 307, 308] = 302


class URLRewrite(Strict, frozen=True):
    """Changes the Host and the path that the backend sees."""

    hostname: PreciseHostname | None = None
    path: PathModifier | None = None


class Fraction(Strict, frozen=True):
    """A share, exactly."""

    numerator: Count
    denominator: Positive = 100


class RequestMirror(Strict, frozen=True):
    """Sends a copy of the request (or of a share of the requests) to another backend, whose answer is dropped."""

    backend_ref: BackendRef
    percent: Percent | None = None
    fraction: Fraction | None = None


class CORS(Strict, frozen=True):
    """What scripts of other origins may do. `*` stands alone for all, and in an origin for any labels in front.

    `max_age` is in seconds: for how long a browser may keep the answer.
    """

    allow_origins: Annotated[tuple[Origin, ...], Meta(max_length=64)] = ()
    allow_credentials: bool | None = None
    allow_methods: Annotated[tuple[AllowedMethod, ...], Meta(max_length=9)] = ()
    allow_headers: Annotated[tuple[HeaderName, ...], Meta(max_length=64)] = ()
    expose_headers: Annotated[tuple[HeaderName, ...], Meta(max_length=64)] = ()
    max_age: Positive = 5


class GRPCAuth(Strict, frozen=True):
    """What an authorization service that speaks gRPC is told. Experimental."""

    allowed_headers: Annotated[tuple[str, ...], Meta(max_length=64)] = ()


class HTTPAuth(Strict, frozen=True):
    """What an authorization service that speaks HTTP is told, and what its answer adds. Experimental."""

    path: str | None = None
    allowed_headers: Annotated[tuple[str, ...], Meta(max_length=64)] = ()
    allowed_response_headers: Annotated[tuple[str, ...], Meta(max_length=64)] = ()


class ForwardBody(Strict, frozen=True):
    """How much of a request's body an authorization service sees, in bytes. Experimental."""

    max_size: Count | None = None


class ExternalAuth(Strict, frozen=True):
    """Asks another service whether a request may pass. Experimental."""

    protocol: Literal["HTTP", "GRPC"]
    backend_ref: BackendRef
    grpc: GRPCAuth | None = None
    http: HTTPAuth | None = None
    forward_body: ForwardBody | None = None


class HTTPRouteFilter(Strict, frozen=True):
    """One filter: `type` says which of the others is given. An unknown type is refused where it is used."""

    type: Annotated[str, Meta(min_length=1)]
    request_header_modifier: HeaderModifier | None = None
    response_header_modifier: HeaderModifier | None = None
    request_mirror: RequestMirror | None = None
    request_redirect: RequestRedirect | None = None
    url_rewrite: URLRewrite | None = None
    cors: CORS | None = None
    extension_ref: LocalRef | None = None
    external_auth: ExternalAuth | None = None

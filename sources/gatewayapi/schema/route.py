"""HTTPRoute: rules, their matches, and what else they say."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from sources.gatewayapi.schema.document import Document, Strict
from sources.gatewayapi.schema.filter import HTTPRouteFilter
from sources.gatewayapi.schema.reference import ParentRef, WeightedRef
from sources.gatewayapi.schema.scalar import Count, Duration, HeaderName, HeaderValue, Hostname, Name, PathValue, QueryValue

PathType = Literal["Exact", "PathPrefix", "RegularExpression"]
ValueType = Literal["Exact", "RegularExpression"]
Method = Literal["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"]


class PathMatch(Strict, frozen=True):
    """The path must equal the value, lie under it, or match it as a whole (RE2)."""

    type: PathType = "PathPrefix"
    value: PathValue = "/"


class HeaderMatch(Strict, frozen=True):
    """A header must equal the value, or match it as a whole (RE2)."""

    name: HeaderName
    value: HeaderValue
    type: ValueType = "Exact"


class QueryParamMatch(Strict, frozen=True):
    """A query parameter must equal the value, or match it as a whole (RE2)."""

    name: HeaderName
    value: QueryValue
    type: ValueType = "Exact"


class HTTPRouteMatch(Strict, frozen=True):
    """All of these must hold for a request to match."""

    path: PathMatch = PathMatch()
    headers: Annotated[tuple[HeaderMatch, ...], Meta(max_length=16)] = ()
    query_params: Annotated[tuple[QueryParamMatch, ...], Meta(max_length=16)] = ()
    method: Method | None = None


class HTTPBackendRef(WeightedRef, frozen=True):
    """A backend, its share, and what is done to the requests of that share only."""

    filters: Annotated[tuple[HTTPRouteFilter, ...], Meta(max_length=16)] = ()


class Timeouts(Strict, frozen=True):
    """How long a request may take; `backend_request` is for each attempt at a backend. `0s` is no limit."""

    request: Duration | None = None
    backend_request: Duration | None = None


class Retry(Strict, frozen=True):
    """When and how often a request is tried again. Experimental."""

    codes: tuple[Annotated[int, Meta(ge=400, le=599)], ...] = ()
    attempts: Count | None = None
    backoff: Duration | None = None


class CookieConfig(Strict, frozen=True):
    """The cookie of a session. Experimental."""

    lifetime_type: Literal["Permanent", "Session"] = "Session"


class SessionPersistence(Strict, frozen=True):
    """That requests of one session go to one backend. Experimental."""

    session_name: Annotated[str, Meta(max_length=128)] | None = None
    absolute_timeout: Duration | None = None
    idle_timeout: Duration | None = None
    type: Literal["Cookie", "Header"] = "Cookie"
    cookie_config: CookieConfig | None = None


class HTTPRouteRule(Strict, frozen=True):
    """What happens to requests that match any of `matches`; without matches, to every request."""

    name: Name | None = None
    matches: Annotated[tuple[HTTPRouteMatch, ...], Meta(max_length=64)] = (HTTPRouteMatch(),)
    filters: Annotated[tuple[HTTPRouteFilter, ...], Meta(max_length=16)] = ()
    backend_refs: Annotated[tuple[HTTPBackendRef, ...], Meta(max_length=16)] = ()
    timeouts: Timeouts | None = None
    retry: Retry | None = None
    session_persistence: SessionPersistence | None = None

    @property
    def alternatives(self) -> tuple[HTTPRouteMatch, ...]:
        """`matches`; an empty list means the same as none: every request."""
        return self.matches or (HTTPRouteMatch(),)


class HTTPRouteSpec(Strict, frozen=True):
    """Where a route is attached, and its rules. No hostnames: those of the listener."""

    parent_refs: Annotated[tuple[ParentRef, ...], Meta(max_length=32)] = ()
    hostnames: Annotated[tuple[Hostname, ...], Meta(max_length=16)] = ()
    rules: Annotated[tuple[HTTPRouteRule, ...], Meta(max_length=16)] = (HTTPRouteRule(),)
    use_default_gateways: Literal["All", "None"] | None = None


class HTTPRoute(Document, frozen=True):
    """gateway.networking.k8s.io HTTPRoute."""

    spec: HTTPRouteSpec

"""Filters: from the filters of an HTTPRoute to fields of Route, RouteAction, RedirectAction and ClusterWeight."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from sources.gatewayapi.destination import Destination
from sources.gatewayapi.problem import Problem, refusal
from sources.gatewayapi.schema.filter import (
    Header,
    HeaderModifier,
    HTTPRouteFilter,
    PathModifier,
    RequestMirror,
    RequestRedirect,
    URLRewrite,
)
from sources.gatewayapi.schema.reference import BackendRef

Fields = dict[str, Any]
"""Fields of an Envoy message, for `xds.codec.build`."""

Resolve = Callable[[BackendRef], Destination]
"""What a backend reference of the route at hand comes to."""

WELL_KNOWN: Final[Mapping[str, int]] = {"http": 80, "https": 443}
STATUS: Final[Mapping[int, str]] = {
    301: "MOVED_PERMANENTLY",
    302: "FOUND",
    303: "SEE_OTHER",
    307: "TEMPORARY_REDIRECT",
    308: "PERMANENT_REDIRECT",
}
ON_RULES: Final = frozenset(
    {"RequestHeaderModifier", "ResponseHeaderModifier", "RequestMirror", "RequestRedirect", "URLRewrite", "CORS"}
)
ON_BACKENDS: Final = frozenset({"RequestHeaderModifier", "ResponseHeaderModifier", "URLRewrite"})
MILLION: Final = 1_000_000


class Entrance(NamedTuple):
    """Where requests come in: the port of a listener, and its scheme, `http` or `https`."""

    port: int
    scheme: str


def rule_problems(filters: Sequence[HTTPRouteFilter], path: str) -> Iterator[Problem]:
    """Why the filters of a rule cannot be honoured: then the rule must answer 500, for a filter may close something."""
    yield from _unsupported(filters, ON_RULES, path)
    if {"RequestRedirect", "URLRewrite"} <= {one.type for one in filters}:
        yield refusal("IncompatibleFilters", path, "has RequestRedirect and URLRewrite, which exclude each other")


def backend_problems(filters: Sequence[HTTPRouteFilter], path: str) -> Iterator[Problem]:
    """Why the filters of a backend reference cannot be honoured. Envoy can change headers and Host of a share, no more."""
    yield from _unsupported(filters, ON_BACKENDS, path)
    for index, one in enumerate(filters):
        if one.url_rewrite is not None and one.url_rewrite.path is not None:
            what = "is not supported on a backend; put it on the rule"
            yield refusal("UnsupportedValue", f"{path}[{index}].urlRewrite.path", what)


def _unsupported(filters: Sequence[HTTPRouteFilter], known: frozenset[str], path: str) -> Iterator[Problem]:
    for index, one in enumerate(filters):
        if one.type not in known:
            yield refusal("UnsupportedValue", f"{path}[{index}].type", f"{one.type} is not supported here")
        for modifier in (one.request_header_modifier, one.response_header_modifier):
            if modifier is not None and "host" in _names(modifier):
                what = "changes the header Host, which only URLRewrite can"
                yield refusal("UnsupportedValue", f"{path}[{index}]", what)


def _names(modifier: HeaderModifier) -> set[str]:
    return {one.name.lower() for one in (*modifier.set, *modifier.add)} | {name.lower() for name in modifier.remove}


def header_fields(filters: Iterable[HTTPRouteFilter]) -> Fields:
    """`request_headers_to_add` and the like: the same fields in a Route and in a ClusterWeight."""
    fields: Fields = {}
    for one in filters:
        for side, modifier in (("request", one.request_header_modifier), ("response", one.response_header_modifier)):
            if modifier is not None:
                fields[f"{side}_headers_to_add"] = list(_additions(modifier))
                fields[f"{side}_headers_to_remove"] = modifier.remove
    return fields


def _additions(modifier: HeaderModifier) -> Iterator[Fields]:
    """Of names that differ in case only, the first counts: header names have no case."""
    for headers, action in ((modifier.set, "OVERWRITE_IF_EXISTS_OR_ADD"), (modifier.add, "APPEND_IF_EXISTS_OR_ADD")):
        by_name: dict[str, Header] = {}
        for one in headers:
            by_name.setdefault(one.name.lower(), one)
        for one in by_name.values():
            # Envoy formats values: %% is a percent sign
            yield {"header": {"key": one.name, "value": one.value.replace("%", "%%")}, "append_action": action}


def rewrite_fields(rewrite: URLRewrite, prefix: str) -> Fields:
    """The fields of a RouteAction that change what the backend sees. `prefix` is the prefix that the rule matches."""
    host = {"host_rewrite_literal": rewrite.hostname} if rewrite.hostname else {}
    if rewrite.path is None:
        return host
    if rewrite.path.replace_full_path is not None:
        whole = _absolute(rewrite.path.replace_full_path).replace("\\", "\\\\")
        return {**host, "regex_rewrite": {"pattern": {"regex": "^/.*$"}, "substitution": whole}}
    return {**host, **_prefix_fields(rewrite.path, prefix)}


def redirect_fields(redirect: RequestRedirect, entrance: Entrance, prefix: str) -> Fields:
    """The fields of a RedirectAction. `prefix` is the prefix that the rule matches."""
    fields: Fields = {"response_code": STATUS[redirect.status_code], **_redirect_path(redirect.path, prefix)}
    if redirect.scheme is not None:
        fields["scheme_redirect"] = redirect.scheme
    if redirect.hostname is not None:
        fields["host_redirect"] = redirect.hostname
    if port := _redirect_port(redirect, entrance):
        fields["port_redirect"] = port
    return fields


def _redirect_port(redirect: RequestRedirect, entrance: Entrance) -> int:
    """The port to write into Location, 0 to write none.

    It is the one given, else that of the scheme given, else the listener's; and left out where the scheme says it.
    Envoy then keeps the port of the request's Host, and drops only one that its old scheme says. A client that came to
    another port has it in Host, so there the port must be written, needless as it looks.
    """
    scheme = redirect.scheme or entrance.scheme
    port = redirect.port or (WELL_KNOWN[redirect.scheme] if redirect.scheme else entrance.port)
    if port != WELL_KNOWN[scheme]:
        return port
    portless = redirect.hostname is not None or entrance.port == WELL_KNOWN[entrance.scheme]
    return 0 if portless else port


def _redirect_path(path: PathModifier | None, prefix: str) -> Fields:
    if path is None:
        return {}
    if path.replace_full_path is not None:
        return {"path_redirect": _absolute(path.replace_full_path)}
    return _prefix_fields(path, prefix)


def _prefix_fields(path: PathModifier, prefix: str) -> Fields:
    """Replaces the matched prefix so that exactly one slash stands between the new prefix and the rest."""
    new = (path.replace_prefix_match or "").strip("/")
    return {"prefix_rewrite": f"/{new}/" if new and prefix == "/" else f"/{new}"}


def removes_prefix(filters: Iterable[HTTPRouteFilter]) -> bool:
    """Whether the matched prefix is replaced by nothing.

    To Envoy a replacement is text for text: `/foo` of `/foo/bar` must become nothing, but `/foo` alone must become `/`.
    So such a rule needs one entry for the prefix itself and another for what is below it.
    """
    modifiers = [one.path for given in filters if (one := given.url_rewrite or given.request_redirect) and one.path]
    return any(one.replace_prefix_match is not None and not one.replace_prefix_match.strip("/") for one in modifiers)


def _absolute(path: str) -> str:
    return path if path.startswith("/") else f"/{path}"


def mirror_fields(mirror: RequestMirror, cluster: str) -> Fields:
    """The fields of a RequestMirrorPolicy."""
    share = {"numerator": _share(mirror), "denominator": "MILLION"}
    return {
        "cluster": cluster,
        "runtime_fraction": {"default_value": share},
        "disable_shadow_host_suffix_append": True,
    }


def _share(mirror: RequestMirror) -> int:
    """How many of a million requests are copied."""
    if mirror.fraction is not None:
        return round(MILLION * mirror.fraction.numerator / mirror.fraction.denominator)
    return MILLION if mirror.percent is None else mirror.percent * MILLION // 100

"""Matches: from an HTTPRouteMatch to the fields of an Envoy RouteMatch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from sources.gatewayapi.schema.route import HeaderMatch, HTTPRouteMatch, QueryParamMatch

Fields = dict[str, Any]
"""Fields of an Envoy message, for `xds.codec.build`."""


def match_fields(match: HTTPRouteMatch) -> Fields:
    """The fields of `envoy.config.route.v3.RouteMatch`. The regular expressions were checked when it was decoded.

    Envoy compares query parameters as they stand in the URL: `a%20b` is not `a b`.
    """
    fields = _PATHS[match.path.type](match.path.value)
    headers = _values(match.headers)
    if match.method is not None:
        headers.append({"name": ":method", "string_match": {"exact": match.method}})
    if headers:
        fields["headers"] = headers
    if match.query_params:
        fields["query_parameters"] = [_value(one) for one in match.query_params]
    return fields


def _prefix(value: str) -> Fields:
    """`/foo` and `/foo/` mean the same: /foo itself and everything below it, but not /food."""
    stripped = value.rstrip("/")
    return {"path_separated_prefix": stripped} if stripped else {"prefix": "/"}


_PATHS: Final[Mapping[str, Callable[[str], Fields]]] = MappingProxyType(
    {
        "Exact": lambda value: {"path": value},
        "PathPrefix": _prefix,
        "RegularExpression": lambda value: {"safe_regex": {"regex": value}},
    },
)


def _values(headers: Sequence[HeaderMatch]) -> list[Fields]:
    """Of names that differ in case only, the first counts: header names have no case."""
    by_name: dict[str, Fields] = {}
    for one in headers:
        by_name.setdefault(one.name.lower(), _value(one))
    return list(by_name.values())


def _value(one: HeaderMatch | QueryParamMatch) -> Fields:
    how = {"exact": one.value} if one.type == "Exact" else {"safe_regex": {"regex": one.value}}
    return {"name": one.name, "string_match": how}

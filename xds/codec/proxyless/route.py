"""Routes, as gRPC reads them (gRFCs A28, A39, A44, A60)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from xds.codec.proxyless.flaw import Flaw, last_word, passed_over, unpacked

DOMAIN: Final = re.compile(r"\*?[^*]*|[^*]+\*")
PREFIX: Final = re.compile(r"(/([^/]*(/[^/]*)?)?)?")
PATH: Final = re.compile(r"/[^/]+/[^/]+")
OVERRIDES: Final = frozenset(
    {
        "envoy.extensions.filters.http.fault.v3.HTTPFault",
        "envoy.extensions.filters.http.rbac.v3.RBACPerRoute",
        "envoy.extensions.filters.http.stateful_session.v3.StatefulSessionPerRoute",
    }
)
"""What a filter's settings for one route may be."""
FILTER_CONFIG: Final = "envoy.config.route.v3.FilterConfig"
NEVER: Final = "it never matches"


def route_flaws(configuration: Any) -> Iterator[Flaw]:
    """What is wrong with a RouteConfiguration."""
    for at, host in enumerate(configuration.virtual_hosts):
        yield from _host_flaws(f"virtual_hosts[{at}]", host)


def _host_flaws(field: str, host: Any) -> Iterator[Flaw]:
    if not host.domains:
        yield Flaw(f"{field}.domains", "is empty")
    for at, domain in enumerate(host.domains):
        if not domain or not DOMAIN.fullmatch(domain):
            yield Flaw(f"{field}.domains[{at}]", f"{domain!r} may have one asterisk, at its start or at its end")
    yield from _override_flaws(field, host)
    yield from _retry_flaws(f"{field}.retry_policy", host)
    for at, route in enumerate(host.routes):
        yield from _route_flaws(f"{field}.routes[{at}]", route)


def _route_flaws(field: str, route: Any) -> Iterator[Flaw]:
    yield from _match_flaws(f"{field}.match", route.match)
    yield from _override_flaws(field, route)
    action = route.WhichOneof("action")
    if action == "route":
        yield from _action_flaws(f"{field}.route", route.route)
    elif action != "non_forwarding_action":
        yield passed_over(f"{field}.{action or 'route'}", "is nothing that gRPC can do: every call of the route fails")


def _match_flaws(field: str, match: Any) -> Iterator[Flaw]:
    path = match.WhichOneof("path_specifier")
    if path not in ("prefix", "path", "safe_regex"):
        yield Flaw(f"{field}.{path or 'prefix'}", "is missing" if path is None else "is unknown to gRPC")
    elif path == "prefix" and not PREFIX.fullmatch(match.prefix):
        yield passed_over(f"{field}.prefix", f"{match.prefix!r} is no start of /package.Service/Method: {NEVER}")
    elif path == "path" and not PATH.fullmatch(match.path):
        yield passed_over(f"{field}.path", f"{match.path!r} is no /package.Service/Method: {NEVER}")
    if match.query_parameters:
        yield passed_over(f"{field}.query_parameters", f"match nothing in gRPC: {NEVER}")


def _action_flaws(field: str, action: Any) -> Iterator[Flaw]:
    yield from _retry_flaws(f"{field}.retry_policy", action)
    where = action.WhichOneof("cluster_specifier")
    if where == "weighted_clusters":
        clusters = action.weighted_clusters.clusters
        if not any(one.weight.value for one in clusters):
            yield Flaw(f"{field}.weighted_clusters", "has no cluster with a weight")
        for at, one in enumerate(clusters):
            yield from _override_flaws(f"{field}.weighted_clusters.clusters[{at}]", one)
    elif where not in ("cluster", "cluster_specifier_plugin"):
        yield passed_over(f"{field}.{where or 'cluster'}", f"is unknown to gRPC: {NEVER}" if where else "is missing")


def _retry_flaws(field: str, holder: Any) -> Iterator[Flaw]:
    retries = holder.retry_policy.num_retries
    if holder.HasField("retry_policy") and holder.retry_policy.HasField("num_retries") and not retries.value:
        yield Flaw(f"{field}.num_retries", "must be greater than 0")


def _override_flaws(field: str, holder: Any) -> Iterator[Flaw]:
    for name, packed in holder.typed_per_filter_config.items():
        kind, message = unpacked(packed)
        optional = False
        if kind == FILTER_CONFIG and message is not None:
            kind, optional = unpacked(message.config)[0], message.is_optional
        if kind not in OVERRIDES and not optional:
            yield Flaw(f'{field}.typed_per_filter_config["{name}"]', f"is of the type {last_word(kind)}, unknown to gRPC")

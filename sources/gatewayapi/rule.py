"""Rules: from one rule of an HTTPRoute to the entries of a virtual host, at least one for each match.

A rule is translated for one entrance (a listener's port and scheme: redirects depend on them) and for no hostname: its
entries serve under every hostname of the route. Backends are resolved by a callable, so the rule needs no other object:

    translated = translate(rule, Site(route.key, route.age, index, Entrance(8080, "http")), resolve)
    routes = sorted((*translated.entries, *others), key=lambda entry: entry.order)
    virtual_host = header + b"".join(delimited(ROUTES, entry.body) for entry in routes)

A rule that cannot be honoured still has its entries: they answer 500, so that nothing else answers in its place.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sources.gatewayapi.cors import policy
from sources.gatewayapi.destination import Destination
from sources.gatewayapi.filter import (
    Entrance,
    Fields,
    Resolve,
    backend_problems,
    header_fields,
    mirror_fields,
    redirect_fields,
    removes_prefix,
    rewrite_fields,
    rule_problems,
)
from sources.gatewayapi.match import match_fields
from sources.gatewayapi.precedence import Age, Order, order
from sources.gatewayapi.problem import Problem, refusal
from sources.gatewayapi.schema.duration import milliseconds
from sources.gatewayapi.schema.filter import RequestMirror
from sources.gatewayapi.schema.route import HTTPBackendRef, HTTPRouteMatch, HTTPRouteRule, Retry, Timeouts
from xds.codec import build, encode
from xds.model import Key, Reference
from xds.model.type_url import CDS

ROUTE: Final = "envoy.config.route.v3.Route"
INVALID_BACKEND: Final = "invalid-backend"
"""The cluster that takes the share of backends that do not resolve: it never exists, so its share is answered 500."""

RETRY_ON: Final = "connect-failure,refused-stream,reset,retriable-status-codes"
_FAILURE: Final[Fields] = {"direct_response": {"status": 500}}


@dataclass(frozen=True, slots=True)
class Site:
    """Where a rule stands: its route and the route's age, its index in the route, and the entrance it is translated for."""

    route: Key
    age: Age
    index: int
    entrance: Entrance


@dataclass(frozen=True, slots=True)
class Entry:
    """One Envoy Route, encoded; `order` sorts it among all entries of a virtual host."""

    order: Order
    body: bytes


@dataclass(frozen=True, slots=True)
class Rule:
    """What a rule comes to: its entries, the clusters that they name, and what it asks for and does not get."""

    entries: tuple[Entry, ...]
    references: frozenset[Reference] = frozenset()
    problems: tuple[Problem, ...] = ()


def translate(rule: HTTPRouteRule, site: Site, resolve: Resolve) -> Rule:
    """The entries of a rule. Whatever is wrong with it is a problem in the result; nothing is raised."""
    problems = tuple(_problems(rule, f"spec.rules[{site.index}]"))
    if problems:
        return Rule(_entries(rule, site, _FAILURE), problems=problems)
    fields, used, named = _action(rule, site.entrance, resolve)
    references = frozenset((CDS, one.cluster) for one in named if one.cluster)
    unresolved = {one: None for one in used if not one.cluster}
    problems = tuple(_unresolved(one, rule, site.index, resolve) for one in unresolved)
    return Rule(_entries(rule, site, {**fields, **_around(rule)}), references, problems)


def _around(rule: HTTPRouteRule) -> Fields:
    """What filters do before and after the action, as fields of a Route."""
    policies = [policy(one.cors) for one in rule.filters if one.cors is not None]
    return {**header_fields(rule.filters), **({"typed_per_filter_config": policies[0]} if policies else {})}


def _unresolved(one: Destination, rule: HTTPRouteRule, index: int, resolve: Resolve) -> Problem:
    """What to say of a destination that is none, and at which backendRef; a mirror's has no number."""
    places = (place for place, ref in enumerate(rule.backend_refs) if resolve(ref) == one)
    field, come = f"spec.rules[{index}]", "nothing is mirrored to it"
    if (place := next(places, None)) is not None:
        field, come = f"{field}.backendRefs[{place}]", "what is routed to it is answered 500"
    return Problem("ResolvedRefs", one.reason, f"{one.message}; {come}", field)


def _entries(rule: HTTPRouteRule, site: Site, fields: Fields) -> tuple[Entry, ...]:
    """The entries of each match. What they share is encoded once: the fields of a message may come in pieces."""
    shared = encode(build(ROUTE, fields))
    return tuple(
        Entry(
            order(match, site.age, site.index, index),
            shared + encode(build(ROUTE, {"name": _name(site, index), "match": matched})),
        )
        for index, match in enumerate(rule.alternatives)
        for matched in _matches(match, rule)
    )


def _matches(match: HTTPRouteMatch, rule: HTTPRouteRule) -> Iterator[Fields]:
    fields = match_fields(match)
    if "path_separated_prefix" in fields and removes_prefix(rule.filters):
        prefix = fields.pop("path_separated_prefix")
        yield {**fields, "path": prefix}
        yield {**fields, "prefix": f"{prefix}/"}
    else:
        yield fields


def _name(site: Site, match: int) -> str:
    """Names the author's route, for Envoy's logs (%ROUTE_NAME%) and for whoever reads its configuration.

    The same as metadata would double the time that Envoy needs for an update: it builds a map of maps for every route.
    """
    return f"httproute/{site.route.namespace}/{site.route.name}/rule/{site.index}/match/{match}"


def _problems(rule: HTTPRouteRule, path: str) -> Iterator[Problem]:
    if rule.session_persistence is not None:
        yield refusal("UnsupportedValue", f"{path}.sessionPersistence", "is not supported")
    if rule.filters:
        yield from rule_problems(rule.filters, f"{path}.filters")
    for index, ref in enumerate(rule.backend_refs):
        if ref.filters:
            yield from backend_problems(ref.filters, f"{path}.backendRefs[{index}].filters")


def _action(
    rule: HTTPRouteRule, entrance: Entrance, resolve: Resolve
) -> tuple[Fields, Sequence[Destination], Sequence[Destination]]:
    """What is done with a request, as fields of a Route; every destination that was asked for; those that the fields name.

    Only what the bytes name is a reference: the same bytes with other references would pass for unchanged.
    """
    prefix = rule.alternatives[0].path.value
    for one in rule.filters:
        if one.request_redirect is not None:
            return {"redirect": redirect_fields(one.request_redirect, entrance, prefix)}, (), ()
    targets = [(ref, resolve(ref)) for ref in rule.backend_refs]
    mirrors = [(one, resolve(one.backend_ref)) for one in _mirrors(rule)]
    used = [destination for _, destination in (*targets, *mirrors)]
    if not any(destination.cluster and ref.weight for ref, destination in targets):
        return _FAILURE, used, ()
    action = {**_clusters(targets), **_limits(rule.timeouts, rule.retry)}
    for one in rule.filters:
        if one.url_rewrite is not None:
            action |= rewrite_fields(one.url_rewrite, prefix)
    if copies := [mirror_fields(mirror, to.cluster) for mirror, to in mirrors if to.cluster]:
        action["request_mirror_policies"] = copies
    chosen = [destination for ref, destination in targets if ref.weight]
    return {"route": action}, used, [*chosen, *(destination for _, destination in mirrors)]


def _mirrors(rule: HTTPRouteRule) -> list[RequestMirror]:
    return [one.request_mirror for one in rule.filters if one.request_mirror is not None]


def _clusters(targets: Sequence[tuple[HTTPBackendRef, Destination]]) -> Fields:
    """The choice among backends with a weight, of which at least one resolves."""
    chosen = [(ref, destination) for ref, destination in targets if ref.weight]
    if len(chosen) == 1 and not chosen[0][0].filters:
        return {"cluster": chosen[0][1].cluster}
    fields: Fields = {"weighted_clusters": {"clusters": [_share(*one) for one in chosen]}}
    if not all(destination.cluster for _, destination in chosen):
        fields["cluster_not_found_response_code"] = "INTERNAL_SERVER_ERROR"
    return fields


def _share(ref: HTTPBackendRef, destination: Destination) -> Fields:
    share: dict[str, Any] = {"name": destination.cluster or INVALID_BACKEND, "weight": {"value": ref.weight}}
    for one in ref.filters:
        if one.url_rewrite is not None:
            share |= rewrite_fields(one.url_rewrite, "")
    return {**share, **header_fields(ref.filters)}


def _limits(timeouts: Timeouts | None, retry: Retry | None) -> Fields:
    """Timeouts and retries. Without any timeout Envoy's own holds, 15 s; one for attempts only sets none for the whole."""
    fields: Fields = {}
    policy = _retry_policy(retry) if retry is not None else {}
    if timeouts is not None and (timeouts.request or timeouts.backend_request):
        fields["timeout"] = _duration(timeouts.request or "0s")
        if timeouts.backend_request and milliseconds(timeouts.backend_request):
            policy["per_try_timeout"] = _duration(timeouts.backend_request)
    return {**fields, "retry_policy": policy} if policy else fields


def _retry_policy(retry: Retry) -> Fields:
    policy: Fields = {
        "retry_on": RETRY_ON,
        "num_retries": {"value": 1 if retry.attempts is None else retry.attempts},
        "retriable_status_codes": retry.codes,
    }
    if retry.backoff and milliseconds(retry.backoff):
        policy["retry_back_off"] = {"base_interval": _duration(retry.backoff)}
    return policy


def _duration(text: str) -> Fields:
    seconds, rest = divmod(milliseconds(text), 1000)
    return {"seconds": seconds, "nanos": rest * 1_000_000}

"""Routes: what an HTTPRoute comes to, for Envoy and for its author."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

from sources.gatewayapi.attachment import attachment
from sources.gatewayapi.destination import Destination, Wanted, destination
from sources.gatewayapi.filter import Entrance
from sources.gatewayapi.gateway import Verdict
from sources.gatewayapi.known import Known
from sources.gatewayapi.precedence import Order
from sources.gatewayapi.problem import Problem
from sources.gatewayapi.rule import Site, translate
from sources.gatewayapi.schema.reference import BackendRef
from sources.gatewayapi.schema.route import HTTPRoute, HTTPRouteRule
from sources.graph import Reader
from xds.codec.wire import delimited
from xds.model import Key, Reference

ROUTES: Final = 3
"""The number of VirtualHost's field `routes`."""

NOWHERE: Final = Entrance(80, "http")
"""The entrance for which a route is judged that is attached nowhere."""


class At(NamedTuple):
    """A route at one entrance of a Gateway: redirects depend on it."""

    route: Key
    entrance: Entrance


@dataclass(frozen=True, slots=True)
class Route:
    """All rules of a route together: the clusters they name, and what they ask for and do not get.

    `fields` are their entries, each as it stands in a virtual host, after what sorts it there.
    """

    fields: tuple[tuple[Order, bytes], ...] = ()
    references: frozenset[Reference] = frozenset()
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the author of a route is told: the conditions, as far as no Gateway has a part in them, and a line for people.

    `line` is the first rule, from its path to its backends: `/ -> service default/echo:80`.
    """

    accepted: Verdict
    resolved: Verdict
    line: str


def route(read: Reader, at: At) -> Route:
    """A route at an entrance. Nothing when it is gone."""
    known: Known[HTTPRoute] | None = read.input(at.route)
    if known is None:
        return Route()

    def resolve(ref: BackendRef) -> Destination:
        return read.get(destination, Wanted.by(ref, at.route.namespace))

    rules = [
        translate(rule, Site(at.route, known.age, index, at.entrance), resolve)
        for index, rule in enumerate(known.document.spec.rules)
    ]
    return Route(
        tuple((entry.order, delimited(ROUTES, entry.body)) for rule in rules for entry in rule.entries),
        frozenset[Reference]().union(*(rule.references for rule in rules)),
        tuple(problem for rule in rules for problem in rule.problems),
    )


def outcome(read: Reader, key: Key) -> Outcome | None:
    """What came of a route, whatever its Gateways say; None when it is gone."""
    known: Known[HTTPRoute] | None = read.input(key)
    attached = read.get(attachment, key)
    if known is None or attached is None:
        return None
    places = [place for parent in attached.parents for place in parent.places]
    problems = read.get(route, At(key, places[0].entrance if places else NOWHERE)).problems
    accepted, resolved = _verdict("Accepted", problems), _verdict("ResolvedRefs", problems)
    return Outcome(accepted, resolved, _line(known))


def _verdict(condition: str, problems: tuple[Problem, ...]) -> Verdict:
    """The first problem decides the reason; the message has all of them."""
    found = [one for one in problems if one.condition == condition]
    if not found:
        return Verdict(True, condition)
    return Verdict(False, found[0].reason, "; ".join(dict.fromkeys(one.message for one in found)), found[0].field)


def _line(known: Known[HTTPRoute]) -> str:
    rules = known.document.spec.rules
    if not rules:
        return "no rules"
    more = f" (+{len(rules) - 1} more)" if len(rules) > 1 else ""
    return f"{rules[0].alternatives[0].path.value} -> {_target(rules[0], known.key.namespace)}{more}"


def _target(rule: HTTPRouteRule, namespace: str) -> str:
    if any(one.request_redirect for one in rule.filters):
        return "redirect"
    backends = [(str(Wanted.by(ref, namespace)), ref.weight) for ref in rule.backend_refs]
    if len(backends) < 2:
        return backends[0][0] if backends else "no backend"
    return ", ".join(f"{label} ({weight})" for label, weight in backends)

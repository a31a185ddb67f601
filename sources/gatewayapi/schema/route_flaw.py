"""What an HTTPRoute must fulfil beyond its types: the rules that the API's own validation has, and RE2's."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from sources.gatewayapi.schema.duration import milliseconds
from sources.gatewayapi.schema.filter_flaw import backend_flaws, filters_flaws
from sources.gatewayapi.schema.flaw import Flaw, repeated
from sources.gatewayapi.schema.reference import ParentRef
from sources.gatewayapi.schema.regex import complaint
from sources.gatewayapi.schema.route import (
    HeaderMatch,
    HTTPRoute,
    HTTPRouteMatch,
    HTTPRouteRule,
    PathMatch,
    QueryParamMatch,
    Timeouts,
)

MAX_MATCHES: Final = 128
"""Of all rules of a route together."""

_PATH: Final = re.compile(r"/(?:[-A-Za-z0-9/._~!$&'()*+,;=:@]|%[0-9a-fA-F]{2})*\Z")
_TWISTED: Final = re.compile(r"//|/\.{1,2}(?=/|\Z)|%2[fF]")


def route_flaws(route: HTTPRoute) -> Iterator[Flaw]:
    """The mistakes of an HTTPRoute."""
    spec = route.spec
    yield from _parents(spec.parent_refs)
    if (total := sum(len(rule.matches) for rule in spec.rules)) > MAX_MATCHES:
        yield Flaw("spec.rules", f"must have at most {MAX_MATCHES} matches together, not {total}")
    for index, rule in repeated(spec.rules, lambda one: one.name or object()):
        yield Flaw(f"spec.rules[{index}].name", f"is {rule.name!r}, as an earlier rule's is")
    for index, rule in enumerate(spec.rules):
        yield from _rule(rule, f"spec.rules[{index}]")


def _parents(refs: tuple[ParentRef, ...]) -> Iterator[Flaw]:
    if len(refs) < 2:
        return
    parents = Counter((ref.group, ref.kind, ref.namespace, ref.name) for ref in refs)
    for index, ref in enumerate(refs):
        if parents[ref.group, ref.kind, ref.namespace, ref.name] > 1 and ref.section_name is None and ref.port is None:
            what = f"must have a sectionName or a port: {ref.kind} {ref.name} is named more than once"
            yield Flaw(f"spec.parentRefs[{index}]", what)
    for index, ref in repeated(refs, lambda one: one):
        if ref.section_name is not None or ref.port is not None:
            yield Flaw(f"spec.parentRefs[{index}]", "is the same as an earlier one")


def _rule(rule: HTTPRouteRule, path: str) -> Iterator[Flaw]:
    for index, match in enumerate(rule.matches):
        yield from _match(match, f"{path}.matches[{index}]")
    if rule.filters:
        yield from filters_flaws(rule.filters, f"{path}.filters")
        yield from _redirect_alone(rule, path)
    yield from _replacements(rule, path)
    for index, ref in enumerate(rule.backend_refs):
        yield from backend_flaws(ref, f"{path}.backendRefs[{index}]")
        yield from filters_flaws(ref.filters, f"{path}.backendRefs[{index}].filters")
    if rule.timeouts is not None:
        yield from _timeouts(rule.timeouts, f"{path}.timeouts")


def _match(match: HTTPRouteMatch, path: str) -> Iterator[Flaw]:
    yield from _path(match.path, f"{path}.path.value")
    yield from _values(match.headers, f"{path}.headers")
    yield from _values(match.query_params, f"{path}.queryParams")


def _values(values: Sequence[HeaderMatch | QueryParamMatch], path: str) -> Iterator[Flaw]:
    for index, value in repeated(values, lambda one: one.name):
        yield Flaw(f"{path}[{index}].name", f"is {value.name!r}, as an earlier one is")
    for index, value in enumerate(values):
        if value.type == "RegularExpression" and (wrong := complaint(value.value)):
            yield Flaw(f"{path}[{index}].value", wrong)


def _path(match: PathMatch, path: str) -> Iterator[Flaw]:
    value = match.value
    if match.type == "RegularExpression":
        if wrong := complaint(value):
            yield Flaw(path, wrong)
    elif not value.startswith("/"):
        yield Flaw(path, f"must start with /, not {value!r}")
    elif found := _TWISTED.search(value):
        yield Flaw(path, f"must not contain {found[0]}: a request's path never does once it is normalized")
    elif not _PATH.match(value):
        yield Flaw(path, f"must be a path without query, fragment and blanks, not {value!r}")


def _redirect_alone(rule: HTTPRouteRule, path: str) -> Iterator[Flaw]:
    if rule.backend_refs and any(one.type == "RequestRedirect" for one in rule.filters):
        yield Flaw(f"{path}.backendRefs", "must be absent: a rule that redirects sends nothing to a backend")


def _replacements(rule: HTTPRouteRule, path: str) -> Iterator[Flaw]:
    """A prefix can be replaced only where it is plain which one matched."""
    if len(rule.alternatives) == 1 and rule.alternatives[0].path.type == "PathPrefix":
        return
    lists = [(f"{path}.filters", rule.filters)]
    lists += [(f"{path}.backendRefs[{index}].filters", ref.filters) for index, ref in enumerate(rule.backend_refs)]
    for where, filters in lists:
        for index, one in enumerate(filters):
            for name, modifies in (("requestRedirect", one.request_redirect), ("urlRewrite", one.url_rewrite)):
                if modifies and modifies.path and modifies.path.type == "ReplacePrefixMatch":
                    what = "needs a rule with exactly one match, of type PathPrefix"
                    yield Flaw(f"{where}[{index}].{name}.path.replacePrefixMatch", what)


def _timeouts(timeouts: Timeouts, path: str) -> Iterator[Flaw]:
    whole, each = (milliseconds(one) if one else 0 for one in (timeouts.request, timeouts.backend_request))
    if whole and each > whole:
        what = f"must not be longer than the request timeout, {timeouts.request}, not {timeouts.backend_request}"
        yield Flaw(f"{path}.backendRequest", what)

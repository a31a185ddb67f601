"""Precedence: which of several matches of one hostname gets a request, as Gateway API orders them.

https://gateway-api.sigs.k8s.io/reference/spec/#httprouterule; it leaves the place of regular expressions open. They come
before prefixes, or the prefix `/` of anybody would hide them.
"""

from __future__ import annotations

from typing import Final

from sources.gatewayapi.schema.route import HTTPRouteMatch

Age = tuple[str, str, str]
"""(creation time, namespace, name) of a route: between equal matches the oldest route counts, then the first by name."""

Order = tuple[int, int, bool, int, int, Age, int, int]
"""Sorts the entries of a virtual host: what sorts first counts first."""

PATH_TYPES: Final = ("Exact", "RegularExpression", "PathPrefix")


def order(match: HTTPRouteMatch, age: Age, rule: int, index: int) -> Order:
    """The place of a match, given its route's age, its rule's index and its own. No two matches share it."""
    path = match.path
    length = len(path.value.rstrip("/")) if path.type == "PathPrefix" else len(path.value)
    queries = len(match.query_params)
    return PATH_TYPES.index(path.type), -length, match.method is None, -len(match.headers), -queries, age, rule, index

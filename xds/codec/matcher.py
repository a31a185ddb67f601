"""Matchers: envoy.type.matcher.v3, as far as they speak of nodes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from xds.model import Node, ProtocolError

try:
    import re2
except ImportError:  # no build of google-re2 for this platform
    re2 = None


def matches_node(matchers: Iterable[Any], node: Node) -> bool:
    """Whether any of these NodeMatchers fits; without any, every node does.

    Raises ProtocolError for a regular expression that cannot be used.
    """
    every = list(matchers)
    return not every or any(_matches(one, node) for one in every)


def _matches(matcher: Any, node: Node) -> bool:
    named = not matcher.HasField("node_id") or matches_text(matcher.node_id, node.id)
    return named and all(_matches_struct(one, node.metadata) for one in matcher.node_metadatas)


def matches_text(matcher: Any, text: str) -> bool:
    """Whether a StringMatcher fits."""
    kind = matcher.WhichOneof("match_pattern")
    if kind == "safe_regex":
        return _matches_regex(matcher.safe_regex.regex, text)
    wanted = getattr(matcher, kind) if kind in ("exact", "prefix", "suffix", "contains") else None
    if wanted is None:
        raise ProtocolError(f"a string matcher of the kind {kind!r} is not supported here")
    if matcher.ignore_case:
        wanted, text = wanted.lower(), text.lower()
    fits: Mapping[str | None, bool] = {
        "exact": text == wanted,
        "prefix": text.startswith(wanted),
        "suffix": text.endswith(wanted),
        "contains": wanted in text,
    }
    return fits[kind]


def _matches_regex(pattern: str, text: str) -> bool:
    """RE2 takes no longer than the text is long, whatever the pattern: a stranger wrote it."""
    if re2 is None:
        raise ProtocolError("regular expressions are not supported on this platform")
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.fullmatch(pattern, text, options=options) is not None
    except re2.error:
        raise ProtocolError(f"{pattern!r} is no valid regular expression") from None


def _matches_struct(matcher: Any, metadata: Mapping[str, Any]) -> bool:
    value: Any = metadata
    for step in matcher.path:
        value = value.get(step.key) if isinstance(value, Mapping) else None
    return _matches_value(matcher.value, value)


def _matches_value(matcher: Any, value: Any) -> bool:
    kind = matcher.WhichOneof("match_pattern")
    if kind not in _VALUES:
        raise ProtocolError("a value matcher says nothing")
    return _VALUES[kind](getattr(matcher, kind), value)


def _matches_number(matcher: Any, value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    if matcher.WhichOneof("match_pattern") == "exact":
        return bool(value == matcher.exact)
    return bool(matcher.range.start <= value < matcher.range.end)


def _has_one(matcher: Any, value: Any) -> bool:
    return isinstance(value, list) and any(_matches_value(matcher, one) for one in value)


_VALUES: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "present_match": lambda present, value: (value is not None) is present,
    "null_match": lambda _, value: value is None,
    "bool_match": lambda wanted, value: value is wanted,
    "string_match": lambda matcher, value: isinstance(value, str) and matches_text(matcher, value),
    "double_match": _matches_number,
    "list_match": lambda matcher, value: _has_one(matcher.one_of, value),
    "or_match": lambda matcher, value: any(_matches_value(one, value) for one in matcher.value_matchers),
}
"""What a ValueMatcher can be -> whether it fits a value of a node's metadata."""

"""Whatever stands where in a document: it is taken, or it is refused with the path of a field."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sources.gatewayapi.schema import check, decode
from xds.model import ConfigError, Object

DOCUMENT: dict[str, Any] = {
    "apiVersion": "gateway.networking.k8s.io/v1",
    "kind": "HTTPRoute",
    "metadata": {"name": "one", "labels": {"a": "b"}},
    "spec": {
        "parentRefs": [{"name": "gateway", "port": 80}],
        "hostnames": ["a.example"],
        "rules": [
            {
                "matches": [
                    {"path": {"type": "Exact", "value": "/a"}, "headers": [{"name": "a", "value": "b"}], "method": "GET"}
                ],
                "filters": [
                    {"type": "RequestHeaderModifier", "requestHeaderModifier": {"set": [{"name": "a", "value": "b"}]}},
                    {"type": "CORS", "cors": {"allowCredentials": True, "maxAge": 5}},
                ],
                "backendRefs": [{"name": "a", "port": 80, "weight": 1}],
                "timeouts": {"request": "10s", "backendRequest": "1s"},
            },
        ],
    },
}


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of everything inside spec and labels."""
    if path and path[0] in ("spec", "metadata") and path[-1] != "name":
        yield path
    for key, entry in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from places(entry, (*path, key))


SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.sampled_from([80.0, 10**30])
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
)


@settings(max_examples=400, deadline=None)
@given(place=st.sampled_from([path for path in places(DOCUMENT) if path != ("metadata",)]), value=VALUES)
def test_a_document_is_taken_or_refused_with_a_field(place, value):
    document = deepcopy(DOCUMENT)
    inside: Any = document
    for step in place[:-1]:
        inside = inside[step]
    inside[place[-1]] = value
    one = Object.of(document)
    found = check(one)
    assert all(diagnostic.field and diagnostic.message for diagnostic in found)
    if found:
        with pytest.raises(ConfigError):
            decode(one)
    else:
        decode(one)

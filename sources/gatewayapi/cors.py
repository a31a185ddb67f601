"""CORS: what scripts of other origins may do, for Envoy's filter of that name.

The filter stands in every connection manager and does nothing until a route brings a policy: so a listener stays as it is
when a route begins to ask for one.
"""

from __future__ import annotations

import re
from typing import Any, Final

from sources.gatewayapi.schema.filter import CORS
from xds.codec import pack

NAME: Final = "envoy.filters.http.cors"
FILTER: Final = {"name": NAME, "typed_config": pack("envoy.extensions.filters.http.cors.v3.Cors", {})}
"""The entry of a connection manager."""

POLICY: Final = "envoy.extensions.filters.http.cors.v3.CorsPolicy"
ANY: Final = "*"


def policy(cors: CORS) -> dict[str, Any]:
    """The entry of a Route's `typed_per_filter_config`.

    A preflight from an origin that is not allowed is answered here as well, without the headers that it hopes for.
    Envoy answers `*` with what the preflight asks for, as Gateway API wants it where credentials are allowed.
    """
    fields = {
        "allow_origin_string_match": [_origin(one) for one in cors.allow_origins],
        "allow_methods": ",".join(cors.allow_methods),
        "allow_headers": ",".join(cors.allow_headers),
        "expose_headers": ",".join(_exposed(cors)),
        "max_age": str(cors.max_age),
        "allow_credentials": {"value": bool(cors.allow_credentials)},
        "forward_not_matching_preflights": {"value": False},
    }
    return {NAME: pack(POLICY, fields)}


def _origin(origin: str) -> dict[str, Any]:
    """A StringMatcher. To Envoy the exact `*` is every origin; a wildcard in a host means any labels."""
    if origin == ANY or ANY not in origin:
        return {"exact": origin}
    return {"safe_regex": {"regex": "[^/:]*".join(map(re.escape, origin.split(ANY)))}}


def _exposed(cors: CORS) -> tuple[str, ...]:
    """With credentials `*` is the name of a header to browsers, and must not be said."""
    return tuple(one for one in cors.expose_headers if one != ANY or not cors.allow_credentials)

"""The node that a proxy shows: as long as an Envoy's, most of which is a list of its extensions."""

from __future__ import annotations

from functools import cache
from typing import Final

from xds.codec.message import build, encode
from xds.codec.wire import delimited

EXTENSIONS: Final = 516
"""As many as an Envoy of 2025 has; with them its node has 61 KB."""

ID, CLUSTER = 1, 2


def node(node_id: str, group: str) -> bytes:
    """A node of the group: its cluster is the group's name."""
    return delimited(ID, node_id.encode()) + delimited(CLUSTER, group.encode()) + _rest()


@cache
def _rest() -> bytes:
    """What all proxies have in common."""
    release = {"version": {"major_number": 1, "minor_number": 36}}
    extensions = [_extension(number) for number in range(EXTENSIONS)]
    fields = {"user_agent_name": "envoy", "user_agent_build_version": release, "extensions": extensions}
    return encode(build("envoy.config.core.v3.Node", fields))


def _extension(number: int) -> dict[str, object]:
    name = f"envoy.filters.http.number_{number:03}"
    message = f"envoy.extensions.filters.http.number_{number:03}.v3.NumberedHttpFilter"
    return {"name": name, "category": "envoy.filters.http", "type_urls": [message]}

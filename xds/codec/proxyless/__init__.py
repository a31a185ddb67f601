"""What gRPC makes of resources: proxyless clients and servers refuse much that an Envoy takes. Pure.

Every rule is one that grpcio (C-core) has; where Go and Java differ, the flaw is a warning.
https://github.com/grpc/proposal: A27, A28, A29, A36, A37, A39, A40, A41, A42, A44, A48, A50, A52, A55, A58
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

from xds.codec import wire
from xds.codec.message import decode
from xds.codec.proxyless.cluster import cluster_flaws
from xds.codec.proxyless.endpoint import endpoint_flaws
from xds.codec.proxyless.flaw import Flaw
from xds.codec.proxyless.listener import LISTENING, listener_flaws
from xds.codec.proxyless.route import route_flaws
from xds.model import Resource
from xds.model.type_url import CDS, EDS, LDS, RDS

__all__ = ["LARGEST", "Flaw", "flaws", "is_for_grpc"]

LARGEST: Final = 4 * 1024 * 1024
"""Bytes of the largest response that a gRPC client reads."""

API_LISTENER: Final = 19
"""The number of the field of a Listener that only gRPC reads."""

FLAWS: Final[Mapping[str, Callable[[Any], Iterator[Flaw]]]] = MappingProxyType(
    {LDS: listener_flaws, RDS: route_flaws, CDS: cluster_flaws, EDS: endpoint_flaws}
)


def is_for_grpc(listener: Resource) -> bool:
    """Whether a Listener is one that gRPC clients or servers ask for."""
    return LISTENING in listener.name or any(number == API_LISTENER for number, _ in wire.fields(listener.body))


def flaws(one: Resource) -> tuple[Flaw, ...]:
    """What gRPC would refuse of a resource, or pass over, by field; empty for a type that it does not ask for."""
    found = list(FLAWS[one.type_url](decode(one.type_url, one.body))) if one.type_url in FLAWS else []
    if len(one.body) >= LARGEST:
        found.append(Flaw("", f"is {len(one.body)} bytes long; gRPC clients read at most {LARGEST} at once"))
    return tuple(found)

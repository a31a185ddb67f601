"""Nodes: who asks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final

READS_WRAPPED: Final = "xds.config.resource-in-sotw"
"""The client feature of who reads a resource in its wrapper (envoy.service.discovery.v3.Resource) in SotW."""
KEEPS_TTL: Final = "xds.config.supports-resource-ttl"
"""The client feature of who lets go of a resource after its time to live, and knows a heartbeat
(https://www.envoyproxy.io/docs/envoy/latest/api/client_features)."""

KEEPS_TTL_OF_WHOLE_TYPES: Final = "envoy.ttl"
"""No client lists this. It is what Envoy has of both in SotW: TTLs of those types whose responses list everything.
There it takes no notice of heartbeats without content, and crashes when it lets go of endpoints or of routes (seen with
1.36 to 1.40)."""

WAITS_WITHOUT_END: Final = "envoy.waits"
"""No client lists this, either. Envoy waits without end for routes and for an extension's configuration when it is told
that they do not exist, and goes on at once without a secret (seen with 1.36 to 1.40, in delta)."""

BREAKS_OVER_ENDPOINTS: Final = "envoy.leds"
"""No client lists this, either. An Envoy before 1.38 crashes when it is sent single endpoints (LEDS) again while their
cluster warms; without them it waits 15 s, and the cluster has none."""
SINCE_1_38: Final = (1, 38)

UNLISTED: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {"envoy": frozenset({KEEPS_TTL_OF_WHOLE_TYPES, WAITS_WITHOUT_END})},
)
"""Features that clients have and do not list, by user agent."""


@dataclass(frozen=True, slots=True)
class Node:
    """An Envoy or a gRPC client, as its first message describes it (envoy.config.core.v3.Node).

    `release` is the major and minor number of its version, zeros where it tells none.
    """

    id: str
    cluster: str = ""
    user_agent: str = ""
    metadata: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}), compare=False)
    locality: tuple[str, str, str] = ("", "", "")
    client_features: frozenset[str] = frozenset()
    release: tuple[int, int] = (0, 0)

    @property
    def features(self) -> frozenset[str]:
        """The features that the client lists, and those that it is known to have all the same."""
        return _features(self.client_features, self.user_agent, self.release)


@lru_cache(maxsize=64)
def _features(listed: frozenset[str], user_agent: str, release: tuple[int, int]) -> frozenset[str]:
    """One set for all clients that are alike."""
    features = listed | UNLISTED.get(user_agent, frozenset())
    old = user_agent == "envoy" and (0, 0) < release < SINCE_1_38
    return features | {BREAKS_OVER_ENDPOINTS} if old else features


@dataclass(frozen=True, slots=True)
class Listen:
    """A socket that the proxies of a node group open: `name` is the Envoy listener's, `url` what a person types."""

    address: str
    port: int
    name: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class NodeGroup:
    """The set of nodes that share a snapshot, and the sockets they are to open. `hosted` tells whether Legation runs a proxy
    for it, where it runs any; others, such as gRPC clients, come by themselves.
    """

    name: str
    listens: tuple[Listen, ...] = ()
    hosted: bool = True

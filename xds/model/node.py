"""Nodes: who asks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any


@dataclass(frozen=True, slots=True)
class Node:
    """An Envoy or a gRPC client, as its first message describes it (envoy.config.core.v3.Node)."""

    id: str
    cluster: str = ""
    user_agent: str = ""
    metadata: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}), compare=False)
    locality: tuple[str, str, str] = ("", "", "")


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

"""The translation: what all objects together come to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from sources.gatewayapi.address import addresses
from sources.gatewayapi.gateway import gateways, group_name
from sources.gatewayapi.kind import BACKEND, GATEWAY, GATEWAY_CLASS, HTTP_ROUTE
from sources.gatewayapi.listener import listens
from sources.gatewayapi.remark import diagnostics
from sources.gatewayapi.snapshot import snapshot
from sources.gatewayapi.status import backend_status, class_status, gateway_status, route_status
from sources.graph import Reader
from xds.model import Key, Kind, NodeGroup, Status, Translation


def translation(read: Reader, _: None) -> Translation:
    """Everything: a node group and a snapshot for each Gateway with an address, and what the authors are told."""
    running = read.get(_running, None)
    groups = read.each(_node_group, running)
    snapshots = read.each(snapshot, running)
    ordered = sorted(running, key=lambda key: key[1:])
    return Translation(
        snapshots={groups[key].name: snapshots[key] for key in ordered},
        groups={groups[key].name: groups[key] for key in ordered},
        statuses=read.get(_statuses, None),
        diagnostics=read.get(diagnostics, None),
    )


def _running(read: Reader, _: None) -> frozenset[Key]:
    """The Gateways that have proxies."""
    return frozenset(key for key, at in read.each(addresses, read.get(gateways, None)).items() if at)


def _node_group(read: Reader, key: Key) -> NodeGroup:
    return NodeGroup(group_name(key), read.get(listens, key))


STATUSES: Final[Mapping[Kind, Callable[[Reader, Key], Status | None]]] = MappingProxyType(
    {
        GATEWAY_CLASS: class_status,
        GATEWAY: gateway_status,
        HTTP_ROUTE: route_status,
        BACKEND: backend_status,
    },
)
"""The kinds that have a status, and how it is made."""


def _statuses(read: Reader, _: None) -> Mapping[Key, Status]:
    found: dict[Key, Any] = {}
    for kind, status in STATUSES.items():
        found |= read.each(status, read.group("kind", kind))
    for key in [key for key, status in found.items() if status is None]:
        del found[key]
    return found

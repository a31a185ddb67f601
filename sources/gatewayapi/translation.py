"""The translation: what all objects together come to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from types import MappingProxyType
from typing import Any, Final

from sources.gatewayapi.address import addresses
from sources.gatewayapi.gateway import gateways
from sources.gatewayapi.kind import BACKEND, GATEWAY, GATEWAY_CLASS, HTTP_ROUTE
from sources.gatewayapi.known import Known, gateway_of
from sources.gatewayapi.listener import listens
from sources.gatewayapi.schema.route import HTTPRoute
from sources.gatewayapi.snapshot import snapshot
from sources.gatewayapi.status import backend_status, class_status, gateway_status, route_status
from sources.graph import Reader
from xds.codec.document import locate
from xds.model import Diagnostic, Key, Kind, NodeGroup, Status, Translation


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
        diagnostics=read.get(_diagnostics, None),
    )


def _running(read: Reader, _: None) -> frozenset[Key]:
    """The Gateways that have proxies."""
    return frozenset(key for key, at in read.each(addresses, read.get(gateways, None)).items() if at)


def _node_group(read: Reader, key: Key) -> NodeGroup:
    return NodeGroup(f"{key.namespace}/{key.name}", read.get(listens, key))


_STATUSES: Final[Mapping[Kind, Callable[[Reader, Key], Status | None]]] = MappingProxyType(
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
    for kind, status in _STATUSES.items():
        found |= read.each(status, read.group("kind", kind))
    for key in [key for key, status in found.items() if status is None]:
        del found[key]
    return found


def _diagnostics(read: Reader, _: None) -> tuple[Diagnostic, ...]:
    found = read.each(_orphans, read.group("kind", HTTP_ROUTE))
    return tuple(chain.from_iterable(found[key] for key in sorted(found, key=lambda key: key[1:]) if found[key]))


def _orphans(read: Reader, key: Key) -> tuple[Diagnostic, ...]:
    """The parentRefs of a route that name a Gateway which does not exist: no status has a place for them."""
    known: Known[HTTPRoute] | None = read.input(key)
    return tuple(_missing(read, known)) if known else ()


def _missing(read: Reader, known: Known[HTTPRoute]) -> Iterator[Diagnostic]:
    for index, ref in enumerate(known.document.spec.parent_refs):
        key = gateway_of(ref, known.key.namespace)
        if key is not None and not read.get(_exists, key):
            field = f"spec.parentRefs[{index}].name"
            where = locate(known.object.origin, field) if known.object.origin else None
            yield Diagnostic(
                f"names {key}, which does not exist", known.key, field, where, "so nothing serves this route there"
            )


def _exists(read: Reader, key: Key) -> bool:
    return read.input(key) is not None

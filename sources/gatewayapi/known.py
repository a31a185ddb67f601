"""Known objects: the graph's inputs, and the indexes over them."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, Generic, TypeVar

from sources.gatewayapi.hostname import ANY
from sources.gatewayapi.kind import ENDPOINT_SLICE, GATEWAY, HTTP_ROUTE, REFERENCE_GRANT
from sources.gatewayapi.schema.core import EndpointSlice
from sources.gatewayapi.schema.reference import ParentRef
from sources.gatewayapi.schema.route import HTTPRoute
from sources.graph import Index
from xds.model import Key, Kind, Object

D = TypeVar("D")

SERVICE_NAME: Final = "kubernetes.io/service-name"
"""The label that says whose endpoints an EndpointSlice has."""


@dataclass(frozen=True, slots=True)
class Known(Generic[D]):
    """An object and its decoded document. Two are equal when their objects are."""

    object: Object
    document: D = field(compare=False, repr=False)

    @property
    def key(self) -> Key:
        """The object's key."""
        return self.object.key

    @property
    def age(self) -> tuple[str, str, str]:
        """Sorts older before newer, and those of one age by namespace and name, as Gateway API settles conflicts."""
        return self.object.created, self.key.namespace, self.key.name


def gateway_of(ref: ParentRef, namespace: str) -> Key | None:
    """The Gateway that a parentRef of a route in this namespace names, if what it names is a Gateway."""
    return Key(GATEWAY, ref.namespace or namespace, ref.name) if Kind(ref.group, ref.kind) == GATEWAY else None


def _gateways_of(route: Known[HTTPRoute]) -> Iterable[Hashable]:
    named = (gateway_of(ref, route.key.namespace) for ref in route.document.spec.parent_refs)
    return (key for key in named if key is not None)


def _hostnames_of(route: Known[HTTPRoute]) -> Iterable[Hashable]:
    return itertools.product(_gateways_of(route), route.document.spec.hostnames or (ANY,))


def _slices_of(known: Known[EndpointSlice]) -> Iterable[Hashable]:
    service = known.object.labels.get(SERVICE_NAME)
    return ((known.key.namespace, service),) if service else ()


def _of(kind: Kind, groups: Callable[[Known[Any]], Iterable[Hashable]]) -> Index:
    def index(_key: Hashable, one: Any) -> Iterable[Hashable]:
        return groups(one) if isinstance(one, Known) and one.key.kind == kind else ()

    return index


def _kind(_key: Hashable, one: Any) -> Iterable[Hashable]:
    return (one.key.kind,) if isinstance(one, Known) else ()


INDEXES: Final[Mapping[str, Index]] = MappingProxyType(
    {
        "kind": _kind,
        "routes": _of(HTTP_ROUTE, _gateways_of),
        "hostnames": _of(HTTP_ROUTE, _hostnames_of),
        "slices": _of(ENDPOINT_SLICE, _slices_of),
        "grants": _of(REFERENCE_GRANT, lambda grant: (grant.key.namespace,)),
    },
)
"""What groups of objects there are: all of a kind; the HTTPRoutes that name a Gateway (by its key), and
those that name it and a hostname (`*` for routes without hostnames); the EndpointSlices of a
Service (by namespace and name); the ReferenceGrants of a namespace."""

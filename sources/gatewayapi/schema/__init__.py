"""The documents of Gateway API v1, of Backend, and of the kinds of Kubernetes that they need, as frozen structs.

`decode` gives a struct that fulfils everything the API's own validation asks for; `check` says what is wrong with a
document that does not, all of it, field by field.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import msgspec

from sources.gatewayapi.schema.backend import Backend
from sources.gatewayapi.schema.backend_flaw import backend_flaws
from sources.gatewayapi.schema.core import ConfigMap, EndpointSlice, Namespace, Secret, Service
from sources.gatewayapi.schema.flaw import Flaw, either, flaws, without_nulls
from sources.gatewayapi.schema.gateway import Gateway, GatewayClass
from sources.gatewayapi.schema.gateway_flaw import gateway_flaws
from sources.gatewayapi.schema.grant import ReferenceGrant
from sources.gatewayapi.schema.reference import GATEWAY_GROUP
from sources.gatewayapi.schema.route import HTTPRoute
from sources.gatewayapi.schema.route_flaw import route_flaws
from xds.codec.document import locate
from xds.model import ConfigError, Diagnostic, Kind, Object

ENVOY_GROUP: Final = "gateway.envoyproxy.io"


def _no_flaws(_document: Any) -> Iterator[Flaw]:
    return iter(())


class Schema(NamedTuple):
    """How a kind is read: its struct, the versions of its group that have this shape, and what else it must fulfil."""

    struct: type[msgspec.Struct]
    versions: tuple[str, ...] = ("v1",)
    flaws: Callable[[Any], Iterator[Flaw]] = _no_flaws


SCHEMAS: Final[Mapping[Kind, Schema]] = MappingProxyType(
    {
        Kind(GATEWAY_GROUP, "GatewayClass"): Schema(GatewayClass, ("v1", "v1beta1")),
        Kind(GATEWAY_GROUP, "Gateway"): Schema(Gateway, ("v1", "v1beta1"), gateway_flaws),
        Kind(GATEWAY_GROUP, "HTTPRoute"): Schema(HTTPRoute, ("v1", "v1beta1"), route_flaws),
        Kind(GATEWAY_GROUP, "ReferenceGrant"): Schema(ReferenceGrant, ("v1", "v1beta1")),
        Kind("", "Service"): Schema(Service),
        Kind("", "Secret"): Schema(Secret),
        Kind("", "ConfigMap"): Schema(ConfigMap),
        Kind("", "Namespace"): Schema(Namespace),
        Kind("discovery.k8s.io", "EndpointSlice"): Schema(EndpointSlice),
        Kind(ENVOY_GROUP, "Backend"): Schema(Backend, ("v1alpha1",), backend_flaws),
    },
)
"""Every kind that the source reads. Adding a kind is adding a row."""


def decode(one: Object) -> Any:
    """The struct of an object's document; its type is that of `SCHEMAS`.

    Raises ConfigError, with the field, for the first thing that is wrong with it.
    """
    document, found = _read(one)
    if found:
        raise ConfigError(found[0].message, field=found[0].field, origin=one.origin, hint=found[0].hint)
    return document


def check(one: Object) -> list[Diagnostic]:
    """Everything that is wrong with an object on its own, each with the line of its field; empty when nothing is."""
    return [_diagnostic(one, flaw) for flaw in _read(one)[1]]


def _diagnostic(one: Object, flaw: Flaw) -> Diagnostic:
    where = locate(one.origin, flaw.field) if one.origin else None
    return Diagnostic(flaw.message, one.key, flaw.field, where, flaw.hint)


def _read(one: Object) -> tuple[Any, list[Flaw]]:
    """(struct, flaws); there is no struct when its types are wrong."""
    schema = SCHEMAS[one.key.kind]
    if one.key.kind.version not in schema.versions:
        group = one.key.kind.group
        known = either([f"{group}/{version}" if group else version for version in schema.versions])
        return None, [Flaw("apiVersion", f"must be {known}, not {one.key.kind.api_version!r}")]
    document, found = _convert(one.body, schema.struct)
    return document, found or list(schema.flaws(document))


def _convert(body: Mapping[str, Any], struct: type[msgspec.Struct]) -> tuple[Any, list[Flaw]]:
    try:
        return msgspec.convert(body, struct), []
    except msgspec.ValidationError:
        pass
    try:  # a null stands for an absent field
        return msgspec.convert(without_nulls(body), struct), []
    except msgspec.ValidationError as error:
        return None, list(flaws(struct, body)) or [Flaw("", str(error))]

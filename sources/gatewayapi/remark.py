"""Remarks: what the authors of objects should know and no condition has a place for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from sources.gatewayapi.gateway import class_of, gateway
from sources.gatewayapi.kind import GATEWAY, HTTP_ROUTE
from sources.gatewayapi.known import Known, gateway_of
from sources.gatewayapi.schema.gateway import Gateway
from sources.gatewayapi.schema.route import HTTPRoute
from sources.graph import Reader
from xds.model import Diagnostic, Key, Kind, Severity


class Remark(NamedTuple):
    """A field, what is to be said of it, what to do, and how much it weighs."""

    field: str
    message: str
    hint: str
    severity: Severity = Severity.ERROR


def diagnostics(read: Reader, _: None) -> tuple[Diagnostic, ...]:
    """Every remark on every object, in order of the objects' names."""
    return tuple(chain.from_iterable(read.get(_of_kind, kind) for kind in _REMARKS))


def _of_kind(read: Reader, kind: Kind) -> tuple[Diagnostic, ...]:
    found = read.each(_diagnostics, read.group("kind", kind))
    keys = sorted((key for key, some in found.items() if some), key=lambda key: key[1:])
    return tuple(chain.from_iterable(found[key] for key in keys))


def _diagnostics(read: Reader, key: Key) -> tuple[Diagnostic, ...]:
    known: Known[Any] | None = read.input(key)
    return tuple(_diagnostic(known, one) for one in _REMARKS[key.kind](read, known)) if known else ()


def _diagnostic(known: Known[Any], one: Remark) -> Diagnostic:
    return Diagnostic(one.message, known.key, one.field, hint=one.hint, severity=one.severity)


def _on_route(read: Reader, known: Known[HTTPRoute]) -> Iterator[Remark]:
    spec = known.document.spec
    if spec.use_default_gateways == "All":
        yield Remark("spec.useDefaultGateways", "is not supported", "name the Gateway in spec.parentRefs")
    elif not spec.parent_refs:
        yield Remark("spec.parentRefs", "names no Gateway, so nothing serves this route", "name one", Severity.WARNING)
    for index, ref in enumerate(spec.parent_refs):
        key = gateway_of(ref, known.key.namespace)
        if key is not None and not read.get(_exists, key):
            hint = "create it, or write the name and the namespace of one that exists"
            yield Remark(f"spec.parentRefs[{index}].name", f"names {key}, which does not exist", hint)


def _on_gateway(read: Reader, known: Known[Gateway]) -> Iterator[Remark]:
    if read.get(gateway, known.key) is None:
        if not read.get(_exists, class_of(known)):
            message = f"names {class_of(known)}, which does not exist, so nothing serves this Gateway"
            yield Remark("spec.gatewayClassName", message, "create it, or write the name of one that exists")
    elif known.document.spec.default_scope == "All":
        yield Remark("spec.defaultScope", "is not supported", "let the routes name this Gateway in spec.parentRefs")


def _exists(read: Reader, key: Key) -> bool:
    return read.input(key) is not None


_REMARKS: Final[Mapping[Kind, Callable[[Reader, Any], Iterator[Remark]]]] = MappingProxyType(
    {GATEWAY: _on_gateway, HTTP_ROUTE: _on_route}
)
"""The kinds on which there may be remarks, and how they are made."""

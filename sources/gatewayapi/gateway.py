"""Gateways: which are ours, and whether they can be served as a whole."""

from __future__ import annotations

from typing import Final, NamedTuple

from sources.gatewayapi.kind import GATEWAY, GATEWAY_CLASS
from sources.gatewayapi.known import Known
from sources.gatewayapi.schema.gateway import Gateway, GatewayClass
from sources.gatewayapi.settings import settings
from sources.graph import Reader
from xds.model import Key


class Verdict(NamedTuple):
    """The outcome of a check, as a condition has it."""

    status: bool
    reason: str
    message: str = ""
    field: str = ""


ACCEPTED: Final = Verdict(True, "Accepted")


def class_is_ours(read: Reader, key: Key) -> bool:
    """Whether a GatewayClass names this controller.

    Where nobody wrote a GatewayClass at all, every class is ours; where anybody did, one that does not exist is nobody's.
    """
    known: Known[GatewayClass] | None = read.input(key)
    if known is None:
        return not read.group("kind", GATEWAY_CLASS)
    return known.document.spec.controller_name == read.get(settings, None).controller_name


def class_verdict(read: Reader, key: Key) -> Verdict:
    """Whether a GatewayClass of ours is accepted."""
    known: Known[GatewayClass] | None = read.input(key)
    if known is None or known.document.spec.parameters_ref is None:
        return ACCEPTED
    ref = known.document.spec.parameters_ref
    return Verdict(False, "InvalidParameters", f"parametersRef names {ref.kind} {ref.name}; no parameters are supported yet")


def gateway(read: Reader, key: Key) -> Known[Gateway] | None:
    """The Gateway with this key, if it exists and is ours."""
    known: Known[Gateway] | None = read.input(key)
    if known is None or not read.get(class_is_ours, class_of(known)):
        return None
    return known


def gateways(read: Reader, _: None) -> frozenset[Key]:
    """The Gateways that are ours."""
    found = read.each(gateway, read.group("kind", GATEWAY))
    return frozenset(key for key, known in found.items() if known is not None)


def group_name(key: Key) -> str:
    """The name of the node group of a Gateway's proxies."""
    return f"{key.namespace}/{key.name}"


def gateway_verdict(read: Reader, key: Key) -> Verdict:
    """Whether a Gateway of ours is accepted, its listeners and addresses apart."""
    known = read.get(gateway, key)
    if known is None:
        return Verdict(False, "Pending", f"there is no {key} of ours")
    spec = known.document.spec
    if not read.get(class_verdict, class_of(known)).status:
        return Verdict(False, "Pending", f"its GatewayClass {spec.gateway_class_name} is not accepted")
    if spec.infrastructure and (ref := spec.infrastructure.parameters_ref):
        message = f"infrastructure.parametersRef names {ref.kind} {ref.name}; no parameters are supported yet"
        return Verdict(False, "InvalidParameters", message)
    if spec.tls and spec.tls.backend:
        return Verdict(False, "UnsupportedValue", "tls.backend: client certificates for backends are not supported yet")
    for address in spec.addresses:
        if address.type != "IPAddress":
            message = f"addresses of type {address.type} are not supported; write an IPAddress"
            return Verdict(False, "UnsupportedAddress", message)
    return ACCEPTED


def class_of(known: Known[Gateway]) -> Key:
    """The GatewayClass that a Gateway names."""
    return Key(GATEWAY_CLASS, "", known.document.spec.gateway_class_name)

"""What a Gateway must fulfil beyond its types: the rules that the API's own validation has."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address

from sources.gatewayapi.schema.flaw import Flaw, repeated
from sources.gatewayapi.schema.gateway import Gateway, Listener, ListenerNamespaces, ListenerTLS, RouteNamespaces, Selector


def gateway_flaws(gateway: Gateway) -> Iterator[Flaw]:
    """The mistakes of a Gateway. Listeners in conflict are none: they have conditions of their own."""
    spec = gateway.spec
    for index, listener in repeated(spec.listeners, lambda one: one.name):
        yield Flaw(f"spec.listeners[{index}].name", f"is {listener.name!r}, as an earlier listener's is")
    for index, listener in enumerate(spec.listeners):
        yield from _listener(listener, f"spec.listeners[{index}]")
    for index, address in enumerate(spec.addresses):
        if address.type == "IPAddress" and address.value and not is_ip(address.value):
            yield Flaw(f"spec.addresses[{index}].value", f"must be an IP address, not {address.value!r}")
    for index, address in repeated(spec.addresses, lambda one: (one.type, one.value) if one.value else object()):
        yield Flaw(f"spec.addresses[{index}].value", f"is {address.value!r}, as an earlier address is")
    if spec.allowed_listeners is not None:
        yield from _namespaces(spec.allowed_listeners.namespaces, "spec.allowedListeners.namespaces")


def is_ip(text: str) -> bool:
    """Whether the text is an IP address, version 4 or 6."""
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _listener(listener: Listener, path: str) -> Iterator[Flaw]:
    if listener.tls is None and listener.protocol in ("HTTPS", "TLS"):
        hint = "name a Secret with a certificate in tls.certificateRefs" if listener.protocol == "HTTPS" else ""
        yield Flaw(f"{path}.tls", f"is missing: protocol {listener.protocol} needs it", hint)
    if listener.tls is not None:
        yield from _tls(listener.tls, listener.protocol, f"{path}.tls")
    if listener.hostname and listener.protocol in ("TCP", "UDP"):
        yield Flaw(f"{path}.hostname", f"must be absent: protocol {listener.protocol} knows no hostnames")
    yield from _namespaces(listener.allowed_routes.namespaces, f"{path}.allowedRoutes.namespaces")


def _tls(tls: ListenerTLS, protocol: str, path: str) -> Iterator[Flaw]:
    if protocol in ("HTTP", "TCP", "UDP"):
        hint = "write protocol: HTTPS to end TLS here" if protocol == "HTTP" else ""
        yield Flaw(path, f"must be absent: protocol {protocol} has no TLS", hint)
    elif protocol == "HTTPS" and tls.mode != "Terminate":
        yield Flaw(f"{path}.mode", f"must be Terminate with protocol HTTPS, not {tls.mode}")
    elif tls.mode == "Terminate" and not tls.certificate_refs and not tls.options:
        yield Flaw(f"{path}.certificateRefs", "must not be empty: to end TLS takes a certificate")


def _namespaces(namespaces: RouteNamespaces | ListenerNamespaces, path: str) -> Iterator[Flaw]:
    if namespaces.from_ == "Selector" and namespaces.selector is None:
        yield Flaw(f"{path}.selector", "is missing: `from: Selector` needs it")
    if namespaces.selector is not None:
        yield from _selector(namespaces.selector, f"{path}.selector")


def _selector(selector: Selector, path: str) -> Iterator[Flaw]:
    for index, one in enumerate(selector.match_expressions):
        if bool(one.values) != (one.operator in ("In", "NotIn")):
            must = "must be absent" if one.values else "must not be empty"
            yield Flaw(f"{path}.matchExpressions[{index}].values", f"{must} with operator {one.operator}")

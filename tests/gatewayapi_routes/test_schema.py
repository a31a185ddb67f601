"""What is wrong with Gateways, Backends and the other kinds, in words and with the path of the field."""

from __future__ import annotations

from typing import Any

import pytest

from sources.gatewayapi.schema import SCHEMAS, check, decode
from xds.model import Object, Origin

GATEWAY = "gateway.networking.k8s.io/v1"
HTTP = {"name": "http", "protocol": "HTTP", "port": 80}
TLS = {"certificateRefs": [{"name": "cert"}]}
HTTPS = {"name": "https", "protocol": "HTTPS", "port": 443, "tls": TLS}


def document(api_version: str, kind: str, **fields: Any) -> Object:
    return Object.of({"apiVersion": api_version, "kind": kind, "metadata": {"name": "one"}, **fields})


def gateway(*listeners: dict[str, Any], **fields: Any) -> Object:
    return document(GATEWAY, "Gateway", spec={"gatewayClassName": "c", "listeners": list(listeners), **fields})


def backend(*endpoints: dict[str, Any], **fields: Any) -> Object:
    return document("gateway.envoyproxy.io/v1alpha1", "Backend", spec={"endpoints": list(endpoints), **fields})


def grant(**fields: Any) -> Object:
    spec = {"from": [{"group": "", "kind": "A", "namespace": "b"}], "to": [{"group": "", "kind": "Service"}], **fields}
    return document(GATEWAY, "ReferenceGrant", spec=spec)


IP = {"ip": {"address": "10.0.0.1", "port": 80}}
FQDN = {"fqdn": {"hostname": "a.example", "port": 80}}
SELECTOR = {"matchLabels": {"a": "b"}, "matchExpressions": [{"key": "c", "operator": "In", "values": ["d"]}]}

GOOD: dict[str, Object] = {
    "listeners": gateway(HTTP, HTTPS, {"name": "tls", "protocol": "TLS", "port": 444, "tls": {"mode": "Passthrough"}}),
    "an unknown protocol": gateway({**HTTP, "protocol": "example.com/bar"}),
    "listeners in conflict": gateway(HTTP, {**HTTP, "name": "again"}),
    "a selector": gateway({**HTTP, "allowedRoutes": {"namespaces": {"from": "Selector", "selector": SELECTOR}}}),
    "addresses": gateway(HTTP, addresses=[{"value": "::1"}, {"type": "Hostname", "value": "a.example"}, {}, {}]),
    "all of a Gateway": gateway(
        HTTP,
        infrastructure={"labels": {"a": "b"}, "parametersRef": {"group": "x", "kind": "Y", "name": "z"}},
        allowedListeners={"namespaces": {"from": "Same"}},
        tls={"backend": {"clientCertificateRef": {"name": "c"}}},
    ),
    "status": document(GATEWAY, "GatewayClass", spec={"controllerName": "example.com/x"}, status={"any": "thing"}),
    "grant": grant(),
    "v1beta1": document("gateway.networking.k8s.io/v1beta1", "ReferenceGrant", spec=grant().body["spec"]),
    "backend": backend(IP, {"unix": {"path": "/run/x.sock"}}, appProtocols=["gateway.envoyproxy.io/h2c"]),
    "names": backend(FQDN),
    "resolver": document("gateway.envoyproxy.io/v1alpha1", "Backend", spec={"type": "DynamicResolver"}),
    "service": document("v1", "Service", spec={"ports": [{"port": 80, "targetPort": "web"}], "selector": {"a": "b"}}),
    "slice": document("discovery.k8s.io/v1", "EndpointSlice", addressType="IPv4", endpoints=None, ports=None),
    "secret": document("v1", "Secret", type="kubernetes.io/tls", data={"tls.crt": "x"}, stringData={"a": "b"}),
    "namespace": document("v1", "Namespace", spec={"finalizers": ["kubernetes"]}),
}


@pytest.mark.parametrize("one", GOOD.values(), ids=GOOD)
def test_a_good_document_has_no_diagnostics(one):
    assert check(one) == []
    assert isinstance(decode(one), SCHEMAS[one.key.kind].struct)


LISTENER = "spec.listeners[0]"
BAD: dict[str, tuple[Object, str, str]] = {
    "version": (
        document("gateway.networking.k8s.io/v2", "Gateway", spec={}),
        "apiVersion",
        "must be gateway.networking.k8s.io/v1 or gateway.networking.k8s.io/v1beta1, not 'gateway.networking.k8s.io/v2'",
    ),
    "no spec": (document(GATEWAY, "Gateway"), "spec", "is missing"),
    "name": (
        Object.of({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a/b"}}),
        "metadata.name",
        'must be a DNS name (a-z, 0-9, - and .), not "a/b"',
    ),
    "label": (
        Object.of({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a", "labels": {"b": 1}}}),
        'metadata.labels["b"]',
        "must be text, not 1",
    ),
    "no listeners": (gateway(), "spec.listeners", "must not be empty"),
    "65 listeners": (
        gateway(*({**HTTP, "name": f"l{index}"} for index in range(65))),
        "spec.listeners",
        "must have at most 64 entries, not 65",
    ),
    "listener's port": (gateway({**HTTP, "port": 70000}), f"{LISTENER}.port", "must be between 1 and 65535, not 70000"),
    "listener's name twice": (
        gateway(HTTP, {**HTTPS, "name": "http"}),
        "spec.listeners[1].name",
        "is 'http', as an earlier listener's is",
    ),
    "HTTP with TLS": (gateway({**HTTP, "tls": TLS}), f"{LISTENER}.tls", "must be absent: protocol HTTP has no TLS"),
    "HTTPS without TLS": (
        gateway({**HTTP, "protocol": "HTTPS"}),
        f"{LISTENER}.tls",
        "is missing: protocol HTTPS needs it",
    ),
    "HTTPS passed through": (
        gateway({**HTTPS, "tls": {"mode": "Passthrough"}}),
        f"{LISTENER}.tls.mode",
        "must be Terminate with protocol HTTPS, not Passthrough",
    ),
    "HTTPS without a certificate": (
        gateway({**HTTPS, "tls": {}}),
        f"{LISTENER}.tls.certificateRefs",
        "must not be empty: to end TLS takes a certificate",
    ),
    "hostname on TCP": (
        gateway({**HTTP, "protocol": "TCP", "hostname": "a.example"}),
        f"{LISTENER}.hostname",
        "must be absent: protocol TCP knows no hostnames",
    ),
    "no selector": (
        gateway({**HTTP, "allowedRoutes": {"namespaces": {"from": "Selector"}}}),
        f"{LISTENER}.allowedRoutes.namespaces.selector",
        "is missing: `from: Selector` needs it",
    ),
    "selector without values": (
        gateway(
            {
                **HTTP,
                "allowedRoutes": {
                    "namespaces": {"selector": {"matchExpressions": [{"key": "a", "operator": "In"}]}},
                },
            }
        ),
        f"{LISTENER}.allowedRoutes.namespaces.selector.matchExpressions[0].values",
        "must not be empty with operator In",
    ),
    "selector with values": (
        gateway(
            HTTP,
            allowedListeners={
                "namespaces": {"selector": {"matchExpressions": [{"key": "a", "operator": "Exists", "values": ["b"]}]}},
            },
        ),
        "spec.allowedListeners.namespaces.selector.matchExpressions[0].values",
        "must be absent with operator Exists",
    ),
    "address": (
        gateway(HTTP, addresses=[{"value": "a.example"}]),
        "spec.addresses[0].value",
        "must be an IP address, not 'a.example'",
    ),
    "address twice": (
        gateway(HTTP, addresses=[{}, {"value": "10.0.0.1"}, {"value": "10.0.0.1"}]),
        "spec.addresses[2].value",
        "is '10.0.0.1', as an earlier address is",
    ),
    "grant from nobody": (grant(**{"from": []}), "spec.from", "must not be empty"),
    "no endpoints": (backend(), "spec.endpoints", "must not be empty"),
    "two forms": (
        backend({**IP, **FQDN}),
        "spec.endpoints[0]",
        "must have exactly one of ip, fqdn and unix, not ip and fqdn",
    ),
    "no form": (backend({"zone": "a"}), "spec.endpoints[0]", "must have exactly one of ip, fqdn and unix, not none"),
    "names and addresses": (backend(FQDN, IP), "spec.endpoints", "must be all fqdn or all ip and unix"),
    "name as an address": (
        backend({"ip": {"address": "a.example", "port": 80}}),
        "spec.endpoints[0].ip.address",
        "must be an IP address, not 'a.example'",
    ),
    "relative socket": (
        backend({"unix": {"path": "x.sock"}}),
        "spec.endpoints[0].unix.path",
        "must be an absolute path, not 'x.sock'",
    ),
    "long socket": (
        backend({"unix": {"path": "/" + 108 * "x"}}),
        "spec.endpoints[0].unix.path",
        "must be at most 108 characters long, not 109",
    ),
    "endpoints of a resolver": (
        backend(IP, type="DynamicResolver"),
        "spec.endpoints",
        "must be absent with type DynamicResolver",
    ),
    "flag": (backend(IP, fallback="yes"), "spec.fallback", 'must be true or false, not "yes"'),
    "labels": (
        gateway(HTTP, infrastructure={"labels": {str(index): "" for index in range(9)}}),
        "spec.infrastructure.labels",
        "must have at most 8 entries, not 9",
    ),
    "map": (
        gateway(HTTP, infrastructure={"labels": []}),
        "spec.infrastructure.labels",
        "must be an object with fields, not []",
    ),
}


@pytest.mark.parametrize(("one", "field", "message"), BAD.values(), ids=BAD)
def test_a_bad_document_is_told_where_and_why(one, field, message):
    assert [(found.field, found.message) for found in check(one)] == [(field, message)]
    assert {found.key for found in check(one)} == {one.key}


def test_a_diagnostic_has_the_line_of_its_field():
    text = "apiVersion: v1\nkind: Service\nmetadata:\n  name: a\nspec:\n  ports:\n  - port: 0\n"
    body = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}, "spec": {"ports": [{"port": 0}]}}
    (found,) = check(Object.of(body, origin=Origin("a.yaml", 11, text)))
    assert str(found.origin) == "a.yaml:17"

"""Manifests: the documents of a Gateway with any number of routes, each under a hostname of its own.

`plain` routes have one rule. `probe` routes are those of gateway-api-bench: two rules, each with two header filters, and one
of them without a backend. https://github.com/howardjohn/gateway-api-bench (tests/probe)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

import yaml

Document = dict[str, Any]

NAMESPACE: Final = "default"
GATEWAY: Final = "gateway"
GROUP: Final = f"{NAMESPACE}/{GATEWAY}"
"""The node group of the Gateway."""
PORT: Final = 80
"""The port of every Service."""
GATEWAY_API: Final = "gateway.networking.k8s.io/v1"


def document(api_version: str, kind: str, name: str, namespace: str = NAMESPACE, **fields: Any) -> Document:
    """An object."""
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name, "namespace": namespace}, **fields}


def text(documents: Iterable[Document]) -> str:
    """The documents as a person would write them into one file."""
    said: str = yaml.dump_all(documents, Dumper=yaml.CSafeDumper, sort_keys=False)
    return said


def gateway(*listeners: Document) -> Document:
    """The Gateway, on loopback."""
    addresses = [{"type": "IPAddress", "value": "127.0.0.1"}]
    spec = {"gatewayClassName": "legation", "addresses": addresses, "listeners": list(listeners)}
    return document(GATEWAY_API, "Gateway", GATEWAY, spec=spec)


def listener(port: int, secret: str | None = None, protocol: str = "HTTP") -> Document:
    """A listener; with a Secret, for HTTPS."""
    if secret is None:
        return {"name": f"port-{port}", "protocol": protocol, "port": port}
    tls = {"mode": "Terminate", "certificateRefs": [{"name": secret}]}
    return {"name": f"port-{port}", "protocol": "HTTPS", "port": port, "tls": tls}


def hostname(index: int) -> str:
    """The hostname of route number `index`."""
    return f"route-{index}.example.com"


def route(index: int, rules: Iterable[Document], **parent: Any) -> Document:
    """Route number `index`; `parent` are more fields of its parentRef."""
    spec = {"parentRefs": [{"name": GATEWAY, **parent}], "hostnames": [hostname(index)], "rules": list(rules)}
    return document(GATEWAY_API, "HTTPRoute", f"route-{index}", spec=spec)


def rule(to: str, path: str = "/", **fields: Any) -> Document:
    """A rule that sends a path, and what is below it, to a Service; `fields` are more of its own."""
    matches = [{"path": {"type": "PathPrefix", "value": path}}]
    return {"matches": matches, "backendRefs": [{"name": to, "port": PORT}], **fields}


def plain(index: int, to: str) -> Document:
    """A route with one rule."""
    return route(index, [rule(to)])


def probe(index: int, to: str) -> Document:
    """A route as gateway-api-bench makes them."""
    return route(index, [rule(to, f"/{index}", filters=HEADERS), rule("invalid-backend", filters=HEADERS)])


HEADERS: Final = [
    {"type": "RequestHeaderModifier", "requestHeaderModifier": {"add": [{"name": "added", "value": "value"}]}},
    {"type": "ResponseHeaderModifier", "responseHeaderModifier": {"add": [{"name": "added", "value": "value"}]}},
]

SHAPES: Final[Mapping[str, Callable[[int, str], Document]]] = MappingProxyType({"plain": plain, "probe": probe})
"""What routes look like: (number of a route, name of a Service) -> the route."""


def service(name: str, namespace: str = NAMESPACE) -> Document:
    """A Service."""
    return document("v1", "Service", name, namespace, spec={"ports": [{"name": "http", "port": PORT}]})


def endpoints(of: str, addresses: Iterable[str], port: int = 8080) -> Document:
    """The EndpointSlice of a Service."""
    listed = [{"addresses": [one], "conditions": {"ready": True}} for one in addresses]
    ports = [{"name": "http", "port": port, "protocol": "TCP"}]
    one = document("discovery.k8s.io/v1", "EndpointSlice", f"{of}-1", addressType="IPv4", endpoints=listed, ports=ports)
    one["metadata"]["labels"] = {"kubernetes.io/service-name": of}
    return one


def grant(to: str, namespace: str) -> Document:
    """A ReferenceGrant for HTTPRoutes, to one Service of another namespace."""
    sources = [{"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "namespace": NAMESPACE}]
    spec = {"from": sources, "to": [{"group": "", "kind": "Service", "name": to}]}
    return document("gateway.networking.k8s.io/v1beta1", "ReferenceGrant", "grant", namespace, spec=spec)


def secret(name: str, certificate: Mapping[str, str]) -> Document:
    """A Secret with a certificate and its key."""
    return document("v1", "Secret", name, type="kubernetes.io/tls", data=dict(certificate))


def served(port: int, backend: int) -> Iterator[Document]:
    """A Gateway that listens on a port, and the Service `backend` with an endpoint on a port of loopback."""
    yield gateway(listener(port))
    yield service("backend")
    yield endpoints("backend", ["127.0.0.1"], backend)


def bad_cluster(name: str) -> Document:
    """A cluster for the Gateway's Envoys that they refuse: its connections would have no time."""
    cluster = {"@type": "type.googleapis.com/envoy.config.cluster.v3.Cluster", "name": name, "connect_timeout": "0s"}
    return document("legation.dev/v1alpha1", "EnvoyResources", name, spec={"groups": [GROUP], "resources": [cluster]})

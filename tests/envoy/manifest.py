"""Manifests: the documents of a gateway, short enough to be read in a test."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import yaml

Document = dict[str, Any]
BACKEND = {"group": "gateway.envoyproxy.io", "kind": "Backend"}


def document(api_version: str, kind: str, name: str, **fields: Any) -> Document:
    """An object in the namespace `default`."""
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name}, **fields}


def gateway(*ports: int, name: str = "site", listeners: Iterable[Document] = ()) -> Document:
    """A Gateway on loopback, with an HTTP listener for each port, and these."""
    plain = [{"name": f"http-{port}", "protocol": "HTTP", "port": port} for port in ports]
    address = {"type": "IPAddress", "value": "127.0.0.1"}
    spec = {"gatewayClassName": "legation", "addresses": [address], "listeners": [*plain, *listeners]}
    return document("gateway.networking.k8s.io/v1", "Gateway", name, spec=spec)


def https(port: int, *secrets: str, hostname: str | None = None) -> Document:
    """An HTTPS listener with these certificates."""
    tls = {"mode": "Terminate", "certificateRefs": [{"name": name} for name in secrets]}
    host = {} if hostname is None else {"hostname": hostname}
    return {"name": f"https-{secrets[0]}", "protocol": "HTTPS", "port": port, "tls": tls, **host}


def route(name: str, *rules: Document, parent: str = "site") -> Document:
    """An HTTPRoute with these rules."""
    spec = {"parentRefs": [{"name": parent}], "rules": list(rules)}
    return document("gateway.networking.k8s.io/v1", "HTTPRoute", name, spec=spec)


def to(path: str = "/", **shares: int) -> Document:
    """A rule that sends a path to Backends, by their weights."""
    refs = [{**BACKEND, "name": name, "weight": weight} for name, weight in shares.items()]
    return {"matches": [{"path": {"type": "PathPrefix", "value": path}}], "backendRefs": refs}


def backend(name: str, *ports: int, **spec: Any) -> Document:
    """A Backend with an endpoint on loopback for each port."""
    endpoints = [{"ip": {"address": "127.0.0.1", "port": port}} for port in ports]
    return document("gateway.envoyproxy.io/v1alpha1", "Backend", name, spec={"endpoints": endpoints, **spec})


def stream(documents: Iterable[Document]) -> str:
    """The documents as the text of one file."""
    return yaml.safe_dump_all(documents, sort_keys=False)

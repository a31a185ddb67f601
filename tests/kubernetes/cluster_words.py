"""What API servers write, as tests need it."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from providers.kubernetes.discovery import Served
from xds.model import Key, Kind

GROUP = "gateway.networking.k8s.io"
ROUTE = Kind(GROUP, "HTTPRoute")
ROUTES = Served(ROUTE, "httproutes", namespaced=True, version="v1", has_status=True)
NAMESPACES = Served(Kind("", "Namespace"), "namespaces", namespaced=False, version="v1", has_status=True)
CONFIG_MAPS = Served(Kind("", "ConfigMap"), "configmaps", namespaced=True, version="v1", has_status=False)
SECRETS = Served(Kind("", "Secret"), "secrets", namespaced=True, version="v1", has_status=False)
GATEWAY_CLASSES = Served(Kind(GROUP, "GatewayClass"), "gatewayclasses", namespaced=False, version="v1", has_status=True)


def key(name: str) -> Key:
    return Key(ROUTE, "default", name)


def route(name: str, version: int = 1, **more: Any) -> dict[str, Any]:
    """A route as a list has it; `more` takes the place of what it says."""
    metadata = {"name": name, "namespace": "default", "uid": f"uid-{name}", "resourceVersion": str(version), "generation": 1}
    return {"metadata": {**metadata, **more.pop("metadata", {})}, "spec": {"hostnames": [f"{name}.test"]}, **more}


def raw(body: Any) -> msgspec.Raw:
    return msgspec.Raw(json.dumps(body).encode())


def page(*items: Any, version: int = 10, token: str = "") -> bytes:
    return json.dumps({"metadata": {"resourceVersion": str(version), "continue": token}, "items": items}).encode()


def line(kind: str, body: Any) -> bytes:
    return json.dumps({"type": kind, "object": body}).encode()


def bookmark(version: int) -> bytes:
    return line("BOOKMARK", {"metadata": {"resourceVersion": str(version)}})


def failure(code: int, reason: str) -> dict[str, Any]:
    return {"kind": "Status", "message": f"it is {reason}", "reason": reason, "code": code}

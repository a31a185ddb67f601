"""The API server that the tests of the provider stand on."""

from __future__ import annotations

from pathlib import Path
from urllib.error import URLError

import pytest
from api_server import RefusedError, api_server

MAPS = "/api/v1/namespaces/default/configmaps"


def route(name: str, **spec: object) -> dict[str, object]:
    return {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "metadata": {"name": name}, "spec": spec}


def test_it_knows_what_it_knew(kubernetes, tmp_path: Path):
    """Killed and started again, it has the same objects at the same address."""
    with api_server(tmp_path / "own") as own:
        own.call("POST", MAPS, {"metadata": {"name": "kept"}})
        own.stop()
        with pytest.raises(URLError):
            own.call("GET", MAPS)
        own.start()
        assert "kept" in [one["metadata"]["name"] for one in own.call("GET", MAPS)["items"]]


def test_nobody_is_let_in_by_chance(kubernetes):
    """Without a token, RBAC refuses."""
    kubernetes.token, token = "", kubernetes.token
    try:
        with pytest.raises(RefusedError) as refused:
            kubernetes.call("GET", MAPS)
    finally:
        kubernetes.token = token
    assert refused.value.status in (401, 403)


def test_a_namespace_is_cleared_at_once(kubernetes):
    """After `clear`, a namespace of the same name is new and empty."""
    for _ in range(2):
        kubernetes.call("POST", "/api/v1/namespaces", {"metadata": {"name": "again"}})
        maps = "/api/v1/namespaces/again/configmaps"
        assert kubernetes.call("GET", maps)["items"] == []
        kubernetes.call("POST", maps, {"metadata": {"name": "one"}})
        kubernetes.clear("again")


def test_gateway_api_is_served(kubernetes, namespace):
    """The kinds of the experimental channel are there, and say what is wrong."""
    routes = f"/apis/gateway.networking.k8s.io/v1/namespaces/{namespace}/httproutes"
    kubernetes.call("POST", routes, route(name="right", hostnames=["example.com"]))
    with pytest.raises(RefusedError) as refused:
        kubernetes.call("POST", routes, route(name="wrong", hostnames=["127.0.0.1/"]))
    assert refused.value.status == 422

"""The commands over the language that most people write: Gateway API files, through the built-in plug-ins."""

from __future__ import annotations

import json

import pytest

GATEWAY = """
    apiVersion: gateway.networking.k8s.io/v1
    kind: Gateway
    metadata: {name: edge}
    spec:
      gatewayClassName: any
      addresses: [{type: IPAddress, value: 127.0.0.1}]
      listeners: [{name: http, port: 8080, protocol: HTTP}]
    """
ROUTE = """
    apiVersion: gateway.networking.k8s.io/v1
    kind: HTTPRoute
    metadata: {name: api}
    spec:
      parentRefs: [{name: edge}]
      hostnames: [HOSTNAME]
      rules:
      - backendRefs: [{group: gateway.envoyproxy.io, kind: Backend, name: echo}]
    """
BACKEND = """
    apiVersion: gateway.envoyproxy.io/v1alpha1
    kind: Backend
    metadata: {name: echo}
    spec: {endpoints: [{ip: {address: 127.0.0.1, port: 3000}}]}
    """


@pytest.fixture(autouse=True)
def _files(write):
    """A gateway, a route and its backend."""
    write("in/gateway.yaml", GATEWAY)
    write("in/route.yaml", ROUTE.replace("HOSTNAME", "example.com"))
    write("in/backend.yaml", BACKEND)


def test_a_good_directory_is_well(legation):
    assert legation("check", "in") == (0, "3 objects: all well\n", "")


def test_a_missing_backend_is_told_at_the_route(legation, here):
    (here / "in/backend.yaml").unlink()
    code, out, _ = legation("check", "in")
    assert code == 1
    assert legation("translate", "in")[0] == 1
    assert out.startswith(
        "in/route.yaml:8: error: HTTPRoute default/api: there is no Backend default/echo;"
        " what is routed to it is answered 500 (parent default/edge: ResolvedRefs is False, BackendNotFound)"
    )


def test_a_hostname_with_a_scheme_is_told_with_its_line_and_a_hint(legation, write):
    write("in/route.yaml", ROUTE.replace("HOSTNAME", "https://example.com"))
    code, out, _ = legation("check", "in")
    assert code == 1
    assert out.startswith("in/route.yaml:6: error: HTTPRoute default/api: spec.hostnames[0] must be a hostname")
    assert "without the scheme" in out


def test_every_type_of_a_gateway_is_translated(legation):
    told = json.loads(legation("translate", "in", "-o", "json")[1])
    assert list(told) == ["default/edge"]
    assert list(told["default/edge"]) == ["cds", "eds", "lds", "rds"]


def test_a_moved_backend_changes_its_endpoints_only(legation, write):
    for name, text in {"gateway": GATEWAY, "route": ROUTE.replace("HOSTNAME", "example.com"), "backend": BACKEND}.items():
        write(f"moved/{name}.yaml", text.replace("3000", "3001"))
    code, out, _ = legation("diff", "in", "moved", "-o", "json")
    assert code == 1
    assert list(json.loads(out)["default/edge"]) == ["eds"]
    assert legation("diff", "in", "in")[0] == 0


def test_status_says_what_each_object_does(legation):
    code, out, _ = legation("status", "in")
    assert code == 0
    assert "Gateway default/edge   well   http://127.0.0.1:8080" in out

"""After any series of edits the translation is that of a source which never saw anything else."""

from __future__ import annotations

from typing import Any

import pytest
from gateway_world import CASES, objects
from hypothesis import given, settings
from hypothesis import strategies as st

from sources.gatewayapi import GatewayApi, Settings
from sources.gatewayapi.attachment import attachment
from sources.gatewayapi.kind import HTTP_ROUTE
from sources.gatewayapi.table import members
from xds.model import Object, Objects, Translation, dangling
from xds.model.type_url import SHORT_TYPES

GATEWAY_API, ENVOY = "gateway.networking.k8s.io/v1", "gateway.envoyproxy.io/v1alpha1"
SECRETS = {
    name: next(one.body for one in objects((CASES / case / "in.yaml").read_text()) if one.body["metadata"]["name"] == name)
    for case, name in (("https", "wild"), ("broken-certificates", "misfit"))
}


def body(
    kind: str, name: str, spec: Any, *, api: str = GATEWAY_API, namespace: str = "default", **more: Any
) -> dict[str, Any]:
    metadata = {"name": name, "namespace": namespace, **more.pop("metadata", {})}
    return {"apiVersion": api, "kind": kind, "metadata": metadata, "spec": spec, **more}


def listener(name: str, port: int = 8080, protocol: str = "HTTP", **more: Any) -> dict[str, Any]:
    tls = {"tls": {"certificateRefs": [{"name": "cert"}]}} if protocol == "HTTPS" else {}
    return {"name": name, "port": port, "protocol": protocol, **tls, **more}


LISTENERS = [
    [listener("a")],
    [listener("a", hostname="*.example.com"), listener("b", hostname="foo.example.com")],
    [listener("a"), listener("b", hostname="*.example.com"), listener("c", port=8443, protocol="HTTPS")],
    [listener("a", allowedRoutes={"namespaces": {"from": "All"}}), listener("b", port=8081, protocol="TCP")],
    [listener("a", allowedRoutes={"namespaces": {"from": "Selector", "selector": {"matchLabels": {"team": "blue"}}}})],
    [listener("a"), listener("b")],
    [listener("a"), listener("b", protocol="HTTPS")],
]
PARENTS = [
    [{"name": "one"}],
    [{"name": "two", "namespace": "default"}],
    [{"name": "one", "namespace": "default", "sectionName": "b"}, {"name": "two", "namespace": "default"}],
    [{"name": "absent"}],
    [],
]
HOSTNAMES = [[], ["foo.example.com"], ["*.example.com", "bar.example.org"], ["bar.example.com", "foo.example.com"]]
BACKENDS = [
    [],
    [{"name": "web", "port": 80}],
    [{"name": "web", "port": 81, "weight": 3}, {"name": "api", "port": 80, "namespace": "other"}],
    [{"name": "nobody", "port": 80}, {"name": "web", "port": 80}],
    [{"group": "gateway.envoyproxy.io", "kind": "Backend", "name": "direct"}],
]
FILTERS = [
    [],
    [{"type": "RequestHeaderModifier", "requestHeaderModifier": {"set": [{"name": "x", "value": "y"}]}}],
    [{"type": "ExtensionRef", "extensionRef": {"group": "example.com", "kind": "Auth", "name": "auth"}}],
    [{"type": "RequestMirror", "requestMirror": {"backendRef": {"name": "api", "namespace": "other", "port": 80}}}],
]
PORTS = [
    [{"port": 80}],
    [{"port": 80, "name": "web"}, {"port": 81, "name": "alt", "appProtocol": "kubernetes.io/h2c"}],
    [{"port": 80, "name": "web", "appProtocol": "https"}],
]
CREATED = ["2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"]

a = st.sampled_from
GATEWAYS = st.builds(
    lambda name, listeners, addresses, created: body(
        "Gateway",
        name,
        {"gatewayClassName": "legation", "listeners": listeners, "addresses": addresses},
        metadata={"creationTimestamp": created},
    ),
    a(["one", "two"]),
    a(LISTENERS),
    a([[], [{"value": "127.0.0.7"}], [{"type": "Hostname", "value": "x.example.com"}]]),
    a(CREATED),
)
RULES = st.builds(
    lambda path, backends, filters: {"matches": [{"path": {"value": path}}], "backendRefs": backends, "filters": filters},
    a(["/", "/a", "/b"]),
    a(BACKENDS),
    a(FILTERS),
)
ROUTES = st.builds(
    lambda name, namespace, parents, hostnames, rules, created: body(
        "HTTPRoute",
        name,
        {"parentRefs": parents, "hostnames": hostnames, "rules": rules},
        namespace=namespace,
        metadata={"creationTimestamp": created},
    ),
    a(["r1", "r2", "r3"]),
    a(["default", "other"]),
    a(PARENTS),
    a(HOSTNAMES),
    st.lists(RULES, min_size=1, max_size=2),
    a(CREATED),
)
SERVICES = st.builds(
    lambda at, ports, kind: body("Service", at[1], {"ports": ports, "type": kind}, api="v1", namespace=at[0]),
    a([("default", "web"), ("other", "api")]),
    a(PORTS),
    a(["ClusterIP", "ClusterIP", "ExternalName"]),
)
SLICES = st.builds(
    lambda name, service, address, ports, ready: {
        **body(
            "EndpointSlice",
            name,
            None,
            api="discovery.k8s.io/v1",
            metadata={"labels": {"kubernetes.io/service-name": service}},
        ),
        "addressType": "IPv4",
        "ports": ports,
        "endpoints": [{"addresses": [address], "conditions": {"ready": ready}}],
    },
    a(["s1", "s2"]),
    a(["web", "api"]),
    a(["10.0.0.1", "10.0.0.2"]),
    a([[{"port": 3000}], [{"port": 3000, "name": "web"}, {"port": 3001, "name": "alt"}]]),
    a([True, False, None]),
)
OTHERS = a(
    [
        body("GatewayClass", "legation", {"controllerName": "legation.dev/gateway"}),
        body("GatewayClass", "legation", {"controllerName": "example.com/gateway"}),
        *({**secret, "metadata": {"name": "cert", "namespace": "default"}} for secret in SECRETS.values()),
        body("Namespace", "other", None, api="v1", metadata={"labels": {"team": "blue"}}),
        body("Namespace", "other", None, api="v1"),
        *(
            body(
                "ReferenceGrant",
                "grant",
                {
                    "from": [{"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "namespace": namespace}],
                    "to": [{"group": "", "kind": "Service"}],
                },
                namespace="other",
            )
            for namespace in ("default", "elsewhere")
        ),
        body("Backend", "direct", {"endpoints": [{"ip": {"address": "127.0.0.1", "port": 1}}]}, api=ENVOY),
        body("Backend", "direct", {"endpoints": [{"fqdn": {"hostname": "localhost", "port": 1}}]}, api=ENVOY),
        body("Backend", "direct", {"endpoints": [{"fqdn": {"hostname": "localhost", "port": 1}}], "tls": {}}, api=ENVOY),
        body("Gateway", "two", {"gatewayClassName": "legation", "listeners": []}),  # not valid: counts as absent
    ]
)
EDITS = st.lists(
    st.tuples(st.one_of(GATEWAYS, ROUTES, ROUTES, SERVICES, SLICES, OTHERS), a([True, True, True, False])), max_size=12
)
START = [
    body("Gateway", "one", {"gatewayClassName": "legation", "listeners": LISTENERS[2]}),
    body("HTTPRoute", "r1", {"parentRefs": PARENTS[0], "rules": [{"backendRefs": BACKENDS[1]}]}),
    body("HTTPRoute", "r2", {"parentRefs": PARENTS[0], "hostnames": HOSTNAMES[3], "rules": [{"backendRefs": BACKENDS[2]}]}),
    body("Service", "web", {"ports": PORTS[1]}, api="v1"),
    {**SECRETS["wild"], "metadata": {"name": "cert", "namespace": "default"}},
]


def everything(one: Translation) -> dict[str, Any]:
    """All that a translation says, with what the comparison of resources leaves out."""
    resources = {
        (group, resource.type_url, resource.name): (resource.version, resource.body, resource.references, resource.authors)
        for group, snapshot in one.snapshots.items()
        for resource in snapshot
    }
    return {
        "resources": resources,
        "groups": dict(one.groups),
        "statuses": dict(one.statuses),
        "diagnostics": one.diagnostics,
    }


def assert_unchanged_is_identical(old: Translation, new: Translation) -> None:
    for group in old.snapshots.keys() & new.snapshots.keys():
        before, after = old.snapshots[group], new.snapshots[group]
        assert (before == after) == (before is after)
        for type_url in before.types.keys() & after.types.keys():
            was, now = before.types[type_url], after.types[type_url]
            assert (was == now) == (was is now)
            assert all((was[name] == now[name]) == (was[name] is now[name]) for name in was.keys() & now.keys())


def assert_every_attached_route_is_found(source: GatewayApi, world: Objects) -> None:
    """A slot looks for its routes by hostname: it must find each that has a share in it, and no other."""
    graph = source._graph
    attached = {key: one for key in world.of_kind(HTTP_ROUTE) if (one := graph.get(attachment, key)) is not None}
    shares = {slot for one in attached.values() for slots in one.slots.values() for slot in slots}
    for slot in shares:
        expected = sorted((one.age, key) for key, one in attached.items() if one.has(slot))
        assert graph.get(members, slot) == tuple(key for _, key in expected)


@pytest.mark.parametrize("pool", [None, "127.0.10.0/29"])
@given(edits=EDITS)
@settings(deadline=None, max_examples=60)
def test_incremental_equals_from_scratch(pool, edits):
    """Bytes, versions, references, authors, statuses and diagnostics: all equal, after every single edit."""
    config = Settings(address_pool=pool)
    source = GatewayApi(config)
    world = Objects.of(Object.of(one) for one in START)
    before = source.translate(world)
    for generation, (edit, put) in enumerate(edits, 2):
        one = Object.of(edit, generation=generation)
        world = world.updated([(one.key, one if put else None)])
        after = source.translate(world)
        assert everything(after) == everything(GatewayApi(config).translate(world))
        assert [dangling(snapshot) for snapshot in after.snapshots.values()] == [[]] * len(after.snapshots)
        assert_unchanged_is_identical(before, after)
        assert_every_attached_route_is_found(source, world)
        before = after


def test_without_a_change_the_translation_is_the_identical_object():
    source = GatewayApi(Settings())
    world = Objects.of(Object.of(one) for one in START)
    assert source.translate(world) is source.translate(world)


def web(*addresses: str) -> dict[str, Any]:
    """The EndpointSlice of the Service `web`."""
    return {
        **body(
            "EndpointSlice", "s", None, api="discovery.k8s.io/v1", metadata={"labels": {"kubernetes.io/service-name": "web"}}
        ),
        "addressType": "IPv4",
        "ports": [{"port": 3000, "name": "web"}],
        "endpoints": [{"addresses": [address]} for address in addresses],
    }


def of_one(rule: dict[str, Any]) -> dict[str, Any]:
    """The route `r1` with one rule."""
    return body("HTTPRoute", "r1", {"parentRefs": PARENTS[0], "rules": [rule]})


CERTIFICATE_OF_FOO = next(one.body for one in objects((CASES / "https" / "in.yaml").read_text()) if one.key.name == "foo")


@pytest.mark.parametrize(
    ("edit", "changes"),
    [
        (of_one({"backendRefs": BACKENDS[1], "filters": FILTERS[1]}), {"rds"}),
        (of_one({"backendRefs": BACKENDS[3]}), {"rds"}),
        (of_one({"backendRefs": BACKENDS[4]}), {"cds", "eds", "rds"}),
        (web("10.0.0.1", "10.0.0.2"), {"eds"}),
        (body("Service", "web", {"ports": [*PORTS[1], {"port": 82, "name": "more"}]}, api="v1"), set()),
        (body("Service", "web", {"ports": [{"port": 80, "name": "web"}]}, api="v1"), {"cds", "eds", "rds"}),
        ({**CERTIFICATE_OF_FOO, "metadata": {"name": "cert", "namespace": "default"}}, {"sds"}),
        ({**SECRETS["misfit"], "metadata": {"name": "cert", "namespace": "default"}}, {"lds", "rds", "sds"}),
        (body("Gateway", "one", {"gatewayClassName": "legation", "listeners": LISTENERS[2][:2]}), {"lds", "rds", "sds"}),
        (body("Namespace", "default", None, api="v1", metadata={"labels": {"team": "blue"}}), set()),
    ],
)
def test_an_edit_changes_what_it_must_and_leaves_the_rest_the_identical_objects(edit, changes):
    source = GatewayApi(Settings())
    two = body("Gateway", "two", {"gatewayClassName": "x", "listeners": LISTENERS[0], "addresses": [{"value": "127.0.0.2"}]})
    world = Objects.of(Object.of(one) for one in [*START, two, web("10.0.0.1")])
    before = source.translate(world).snapshots
    after = source.translate(world.updated([(Object.of(edit).key, Object.of(edit, generation=2))])).snapshots
    old, new = before["default/one"], after["default/one"]
    assert {short for short, url in SHORT_TYPES.items() if old.of_type(url) is not new.of_type(url)} == changes
    assert after["default/two"] is before["default/two"]


def test_a_removed_world_leaves_nothing_behind():
    """What was derived from objects that are gone is forgotten."""
    source = GatewayApi(Settings())
    source.translate(Objects())
    empty = len(source._graph)
    source.translate(Objects.of(Object.of(one) for one in START))
    assert source.translate(Objects()) == Translation()
    assert len(source._graph) == empty

"""What the author of an object that is wrong on its own is told, and where on it."""

from __future__ import annotations

from typing import Any

import pytest
from gateway_world import objects
from hypothesis import given
from hypothesis import strategies as st

from sources.gatewayapi import GatewayApi, Settings
from xds.model import Condition, Object, Refusing, Status

NOT_ACCEPTED = Condition("Accepted", False, "Invalid", "spec.x is wrong", 7)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda value: st.lists(value) | st.dictionaries(st.text() | st.sampled_from(["parentRefs", "name", "kind"]), value),
)
OURS = """
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: ours}
spec: {controllerName: legation.dev/gateway}
"""
OTHERS = """
---
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: others}
spec: {controllerName: example.com/gateway}
"""
GATEWAYS = "".join(
    f"""
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {{name: of-{name}}}
spec: {{gatewayClassName: {name}, listeners: [{{name: http, port: 80, protocol: HTTP}}]}}
"""
    for name in ("ours", "others")
)


def wrong(kind: str, spec: Any) -> Object:
    return Object.of({"apiVersion": "gateway.networking.k8s.io/v1", "kind": kind, "metadata": {"name": "w"}, "spec": spec})


@pytest.fixture
def told():
    """What is said of a refused object beside a class and a Gateway of ours, and another's."""
    source = GatewayApi(Settings())
    source.translate(objects(OURS + OTHERS + GATEWAYS))

    def of(one: Object, last: Status = Status()) -> dict[str, Any]:  # noqa: B008  a Status is a value
        return source.refuse(one, NOT_ACCEPTED, last).to_json()

    return of


def test_the_source_has_a_say_in_it():
    assert isinstance(GatewayApi(Settings()), Refusing)


def test_a_route_is_told_under_each_gateway_of_ours_that_it_names(told):
    refs = [{"name": "of-ours", "sectionName": "http"}, {"name": "of-others"}, {"name": 7}, "of-ours"]
    refs += [{"kind": "Service", "group": "", "name": "of-ours"}, {"name": "of-ours", "namespace": "default", "port": 80}]
    ours = {"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "of-ours"}
    own = {"controllerName": "legation.dev/gateway", "conditions": [NOT_ACCEPTED.to_json()]}
    assert told(wrong("HTTPRoute", {"parentRefs": refs, "rules": 7})) == {
        "parents": [
            {"parentRef": {**ours, "sectionName": "http"}, **own},
            {"parentRef": {**ours, "namespace": "default", "port": 80}, **own},
        ]
    }


@pytest.mark.parametrize(
    "spec", [None, 7, {}, {"parentRefs": 7}, {"parentRefs": [{"name": "of-others"}]}, {"parentRefs": [{"name": "absent"}]}]
)
def test_a_route_that_names_no_gateway_of_ours_is_told_nothing(told, spec):
    last = Status((), (), {}, "what it did before")
    assert told(wrong("HTTPRoute", spec), last) == {}


@pytest.mark.parametrize(
    ("kind", "spec", "ours"),
    [
        ("Gateway", {"gatewayClassName": "ours", "listeners": 7}, True),
        ("Gateway", {"gatewayClassName": "others", "listeners": 7}, False),
        ("Gateway", {"gatewayClassName": "absent", "listeners": 7}, False),
        ("Gateway", {"gatewayClassName": 7}, False),
        ("GatewayClass", {"controllerName": "legation.dev/gateway", "parametersRef": 7}, True),
        ("GatewayClass", {"controllerName": "example.com/gateway", "parametersRef": 7}, False),
        ("GatewayClass", None, False),
    ],
)
def test_a_gateway_or_class_is_told_when_it_is_ours(told, kind, spec, ours):
    assert told(wrong(kind, spec)) == ({"conditions": [NOT_ACCEPTED.to_json()]} if ours else {})


def test_without_any_class_every_gateway_is_ours():
    status = GatewayApi(Settings()).refuse(wrong("Gateway", {}), NOT_ACCEPTED, Status())
    assert status == Status((NOT_ACCEPTED,))


def test_the_rest_of_what_a_gateway_was_told_stays_with_its_last_good_version(told):
    programmed = Condition("Programmed", True, "Programmed", "", 6)
    last = Status((Condition("Accepted", True, "Accepted"), programmed), fields={"addresses": [{"value": "10.0.0.1"}]})
    assert told(wrong("Gateway", {"gatewayClassName": "ours"}), last) == {
        "addresses": [{"value": "10.0.0.1"}],
        "conditions": [NOT_ACCEPTED.to_json(), programmed.to_json()],
    }


@given(
    kind=st.sampled_from(["Gateway", "GatewayClass", "HTTPRoute"]), spec=JSON | st.fixed_dictionaries({"parentRefs": JSON})
)
def test_whatever_is_written_there_is_an_answer(kind, spec):
    assert isinstance(GatewayApi(Settings()).refuse(wrong(kind, spec), NOT_ACCEPTED, Status()), Status)

"""What is kept of the API server's documents."""

from __future__ import annotations

import pytest
from cluster_words import ROUTES, SECRETS, key, raw, route

from providers.kubernetes.document import read_head, read_line, read_object, read_page
from xds.model import Object


def read(body) -> Object:
    text = raw(body)
    return read_object(text, read_head(text), ROUTES)


def test_an_object_is_what_its_author_wrote():
    """Nothing of the API server's own book-keeping is in its body."""
    own = {
        "labels": {"a": "b"},
        "creationTimestamp": "2026-01-01T00:00:00Z",
        "managedFields": [{"manager": "kubectl"}],
        "annotations": {"mine": "yes", "kubectl.kubernetes.io/last-applied-configuration": "{}"},
        "generation": 7,
    }
    made = read(route("a", metadata=own, status={"parents": []}))
    assert made.key == key("a")
    assert made.generation == 7
    assert made.created == "2026-01-01T00:00:00Z"
    assert made.body == {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {
            "name": "a",
            "namespace": "default",
            "labels": {"a": "b"},
            "creationTimestamp": "2026-01-01T00:00:00Z",
            "annotations": {"mine": "yes"},
        },
        "spec": {"hostnames": ["a.test"]},
    }


@pytest.mark.parametrize(
    "more",
    [
        {"metadata": {"resourceVersion": "2"}},
        {"metadata": {"managedFields": [{"manager": "kubectl"}]}},
        {"metadata": {"uid": "another"}},
        {"status": {"parents": [{}]}},
        {"kind": "HTTPRoute", "apiVersion": "gateway.networking.k8s.io/v1"},
    ],
)
def test_what_its_author_did_not_write_does_not_change_it(more):
    assert read(route("a", **more)) == read(route("a"))


@pytest.mark.parametrize(
    "more", [{"spec": {"hostnames": []}}, {"metadata": {"labels": {"a": "b"}}}, {"metadata": {"generation": 2}}]
)
def test_what_its_author_wrote_does(more):
    assert read(route("a", **more)) != read(route("a"))


def test_the_order_of_fields_means_nothing():
    one, other = {"a": {"x": 1, "y": 2}, "b": 3}, {"b": 3, "a": {"y": 2, "x": 1}}
    assert read(route("a", spec=one)) == read(route("a", spec=other))


def test_a_kind_without_generation_has_the_first():
    text = raw({"metadata": {"name": "a", "namespace": "default", "resourceVersion": "3"}, "data": {}})
    assert read_object(text, read_head(text), SECRETS).generation == 1


def test_the_items_of_a_page_and_the_object_of_a_line_are_left_unread():
    """Only what can be used is looked at: here it is no object at all."""
    found = read_page(b'{"metadata": {"resourceVersion": "5", "continue": "next"}, "items": [1, 2]}')
    assert (found.metadata.resource_version, found.metadata.token, len(found.items)) == ("5", "next", 2)
    assert read_line(b'{"type": "ADDED", "object": 1}').type == "ADDED"

"""Objects are values, and a view of them shares what did not change."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xds.model import ConfigError, Key, Kind, Object, Objects, Origin
from xds.model.object import key_of

ROUTE = Kind("gateway.networking.k8s.io", "HTTPRoute")
SERVICE = Kind("", "Service")


def an_object(name: str, content: int = 0, kind: Kind = ROUTE) -> Object:
    return Object.of(
        {"apiVersion": kind.api_version, "kind": kind.name, "metadata": {"name": name}, "spec": {"content": content}}
    )


def test_a_document_tells_who_it_is():
    body = {
        "apiVersion": "gateway.networking.k8s.io/v1beta1",
        "kind": "HTTPRoute",
        "metadata": {
            "name": "a",
            "namespace": "shop",
            "labels": {"tier": "web"},
            "creationTimestamp": "2026-01-01T00:00:00Z",
        },
    }
    one = Object.of(body, generation=3, origin=Origin("a.yaml", 7))
    assert one.key == Key(ROUTE, "shop", "a")
    assert (one.labels, one.created, one.generation) == ({"tier": "web"}, "2026-01-01T00:00:00Z", 3)
    assert (str(one.key), str(one.origin), one.key.kind.api_version) == (
        "HTTPRoute shop/a",
        "a.yaml:7",
        "gateway.networking.k8s.io/v1beta1",
    )


def test_a_namespace_is_default_where_there_is_none_and_absent_where_there_can_be_none():
    assert an_object("a").key.namespace == "default"
    scoped = an_object("a", kind=Kind("", "Namespace")).key
    assert (scoped.namespace, str(scoped)) == ("", "Namespace a")
    assert (an_object("a").labels, an_object("a").created) == ({}, "")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "apiVersion"),
        ({"apiVersion": 1}, "apiVersion"),
        ({"apiVersion": "v1"}, "kind"),
        ({"apiVersion": "v1", "kind": ""}, "kind"),
        ({"apiVersion": "v1", "kind": "Service"}, "metadata"),
        ({"apiVersion": "v1", "kind": "Service", "metadata": []}, "metadata"),
        ({"apiVersion": "v1", "kind": "Service", "metadata": {}}, "metadata.name"),
        ({"apiVersion": "v1", "kind": "Service", "metadata": {"name": 5}}, "metadata.name"),
        ({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a", "namespace": 5}}, "metadata.namespace"),
    ],
    ids=str,
)
def test_a_document_that_does_not_tell_is_refused_with_the_field(body, field):
    with pytest.raises(ConfigError) as caught:
        key_of(body, Origin("a.yaml", 3))
    assert caught.value.field == field
    assert str(caught.value).startswith(f"a.yaml:3: {field} ")


def test_objects_with_the_same_content_are_the_same_whatever_the_order_of_their_keys():
    body = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}}
    assert Object.of(body) == Object.of(dict(reversed(body.items())), origin=Origin("elsewhere"))
    assert Object.of(body) != Object.of({**body, "spec": {}})
    assert Object.of(body) != Object.of(body, generation=2)


def test_both_versions_of_a_kind_are_one_kind():
    assert Kind.parse("gateway.networking.k8s.io/v1beta1", "HTTPRoute") == ROUTE
    assert Kind.parse("v1", "Service") == SERVICE


def test_a_view_shares_the_kinds_that_did_not_change():
    before = Objects.of([an_object("a"), an_object("b"), an_object("s", kind=SERVICE)])
    after = before.updated([(an_object("a").key, an_object("a", 1))])
    assert after.of_kind(SERVICE) is before.of_kind(SERVICE)
    assert after.of_kind(ROUTE) is not before.of_kind(ROUTE)
    assert before.get(an_object("a").key) == an_object("a")
    assert (len(before), set(before.kinds())) == (3, {ROUTE, SERVICE})


def test_what_is_no_change_gives_the_same_view():
    view = Objects.of([an_object("a")])
    assert view.updated([(an_object("a").key, an_object("a")), (an_object("b").key, None)]) is view
    assert Objects.of([an_object("a", 1), an_object("a", 2)]).get(an_object("a").key) == an_object("a", 2)


EDITS = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from([ROUTE, SERVICE]), st.none() | st.integers(0, 1)))


@given(batches=st.lists(EDITS, max_size=5))
def test_a_view_is_what_its_edits_make_of_it(batches):
    """And it knows what changed since any view before it; only of the very last may it name one that changed back."""
    model: dict[Key, Object] = {}
    views = [Objects()]
    for batch in batches:
        changes = []
        for name, kind, content in batch:
            one = None if content is None else an_object(name, content, kind)
            changes.append((an_object(name, 0, kind).key, one))
        views.append(views[-1].updated(changes))
        for key, one in changes:
            model.pop(key, None)
            if one is not None:
                model[key] = one
        assert {one.key: one for one in views[-1]} == model
    last = views[-1]
    for old in views:
        differing = {key for key in {one.key for one in [*last, *old]} if last.get(key) != old.get(key)}
        assert last.changed_since(old) >= differing

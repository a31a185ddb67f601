"""Where objects are looked for, by the settings."""

from __future__ import annotations

import msgspec
import pytest
from cluster_words import CONFIG_MAPS, GATEWAY_CLASSES, NAMESPACES, ROUTES, SECRETS

from providers.kubernetes.place import places
from providers.kubernetes.settings import Settings

EVERY = (ROUTES, NAMESPACES, GATEWAY_CLASSES)


def found(settings: Settings, *selected: str) -> set[tuple[str, str]]:
    return {(one.path, "".join(one.query.values())) for one in places(EVERY, settings, selected)}


def test_without_a_scope_everything_is_read_at_once():
    assert found(Settings()) == {
        ("/apis/gateway.networking.k8s.io/v1/httproutes", ""),
        ("/api/v1/namespaces", ""),
        ("/apis/gateway.networking.k8s.io/v1/gatewayclasses", ""),
    }


def test_named_namespaces_are_read_each_and_nothing_of_others():
    assert found(Settings(namespaces=("a", "b"))) == {
        ("/apis/gateway.networking.k8s.io/v1/namespaces/a/httproutes", ""),
        ("/apis/gateway.networking.k8s.io/v1/namespaces/b/httproutes", ""),
        ("/api/v1/namespaces", "metadata.name=a"),
        ("/api/v1/namespaces", "metadata.name=b"),
        ("/apis/gateway.networking.k8s.io/v1/gatewayclasses", ""),
    }


def test_a_selector_chooses_among_namespaces_and_what_is_in_them():
    settings = Settings(namespace_selector="team=a")
    rest = {("/api/v1/namespaces", "team=a"), ("/apis/gateway.networking.k8s.io/v1/gatewayclasses", "")}
    assert found(settings) == rest
    assert found(settings, "a") == rest | {("/apis/gateway.networking.k8s.io/v1/namespaces/a/httproutes", "")}


def test_secrets_that_no_gateway_needs_are_not_read():
    (place,) = places([SECRETS], Settings(), ())
    assert "type!=helm.sh/release.v1" in place.query["fieldSelector"]
    assert {one.query["fieldSelector"] for one in places([SECRETS], Settings(namespaces=("a",)), ())} == {
        place.query["fieldSelector"]
    }


def test_the_authority_of_the_cluster_is_not_read_in_every_namespace():
    (place,) = places([CONFIG_MAPS], Settings(), ())
    assert place.query == {"fieldSelector": "metadata.name!=kube-root-ca.crt"}


def test_names_and_a_selector_contradict_each_other():
    with pytest.raises(msgspec.ValidationError, match="do not go together"):
        msgspec.convert({"namespaces": ["a"], "namespace_selector": "team=a"}, Settings)

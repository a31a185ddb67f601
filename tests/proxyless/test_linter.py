"""The linter in the control plane: which groups it looks at, and whom it tells."""

from __future__ import annotations

from grpc_tree import tree

from sources.envoy import Envoy
from xds.codec import decode, proxyless, resource, to_json
from xds.control import linter as module
from xds.control.linter import Linter
from xds.control.translator import Translator
from xds.model import Key, Kind, Object, Objects, Origin, Severity, Snapshot, Translation
from xds.model.type_url import LDS

RANDOM = ("cds", "lb_policy", "RANDOM")
FRUIT = Key(Kind("acme.dev", "Fruit"), "default", "pear")


def told(*resources):
    return Linter().lint(Translation({"group": Snapshot.of(resources)}))


def test_what_no_listener_of_grpc_leads_to_is_an_envoys_own_matter():
    listener, *rest = tree("a", 1, RANDOM)
    assert told(listener, *rest)
    assert not told(*rest, resource({"@type": LDS, "name": "http", "address": {}}))


def test_the_author_is_told_which_resource_it_is_about_and_what_becomes_of_it():
    (one,) = told(*tree("a", 1, RANDOM))
    assert one.message == "cds 'a': lb_policy must be ROUND_ROBIN, RING_HASH or LEAST_REQUEST, not RANDOM"
    assert (one.severity, one.hint) == (Severity.ERROR, "gRPC would refuse this cds 'a'")


def test_what_did_not_change_is_not_looked_at_again(monkeypatch):
    looked = []
    monkeypatch.setattr(module, "flaws", lambda one: looked.append(one.name) or proxyless.flaws(one))
    linter = Linter()
    first, second = (Translation({"group": Snapshot.of([*tree("a", 1), *tree("b", port)])}) for port in (1, 2))
    linter.lint(first)
    assert len(looked) == 8
    linter.lint(second)
    assert looked[8:] == ["b"], "its endpoints"


def test_more_clusters_than_a_client_reads_at_once_are_told_on_their_listener(monkeypatch):
    listener, *rest = tree("a", 1)
    monkeypatch.setattr(module, "LARGEST", len(rest[1].body))
    (one,) = told(listener, *rest)
    assert one.message.startswith("lds 'a':  leads to clusters of")


def test_an_author_who_wrote_the_resource_himself_is_told_the_line():
    listener, *rest = tree("a", 1, RANDOM)
    listed = [{"@type": one.type_url, **to_json(decode(one.type_url, one.body))} for one in (listener, *rest)]
    body = {
        "apiVersion": "legation.dev/v1alpha1",
        "kind": "EnvoyResources",
        "metadata": {"name": "a"},
        "spec": {"groups": ["g", "h"], "resources": listed},
    }
    one = Object.of(body, origin=Origin("a.yaml"))
    (found,) = Translator([Envoy()]).translate(Objects.of([one])).diagnostics
    assert (found.key, found.field) == (one.key, "spec.resources[2].lb_policy")

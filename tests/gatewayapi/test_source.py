"""The source as a plug-in."""

from __future__ import annotations

from gateway_world import CASES, objects

from sources.gatewayapi import GatewayApi, Settings
from xds.codec import decode, references
from xds.model import Object, Objects, Source, Translation

QUICKSTART = objects((CASES / "quickstart" / "in.yaml").read_text())
ROUTE = next(one for one in QUICKSTART if one.key.kind.name == "HTTPRoute")


def edited(spec: dict[str, object]) -> Object:
    """The route of the quickstart with another spec."""
    return Object.of({**ROUTE.body, "spec": spec}, generation=2)


def test_it_is_a_source():
    assert isinstance(GatewayApi(Settings()), Source)
    assert GatewayApi.Settings is Settings


def test_a_good_object_has_nothing_wrong():
    assert [GatewayApi(Settings()).check(one) for one in QUICKSTART] == [[]] * len(QUICKSTART)


def test_an_object_that_is_not_valid_counts_as_absent_and_says_so():
    source = GatewayApi(Settings())
    broken = edited({"parentRefs": [{"name": "quickstart", "port": 70000}]})
    translation = source.translate(QUICKSTART.updated([(broken.key, broken)]))
    assert translation.diagnostics == tuple(source.check(broken)) != ()
    assert ROUTE.key not in translation.statuses
    assert len(translation.snapshots["default/quickstart"]) == 2, "the Listener and the RouteConfiguration"


def test_a_mended_object_counts_again():
    source = GatewayApi(Settings())
    good = source.translate(QUICKSTART)
    broken = edited({"rules": 7})
    source.translate(QUICKSTART.updated([(broken.key, broken)]))
    assert source.translate(QUICKSTART) == good


def test_objects_of_kinds_that_it_does_not_know_are_nothing_to_it():
    other = Object.of({"apiVersion": "example.com/v1", "kind": "Bucket", "metadata": {"name": "b"}})
    assert GatewayApi(Settings()).translate(Objects.of([other])) == Translation()


def test_no_objects_mean_nothing():
    assert GatewayApi(Settings()).translate(Objects()) == Translation()


def test_a_route_is_the_author_of_its_configuration_and_a_backend_of_its_cluster():
    snapshot = GatewayApi(Settings()).translate(QUICKSTART).snapshots["default/quickstart"]
    authors = {one.type_url.rpartition(".")[2]: [str(key) for key in one.authors] for one in snapshot}
    assert authors == {
        "Cluster": ["Service default/echo"],
        "ClusterLoadAssignment": ["Service default/echo"],
        "Listener": ["Gateway default/quickstart"],
        "RouteConfiguration": ["HTTPRoute default/echo"],
    }


def test_the_references_of_a_spliced_resource_are_those_of_its_message():
    """RouteConfigurations are joined from encoded pieces, and so are their references."""
    for case in ("hostnames", "precedence", "filters", "https"):
        translation = GatewayApi(Settings()).translate(objects((CASES / case / "in.yaml").read_text()))
        for snapshot in translation.snapshots.values():
            for one in snapshot:
                assert one.references == references(decode(one.type_url, one.body)), one.name

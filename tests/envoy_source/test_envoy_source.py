"""Envoy's own resources as a configuration language."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from envoy_sheet import cluster, sheet
from hypothesis import given
from hypothesis import strategies as st

from sources.envoy import Envoy
from sources.envoy.sheet import WRAPPER
from xds.control import settings
from xds.control.cli import offline
from xds.control.contract import source_contract
from xds.model import Listen, Object, Objects, Severity, Source
from xds.model.type_url import CDS, LDS, LEDS, RDS


@pytest.fixture
def source() -> Envoy:
    return Envoy()


def listener(name: str, port: int, **more):
    return {"@type": LDS, "name": name, "address": {"socket_address": {"address": "127.0.0.1", "port_value": port}}, **more}


def test_it_keeps_the_contract_of_a_source(source):
    objects = [
        sheet("a", cluster("a"), cluster("both"), groups=("edge", "core")),
        sheet("b", cluster("b"), cluster("both", "2s")),
        sheet("c", listener("c", 80), groups=("other",)),
    ]
    assert isinstance(source, Source)
    made = source_contract(source, Objects.of(objects))
    assert set(made.snapshots) == {"edge", "core", "other"}


def test_every_group_that_is_named_is_served_the_resources_as_they_are(source):
    one = sheet("a", cluster("a"), groups=("edge", "core"))
    snapshots = source.translate(Objects.of([one])).snapshots
    edge, core = (snapshots[name].get((CDS, "a")) for name in ("edge", "core"))
    assert edge is core
    assert edge.authors == (one.key,)


def test_a_change_leaves_every_other_resource_the_same_object(source):
    first = sheet("a", cluster("a"), cluster("b"))
    objects = Objects.of([first, sheet("z", cluster("z"), groups=("far",))])
    before = source.translate(objects)
    second = sheet("a", cluster("a"), cluster("b", "9s"))
    after = source.translate(objects.updated([(second.key, second)]))
    assert after.snapshots["edge"].get((CDS, "a")) is before.snapshots["edge"].get((CDS, "a"))
    assert after.snapshots["edge"].get((CDS, "b")) != before.snapshots["edge"].get((CDS, "b"))
    assert after.snapshots["far"] is before.snapshots["far"]


def test_a_wrapper_gives_a_resource_its_name_and_a_ttl(source):
    """Single endpoints (LEDS) have no name of their own."""
    inner = {"@type": LEDS, "endpoint": {"hostname": "a"}}
    name = "xdstp://legation/envoy.config.endpoint.v3.LbEndpoint/a"
    wrapper = {"@type": WRAPPER, "name": name, "ttl": "2.5s", "aliases": ["b"], "resource": inner}
    one = source.translate(Objects.of([sheet("a", wrapper)])).snapshots["edge"].of_type(LEDS)[name]
    assert (one.ttl, one.aliases) == (2.5, ("b",))


EDITS = st.lists(
    st.tuples(
        st.sampled_from("abc"),
        st.lists(st.tuples(st.sampled_from("xyz"), st.sampled_from(["1s", "2s"])), max_size=3, unique_by=lambda one: one[0]),
        st.lists(st.sampled_from(["edge", "core"]), min_size=1, unique=True),
        st.booleans(),
    ),
    max_size=12,
)


@given(EDITS)
def test_after_any_edits_it_says_what_a_new_one_would_say(edits):
    source, objects = Envoy(), Objects()
    for name, clusters, groups, is_there in edits:
        one = sheet(name, *(cluster(*each) for each in clusters), groups=groups)
        objects = objects.updated([(one.key, one if is_there else None)])
        assert source.translate(objects) == Envoy().translate(objects)


class TestTwoObjectsWithOneName:
    @pytest.fixture
    def made(self, source):
        older = sheet("older", cluster("a", "1s"), created="2026-01-01T00:00:00Z")
        newer = sheet("newer", cluster("b"), cluster("a", "2s"), created="2026-01-02T00:00:00Z")
        return source.translate(Objects.of([newer, older])), older, newer

    def test_the_older_one_counts(self, made):
        translation, older, _ = made
        assert translation.snapshots["edge"].get((CDS, "a")).authors == (older.key,)

    def test_the_newer_one_is_told_at_its_field_and_keeps_its_others(self, made):
        translation, older, newer = made
        (told,) = translation.diagnostics
        assert (told.key, told.field) == (newer.key, "spec.resources[1]")
        assert str(older.key) in told.message
        (condition,) = translation.statuses[newer.key].conditions
        assert (condition.type, condition.status, condition.reason) == ("Accepted", False, "Conflicted")
        assert translation.snapshots["edge"].get((CDS, "b")).authors == (newer.key,)


class TestTheGroup:
    def group(self, source, *resources):
        return source.translate(Objects.of([sheet("a", *resources)])).groups["edge"]

    def test_has_the_sockets_of_its_listeners_and_an_envoy(self, source):
        group = self.group(source, listener("web", 8080))
        assert group.listens == (Listen("127.0.0.1", 8080, "web"),)
        assert group.hosted

    def test_of_grpc_clients_and_servers_has_no_envoy(self, source):
        server = listener("grpc/server?xds.resource.listening_address=127.0.0.1:50051", 50051)
        group = self.group(source, server, {"@type": LDS, "name": "greeter", "api_listener": {}})
        assert group.listens == ()
        assert not group.hosted


def spec(**fields) -> Object:
    body = {"apiVersion": "legation.dev/v1alpha1", "kind": "EnvoyResources", "metadata": {"name": "a"}, "spec": fields}
    return Object.of(body)


BROKEN = [
    (spec(groups=["edge"], resources=[{"name": "a"}]), "spec.resources[0].@type", "is missing"),
    (spec(groups=["edge"], resources=[{"@type": "acme.Fruit"}]), "spec.resources[0].@type", "'acme.Fruit' is not a message"),
    (spec(groups=["edge"], resources=[{"@type": CDS}]), "spec.resources[0].name", "without a name cannot be served"),
    (
        spec(groups=["edge"], resources=[{**cluster("a"), "conect_timeout": "1s"}]),
        "spec.resources[0].conect_timeout",
        "is no field of envoy.config.cluster.v3.Cluster",
    ),
    (
        spec(groups=["edge"], resources=[cluster("a"), cluster("b"), cluster("a")]),
        "spec.resources[2]",
        "is another cds 'a'; spec.resources[0] has that name, too",
    ),
    (spec(groups=[], resources=[]), "spec.groups", "must not be empty"),
    (spec(groups=["edge", 5], resources=[]), "spec.groups[1]", "must be text, not a whole number"),
    (spec(groups=["edge"], resources=[5]), "spec.resources[0]", "must be a mapping"),
    (spec(nodes=["edge"], resources=[]), "spec.nodes", "is not a setting"),
    (spec(groups=["edge"]), "spec.resources", "is missing"),
    (
        spec(groups=["edge"], resources=[{"@type": WRAPPER, "name": "a", "resource": {**cluster("a"), "lb_polcy": 1}}]),
        "spec.resources[0].resource.lb_polcy",
        "is no field of envoy.config.cluster.v3.Cluster",
    ),
    (sheet("a", api="legation.dev/v2"), "apiVersion", "must be legation.dev/v1alpha1, not 'legation.dev/v2'"),
]


@pytest.mark.parametrize(("one", "field", "words"), BROKEN)
def test_a_mistake_is_told_with_its_field_and_keeps_the_object_out(source, one, field, words):
    (flaw,) = source.check(one)
    assert (flaw.key, flaw.field) == (one.key, field)
    assert words in flaw.message
    made = source.translate(Objects.of([one]))
    assert made.diagnostics == (flaw,)
    assert not made.snapshots


def test_every_mistake_of_an_object_is_told(source):
    assert len(source.check(spec(groups=["edge"], resources=[{"@type": CDS}, cluster("a"), {"name": "x"}]))) == 2


def test_the_example_is_in_order_and_served_without_a_word_in_the_settings():
    example = Path(__file__).parents[2] / "examples" / "proxyless-grpc.yaml"
    reading = offline.read(settings.load(paths=(str(example),)))
    assert not reading.complaints
    assert len(reading.translation.snapshots["greeter-clients"]) == 4


class TestWhatIsNamedAndIsNotThere:
    @pytest.fixture
    def read(self, tmp_path):
        """Reads a file in which a route names a cluster that is not there."""
        route = {"match": {"prefix": "/"}, "route": {"cluster": "nowhere"}}
        hosts = [{"name": "all", "domains": ["*"], "routes": [route]}]
        one = sheet("a", cluster("a"), {"@type": RDS, "name": "r", "virtual_hosts": hosts})
        file = tmp_path / "a.json"
        file.write_text(json.dumps(one.body, indent=2))
        return lambda **flags: offline.read(settings.load(paths=(str(file),), flags=flags))

    def test_is_told_at_the_line_of_the_resource_that_names_it(self, read):
        (told,) = read().complaints
        assert told.field == "spec.resources[1]"
        assert told.message == "rds 'r' names cds 'nowhere', which is not in the snapshot of edge"
        assert told.severity is Severity.ERROR

    def test_weighs_what_the_settings_say(self, read):
        assert [one.severity for one in read(consistency="warning").complaints] == [Severity.WARNING]
        assert not read(consistency="accept").complaints

    @pytest.mark.parametrize(("consistency", "well"), [("error", False), ("warning", True), ("accept", True)])
    def test_makes_an_object_that_is_kept_back_for_it_not_well(self, read, consistency, well):
        (status,) = read(consistency=consistency).statuses.values()
        assert [one.message for _, one in status.failing()] == [
            "rds 'r' names cds 'nowhere', which is not in the snapshot of edge"
        ] * (not well)

"""What `legation manifests` prints: what is granted is what is used, and what runs may do nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from providers.install.command import manifests
from providers.install.rules import plural
from sources.envoy import Envoy
from sources.envoy.definition import DEFINITION
from sources.envoy.sheet import Spec
from sources.gatewayapi import GatewayApi
from xds.control import settings
from xds.model import CLUSTER_SCOPED, ConfigError
from xds.server.admin import ENDPOINTS

ROOT = Path(__file__).parents[2]
DEPLOYED = ROOT / "deploy" / "legation.yaml"
GATEWAY = "gateway.networking.k8s.io"
OURS = GatewayApi.kinds | Envoy.kinds


def test_what_lies_in_deploy_is_what_is_printed(printed):
    assert DEPLOYED.read_text() == printed().text, "run: legation manifests > deploy/legation.yaml"


def test_every_kind_is_read_and_no_other(printed):
    read = {(group, name) for group, name, verb in printed().granted("ClusterRole") if verb == "watch"}
    assert read == {(kind.group, plural(kind.name).replace("envoyresourceses", "envoyresources")) for kind in OURS}


def test_a_kind_is_listed_where_it_is_watched(printed):
    granted = printed().granted("ClusterRole")
    assert {one[:2] for one in granted if one[2] == "watch"} == {one[:2] for one in granted if one[2] == "list"}


def test_only_statuses_are_written_and_only_those_that_are_given(printed):
    written = {
        (group, name) for group, name, verb in printed().granted("ClusterRole") if verb not in ("get", "list", "watch")
    }
    reported = {(kind.group, f"{plural(kind.name)}/status") for kind in GatewayApi.reported}
    assert written == reported | {("legation.dev", "envoyresources/status")}


def test_nothing_is_granted_by_a_star(printed):
    assert "*" not in {part for one in printed().granted("ClusterRole") for part in one}


def test_a_source_that_is_not_loaded_needs_nothing(printed):
    one = printed("--source", "gatewayapi")
    assert "legation.dev" not in {group for group, _, _ in one.granted("ClusterRole")}
    assert not one.of_kind("CustomResourceDefinition")
    assert [source.name for source in loaded(one.settings).sources] == ["gatewayapi"]


def test_a_source_that_is_not_installed_is_named():
    result = CliRunner().invoke(manifests, ["--source", "gatewayapy"])
    assert isinstance(result.exception, ConfigError)
    assert "there is no source 'gatewayapy'" in str(result.exception)


class TestOfNamedNamespaces:
    def test_each_has_a_role_and_the_cluster_one_for_what_is_in_none(self, printed):
        one = printed("--watch", "team-a", "--watch", "team-b")
        roles = [role for role in one.of_kind("Role") if role["metadata"]["name"] == "legation"]
        assert [role["metadata"]["namespace"] for role in roles] == ["team-a", "team-b"]
        assert roles[0]["rules"] == roles[1]["rules"]
        nowhere = {plural(kind.name) for kind in OURS & CLUSTER_SCOPED}
        (named,) = (rule for rule in one.the("ClusterRole")["rules"] if rule["resources"] == ["namespaces"])
        assert named["resourceNames"] == ["team-a", "team-b"]
        assert {name.removesuffix("/status") for _, name, _ in one.granted("ClusterRole")} == nowhere
        somewhere = {name for rule in roles[0]["rules"] for name in rule["resources"]}
        assert {"httproutes", "httproutes/status", "secrets", "envoyresources"} <= somewhere
        assert not nowhere & somewhere

    def test_they_are_what_is_read(self, printed):
        (provider,) = loaded(printed("--watch", "team-a").settings).providers
        assert provider.settings.namespaces == ("team-a",)

    def test_every_role_is_bound_to_the_account(self, printed):
        one = printed("--watch", "team-a", "--namespace", "there", "--name", "other")
        assert len(one.of_kind("RoleBinding")) == len(one.of_kind("Role")) == 2
        for binding in (*one.of_kind("RoleBinding"), *one.of_kind("ClusterRoleBinding")):
            assert binding["subjects"] == [{"kind": "ServiceAccount", "name": "other", "namespace": "there"}]
            assert binding["roleRef"]["name"] == binding["metadata"]["name"]


def test_the_lease_is_one_that_may_be_held(printed):
    one = printed("--name", "other", "--namespace", "there")
    role = one.the("Role")
    assert role["metadata"]["namespace"] == one.the("Deployment")["metadata"]["namespace"] == "there"
    assert [rule.get("resourceNames") for rule in role["rules"]] == [None, ["other"]]
    assert one.granted("Role") == {("coordination.k8s.io", "leases", verb) for verb in ("create", "get", "update")}
    (provider,) = loaded(one.settings).providers
    assert provider.settings.lease.name == "other"


def test_the_class_is_one_of_the_source(printed):
    one = printed("--class", "edge")
    source = next(source for source in loaded(one.settings).sources if source.name == "gatewayapi")
    assert one.the("GatewayClass")["metadata"]["name"] == "edge"
    assert one.the("GatewayClass")["spec"]["controllerName"] == source.settings.controller_name
    (provider,) = loaded(one.settings).providers
    assert provider.settings.controller_name == source.settings.controller_name


def test_the_settings_are_those_of_the_ports_and_volumes(printed):
    one = printed()
    made = loaded(one.settings)
    ports = {port["name"]: port["containerPort"] for port in one.container["ports"]}
    assert ports == {"xds": made.xds.port, "admin": made.admin.port}
    served = {port["targetPort"]: port["port"] for port in one.the("Service")["spec"]["ports"]}
    assert served == ports
    mounted = [mount["mountPath"] for mount in one.container["volumeMounts"]]
    assert {str(Path(file).parent) for file in made.xds.tls.files().values()} <= set(mounted)
    assert one.container["args"] == ["serve", "--config", f"{mounted[0]}/{next(iter(one.the('ConfigMap')['data']))}"]
    assert made.xds.tls.client_ca


def test_what_is_probed_is_there(printed):
    probes = {name: probe["httpGet"] for name, probe in printed().container.items() if name.endswith("Probe")}
    assert probes.keys() == {"livenessProbe", "readinessProbe"}
    assert {probe["path"] for probe in probes.values()} <= ENDPOINTS.keys()
    assert {probe["port"] for probe in probes.values()} == {"admin"}


def test_other_settings_are_other_pods(printed):
    def digest(*options: str) -> str:
        return printed(*options).the("Deployment")["spec"]["template"]["metadata"]["annotations"]["legation.dev/settings"]

    assert digest() == digest("--replicas", "3")
    assert digest() != digest("--watch", "team-a")


def test_what_runs_may_do_nothing(printed):
    """The profile `restricted` of Kubernetes' pod security standards, which the namespace asks for; and more."""
    pod = printed().the("Deployment")["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"]
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert printed().container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def test_the_image_is_of_the_version(printed):
    assert printed("--version", "9.9.9").container["image"] == "legation:9.9.9"
    one = printed("--version", "9.9.9", "--image", "registry.example.com/legation@sha256:0", "--replicas", "3")
    assert one.container["image"] == "registry.example.com/legation@sha256:0"
    assert one.the("Deployment")["metadata"]["labels"]["app.kubernetes.io/version"] == "9.9.9"
    assert one.the("Deployment")["spec"]["replicas"] == 3


def test_whatever_finds_pods_finds_these(printed):
    one = printed("--name", "other")
    labels = one.the("Deployment")["spec"]["template"]["metadata"]["labels"]
    selectors = [one.the(kind)["spec"]["selector"] for kind in ("Deployment", "PodDisruptionBudget", "Service")]
    for selector in selectors:
        assert (selector.get("matchLabels") or selector).items() <= labels.items()


def test_the_definition_knows_the_fields_that_are_read():
    (version,) = DEFINITION["spec"]["versions"]
    spec = version["schema"]["openAPIV3Schema"]["properties"]["spec"]
    assert list(spec["properties"]) == spec["required"] == list(Spec.__struct_fields__)


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("HTTPRoute", "httproutes"),
        ("GatewayClass", "gatewayclasses"),
        ("BackendTLSPolicy", "backendtlspolicies"),
        ("Gateway", "gateways"),
        ("Namespace", "namespaces"),
        ("ConfigMap", "configmaps"),
    ],
)
def test_plurals_are_made_as_kubernetes_makes_them(kind, name):
    assert plural(kind) == name


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def loaded(text: str) -> settings.Settings:
    """The settings, as the control plane reads them."""
    Path("legation.yaml").write_text(text)
    return settings.load("legation.yaml")

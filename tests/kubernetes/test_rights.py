"""What is installed, in a real API server: it is taken; the account of it may do all that it has to; and each of its rights
is used.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from secrets import token_hex
from typing import NamedTuple

import anyio
import pytest
import yaml
from anyio import to_thread
from click.testing import CliRunner
from issuer import Issuer

from providers.install.command import manifests
from providers.kubernetes import credentials, lease
from providers.kubernetes.api import Api
from xds.control import app, settings

HOME = "legation-system"
PLACE = "rights"
"""The namespace of what is read."""
SECONDS = 30.0
"""How long something may take that must happen."""
RBAC = "/apis/rbac.authorization.k8s.io/v1"
MERGE = "application/merge-patch+json"
WORLD = (Path(__file__).parent / "world.yaml").read_text()
EXAMPLE = Path(__file__).parents[2] / "examples" / "kubernetes-envoy.yaml"
REPORTED = {
    "/apis/gateway.networking.k8s.io/v1/gatewayclasses/legation",
    f"/apis/gateway.networking.k8s.io/v1/namespaces/{PLACE}/gateways/web",
    f"/apis/gateway.networking.k8s.io/v1/namespaces/{PLACE}/httproutes/web",
    f"/apis/gateway.envoyproxy.io/v1alpha1/namespaces/{PLACE}/backends/elsewhere",
    f"/apis/legation.dev/v1alpha1/namespaces/{PLACE}/envoyresources/own",
}
"""What is given a status."""

REQUEST = re.compile(
    r"/(?:api|apis/(?P<group>[^/]+))/v\w+(?:/namespaces/[^/]+)?/(?P<resource>[^/]+)(?:/(?P<name>[^/]+)(?P<sub>/status)?)?"
)
"""The path of objects, or of one."""
VERBS = {"PATCH": "patch", "PUT": "update", "POST": "create"}


class Right(NamedTuple):
    """What somebody may do, or did."""

    group: str
    resource: str
    verb: str


class Rule(NamedTuple):
    """One rule of a role: the path of the role, the rule's place there, and what it grants."""

    role: str
    place: int
    rights: frozenset[Right]

    def __str__(self) -> str:
        _, resource, verb = min(self.rights)
        return f"{resource} {verb}"


def objects(*options: str) -> list[dict]:
    return list(yaml.safe_load_all(CliRunner().invoke(manifests, options, catch_exceptions=False).output))


def rules(*options: str) -> Iterator[Rule]:
    for role in objects(*options):
        if role["kind"] in ("Role", "ClusterRole"):
            yield from (Rule(path(role), place, frozenset(rights(rule))) for place, rule in enumerate(role["rules"]))


def rights(rule: Mapping) -> Iterator[Right]:
    for group in rule["apiGroups"]:
        yield from (Right(group, resource, verb) for resource in rule["resources"] for verb in rule["verbs"])


def path(role: Mapping) -> str:
    metadata = role["metadata"]
    place = f"/namespaces/{metadata['namespace']}/roles" if "namespace" in metadata else "/clusterroles"
    return f"{RBAC}{place}/{metadata['name']}"


@pytest.fixture(scope="module")
def server(kubernetes):
    """The API server, with everything installed and objects of every kind."""
    kubernetes.kubectl("apply", "-f", "-", text=yaml.safe_dump_all(objects()))
    kubernetes.kubectl("create", "namespace", PLACE)
    definitions, _, others = WORLD.partition("---\n")
    kubernetes.kubectl("apply", "-f", "-", text=definitions)
    kubernetes.kubectl("wait", "--for=condition=Established", "--timeout=60s", "crd", "--all")
    kubernetes.kubectl("apply", "-n", PLACE, "-f", "-", text=others)
    yield kubernetes
    nowhere = [one for one in objects() if one["kind"] != "Namespace"]
    kubernetes.kubectl("delete", "-f", "-", text=yaml.safe_dump_all(nowhere))
    kubernetes.kubectl("delete", "-f", "-", text=definitions)
    for namespace in (PLACE, HOME):
        kubernetes.clear(namespace)


@pytest.fixture(autouse=True)
def _nothing_is_written(server):
    """Nobody has given a status yet, and nobody led."""
    for one in REPORTED:
        server.call("PATCH", f"{one}/status", {"status": None}, MERGE)
    server.kubectl("delete", "leases", "--all", "-n", HOME)


@pytest.fixture
def pod(server, tmp_path, monkeypatch):
    """Makes a pod of the installation of this process, with the token of its account alone; gives its settings."""
    asked = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 3600}}
    given = server.call("POST", f"/api/v1/namespaces/{HOME}/serviceaccounts/legation/token", asked)
    (tmp_path / "token").write_text(given["status"]["token"])
    (tmp_path / "ca.crt").write_bytes(server.ca_file.read_bytes())
    (tmp_path / "namespace").write_text(HOME)
    for module in (credentials, lease):
        monkeypatch.setattr(module, "SERVICE_ACCOUNT", tmp_path)
    host, port = server.url.removeprefix("https://").split(":")
    surroundings = {"KUBERNETES_SERVICE_HOST": host, "KUBERNETES_SERVICE_PORT": port, "POD_NAME": "legation-0"}
    for name, value in surroundings.items():
        monkeypatch.setenv(name, value)
    return lambda *options: loaded(tmp_path / "settings", *options)


def loaded(folder: Path, *options: str) -> settings.Settings:
    """The settings of an installation, at free ports and with certificates of this folder."""
    folder.mkdir()
    issuer = Issuer(folder, "ca")
    certificate, key = issuer.issue("legation")
    (text,) = next(one for one in objects(*options) if one["kind"] == "ConfigMap")["data"].values()
    for mounted, file in {"tls.crt": certificate, "tls.key": key, "ca.crt": issuer.file}.items():
        text = text.replace(f"/etc/legation-tls/{mounted}", str(file))
    (folder / "legation.yaml").write_text(re.sub(r"port: \d+", "port: 0", text))
    return settings.load(str(folder / "legation.yaml"))


@pytest.fixture
def used(server, monkeypatch) -> set[Right]:
    """What is done in the API server from now on. Who writes a status finds that the object has just changed."""
    found, changed, sent, send = set[Right](), set[str](), Api._sent, Api.send

    def noted(self, request, *rest):
        if one := REQUEST.fullmatch(request.path):
            reading = "get" if one["name"] else "watch" if "watch" in request.query else "list"
            resource = one["resource"] + (one["sub"] or "")
            found.add(Right(one["group"] or "", resource, VERBS.get(request.method, reading)))
        return sent(self, request, *rest)

    async def late(self, method, path, *rest):
        if method == "PATCH" and path not in changed:
            changed.add(path)
            label = {"metadata": {"labels": {"changed": token_hex(4)}}}
            await to_thread.run_sync(server.call, "PATCH", path.removesuffix("/status"), label, MERGE)
        return await send(self, method, path, *rest)

    monkeypatch.setattr(Api, "_sent", noted)
    monkeypatch.setattr(Api, "send", late)
    return found


async def until(holds) -> None:
    with anyio.fail_after(SECONDS):
        while not await to_thread.run_sync(holds):  # noqa: ASYNC110  a server can only be asked
            await anyio.sleep(0.05)


def is_reported(server, one: str) -> bool:
    """Whether an object has a status of ours."""
    status = server.call("GET", one).get("status") or {}
    conditions = [
        *status.get("conditions", ()),
        *(each for part in status.get("parents", ()) for each in part["conditions"]),
    ]
    return "Accepted" in {each["type"] for each in conditions if each["status"] == "True"}


def test_everything_is_taken_and_taken_again(server):
    again = server.kubectl("apply", "-f", "-", text=yaml.safe_dump_all(objects()))
    assert " created" not in again
    server.kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", text=yaml.safe_dump_all(objects()))


def test_an_installation_for_some_namespaces_is_taken(server):
    options = ("--name", "other", "--namespace", PLACE, "--class", "other", "--watch", PLACE)
    text = yaml.safe_dump_all(objects(*options))
    assert "gatewayclass.gateway.networking.k8s.io/other created" in server.kubectl(
        "apply", "--dry-run=server", "-f", "-", text=text
    )


def test_the_envoys_of_the_example_are_taken(kubernetes):
    said = kubernetes.kubectl("apply", "--dry-run=server", "-f", str(EXAMPLE))
    assert said.split("\n")[:2] == [
        "deployment.apps/web-envoy created (server dry run)",
        "service/web-envoy created (server dry run)",
    ]


async def test_the_account_does_all_that_it_may_and_nothing_else(server, pod, used):
    """It reads everything, writes each status, and leads. A kind that is not in world.yaml yet would be missing here."""
    granted = {right for rule in rules() for right in rule.rights}
    async with app.plane(pod(), None) as plane:
        await until(lambda: all(is_reported(server, one) for one in REPORTED))
        assert f"{PLACE}/web" in plane.snapshots()
        with suppress(TimeoutError):
            await until(lambda: used >= granted)
    assert used == granted


async def test_rights_in_one_namespace_are_enough_for_it(server, pod):
    """Where the account has its rights from roles of this namespace alone."""
    options = ("--watch", PLACE)
    granted = [one for one in objects(*options) if "rbac" in one["apiVersion"]]
    server.kubectl("apply", "-f", "-", text=yaml.safe_dump_all(granted))
    try:
        async with app.plane(pod(*options), None):
            await until(lambda: all(is_reported(server, one) for one in REPORTED))
    finally:
        server.kubectl("delete", "role,rolebinding", "legation", "-n", PLACE)
        server.kubectl("apply", "-f", "-", text=yaml.safe_dump_all(objects()))


@pytest.fixture(params=rules(), ids=str)
def missing(request, server):
    """A rule that the account has not."""
    one: Rule = request.param
    role = next(role for role in objects() if path(role) == one.role)
    kept = [rule for place, rule in enumerate(role["rules"]) if place != one.place]
    server.call("PUT", one.role, {**role, "rules": kept})
    yield one
    server.call("PUT", one.role, role)


async def test_without_any_one_rule_something_is_missing(server, pod, used, missing, caplog):
    """And the log says what, once."""
    caplog.set_level(logging.INFO)
    await until(lambda: not any(may(server, right) for right in missing.rights))
    async with app.plane(pod(), None):
        await until(lambda: any(refusal(one) in caplog.text for one in missing.rights))


def refusal(right: Right) -> str:
    """What the API server says to who does not have it."""
    return f'cannot {right.verb} resource "{right.resource}"'


def may(server, right: Right) -> bool:
    """Whether the account has this right."""
    resource, _, sub = right.resource.partition("/")
    place = HOME if resource == "leases" else PLACE
    wanted = {"group": right.group, "resource": resource, "subresource": sub, "verb": right.verb, "namespace": place}
    if resource == "leases" and right.verb != "create":
        wanted["name"] = "legation"
    spec = {"user": f"system:serviceaccount:{HOME}:legation", "resourceAttributes": wanted}
    review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": spec}
    answer = server.call("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", review)
    return answer["status"]["allowed"]

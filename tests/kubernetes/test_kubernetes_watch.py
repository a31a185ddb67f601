"""The provider against a real API server, and what happens to it."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from random import Random
from typing import Any
from urllib.request import Request, urlopen

import anyio
import pytest
from aiohttp import ClientTimeout
from anyio.to_thread import run_sync
from api_server import ApiServer, RefusedError, kubeconfig
from blockbuster import blockbuster_ctx
from cable import Cable, cable
from cluster_words import GROUP, ROUTE
from follower import DEADLINE, Follower

from providers.kubernetes import KubernetesProvider, Settings, reflection, reflector
from providers.kubernetes import api as api_module
from providers.kubernetes.api import Api, connect
from providers.kubernetes.place import NAMESPACE
from xds.control.contract import provider_contract
from xds.model import Delete, Key, Kind, Listed, Object, Put

SERVICE = Kind("", "Service")
SECRET = Kind("", "Secret")
THING = Kind("test.legation.dev", "Thing")
THINGS = "/apis/test.legation.dev/v1/namespaces/{}/things"
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
RBAC = "/apis/rbac.authorization.k8s.io/v1"
THINGS_CRD = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "things.test.legation.dev"},
    "spec": {
        "group": "test.legation.dev",
        "scope": "Namespaced",
        "names": {"plural": "things", "kind": "Thing"},
        "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {"type": "object"}}}],
    },
}

MANY = 5_000
AT_ONCE = 24
"""Objects that are created at the same time."""


class Cluster:
    """The API server, asked without holding up who follows it."""

    def __init__(self, server: ApiServer, namespace: str) -> None:
        self.server, self.namespace = server, namespace

    async def call(self, method: str, path: str, body: Any = None, kind: str = "application/json") -> Any:
        return await run_sync(partial(self.server.call, method, path, body, kind))

    @property
    def routes(self) -> str:
        return f"/apis/{GROUP}/v1/namespaces/{self.namespace}/httproutes"

    async def put(self, *names: str) -> None:
        for name in names:
            await self.call("POST", self.routes, route(name))

    async def drop(self, *names: str) -> None:
        for name in names:
            await self.call("DELETE", f"{self.routes}/{name}")


def route(name: str) -> dict[str, Any]:
    return {
        "apiVersion": f"{GROUP}/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": name},
        "spec": {"hostnames": [f"{name}.test"]},
    }


@pytest.fixture
def cluster(kubernetes, namespace) -> Cluster:
    return Cluster(kubernetes, namespace)


@pytest.fixture
async def line(kubernetes, tmp_path) -> AsyncIterator[Cable]:
    """A cable to the API server."""
    async with cable(kubernetes.url) as made:
        yield made


@pytest.fixture(autouse=True)
def nothing_blocks() -> Iterator[None]:
    """What is asked of the API server never holds up the event loop."""
    with blockbuster_ctx([f"providers.kubernetes.{name}" for name in ("api", "discovery", "reflection", "reflector")]):
        yield


@pytest.fixture
def config(kubernetes, line, tmp_path) -> Path:
    """The kubeconfig of an administrator at the other end of the cable."""
    return write(tmp_path, line, kubernetes, kubernetes.token)


def write(folder: Path, line: Cable, server: ApiServer, token: str) -> Path:
    path = folder / "kubeconfig"
    path.write_text(kubeconfig(f"https://127.0.0.1:{line.port}", server.ca_file, token))
    return path


@pytest.fixture(autouse=True)
def impatient(monkeypatch, caplog) -> None:
    """Pauses are short; what is said is kept."""
    monkeypatch.setattr(reflector, "BELIEVED", 0.1)
    monkeypatch.setattr(reflection, "LOOK_AGAIN", 0.1)
    monkeypatch.setattr("providers.kubernetes.pause.LONGEST", 0.5)
    caplog.set_level(logging.INFO, "providers.kubernetes")


@asynccontextmanager
async def following(config: Path, *kinds: Kind, **settings: Any) -> AsyncIterator[Follower]:
    follower, provider = Follower(), KubernetesProvider(Settings(kubeconfig=str(config), **settings))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(follower.follow, provider.watch(kinds))
        yield follower
        tasks.cancel_scope.cancel()


def told(caplog, *levels: str) -> list[str]:
    return [one.message for one in caplog.records if one.levelname in (levels or ("WARNING", "ERROR"))]


async def eventually(condition: Callable[[], object]) -> None:
    with anyio.fail_after(DEADLINE):
        while not condition():  # noqa: ASYNC110  nobody tells when a line is logged
            await anyio.sleep(0.01)


def of(follower: Follower, kind: type) -> list[str]:
    """Which objects this was said of, in order."""
    return [
        one.object.key.name if isinstance(one, Put) else one.key.name for one in follower.events if isinstance(one, kind)
    ]


async def test_it_keeps_what_every_provider_promises(cluster, config):
    await cluster.put("a", "b")
    settings = Settings(kubeconfig=str(config), namespaces=(cluster.namespace,))
    objects = await provider_contract(KubernetesProvider(settings), [ROUTE, SERVICE, NAMESPACE])
    assert {str(one.key) for one in objects} == {
        f"HTTPRoute {cluster.namespace}/a",
        f"HTTPRoute {cluster.namespace}/b",
        f"Namespace {cluster.namespace}",
    }


async def test_what_its_author_changes_is_told_and_a_status_is_not(cluster, config, caplog):
    await cluster.put("a")
    async with following(config, ROUTE, namespaces=(cluster.namespace,)) as follower:
        await follower.until(lambda: follower.listed)
        status = {"status": {"parents": []}}
        await cluster.call("PATCH", f"{cluster.routes}/a/status", status, "application/merge-patch+json")
        await cluster.call(
            "PATCH", f"{cluster.routes}/a", {"spec": {"hostnames": ["b.test"]}}, "application/merge-patch+json"
        )
        await cluster.drop("a")
        await follower.until(lambda: of(follower, Delete))
        first, second = [one.object for one in follower.events if isinstance(one, Put)]
        assert (first.generation, second.generation) == (1, 2)
        assert second.body["spec"]["hostnames"] == ["b.test"]
        assert "managedFields" not in second.body["metadata"]
        assert not told(caplog)


async def test_a_watch_that_is_cut_in_the_middle_of_a_burst_loses_nothing(cluster, config, line, caplog):
    names = {f"route-{number}" for number in range(200)}
    async with following(config, ROUTE, namespaces=(cluster.namespace,)) as follower:
        await follower.until(lambda: follower.listed)
        async with anyio.create_task_group() as tasks, connect(Settings(kubeconfig=str(cluster.server.kubeconfig))) as api:
            tasks.start_soon(create, api, cluster, names)
            for step in range(20, 200, 20):
                await follower.until(lambda step=step: len(follower.objects) >= step)
                line.cut()
        await follower.until(lambda: follower.names() == names)
        assert sorted(of(follower, Put)) == sorted(names)
        assert not of(follower, Delete)
        await eventually(lambda: len(told(caplog)) == len([one for one in told(caplog, "INFO") if "answers again" in one]))


async def test_a_connection_that_nobody_ends_and_nothing_comes_by_is_given_up(cluster, config, line, monkeypatch):
    monkeypatch.setattr(api_module, "LONG", ClientTimeout(total=None, sock_connect=10, sock_read=1))
    async with following(config, ROUTE, namespaces=(cluster.namespace,)) as follower:
        await follower.until(lambda: follower.listed)
        for name in ("a", "b"):
            line.clog()
            await cluster.put(name)
            await follower.until(lambda name=name: name in follower.names())
        assert of(follower, Put) == ["a", "b"]


async def test_an_api_server_that_dies_takes_nothing_away(cluster, config, caplog):
    await cluster.put("a", "b")
    async with following(config, ROUTE, SERVICE, NAMESPACE, namespaces=(cluster.namespace,)) as follower:
        await follower.until(lambda: follower.listed)
        known = dict(follower.objects)
        await run_sync(cluster.server.stop)
        await eventually(lambda: told(caplog))
        assert follower.objects == known
        await run_sync(cluster.server.start)
        await cluster.put("c")
        await cluster.drop("a")
        await follower.until(lambda: follower.names() == {"b", "c"})
        assert of(follower, Delete) == ["a"]
        assert sorted(of(follower, Put)) == sorted(["a", "b", "c", cluster.namespace])
        assert len(told(caplog)) == 1
        assert [one for one in told(caplog, "INFO") if "answers again" in one]


async def test_history_that_is_forgotten_is_made_up_for_by_a_list(cluster, config, line, caplog):
    """What was changed meanwhile is said, and nothing else."""
    await cluster.put("a", "b", "c")
    async with following(config, ROUTE, namespaces=(cluster.namespace,)) as follower:
        await follower.until(lambda: follower.listed)
        async with forgotten(cluster, line):
            await cluster.drop("a")
            await cluster.put("d")
        await follower.until(lambda: follower.names() == {"b", "c", "d"})
        assert of(follower, Delete) == ["a"]
        assert of(follower, Put) == ["a", "b", "c", "d"]
        assert len(told(caplog)) == 1


@pytest.mark.parametrize("seed", [1, 2])
async def test_in_any_weather_it_ends_with_what_the_api_server_has(cluster, config, line, seed):
    """Routes are made, changed and removed while connections break, and once all history is lost. Nothing is said twice."""
    chance = Random(seed)
    async with following(config, ROUTE, namespaces=(cluster.namespace,)) as follower:
        await follower.until(lambda: follower.listed)
        there: dict[str, str] = {}
        for number in range(160):
            await edit(cluster, there, f"route-{chance.randrange(20)}", chance.choice(("drop", "change")))
            if chance.random() < 0.08:
                line.cut()
            if number == 80:
                async with forgotten(cluster, line):
                    await cluster.put("meanwhile")
                    await cluster.drop("meanwhile")
        await follower.until(lambda: hosts(follower) == there)
    last: dict[Key, Object] = {}
    for event in follower.events:
        if isinstance(event, Put):
            assert last.get(event.object.key) != event.object
            last[event.object.key] = event.object
        elif isinstance(event, Delete):
            del last[event.key]


async def edit(cluster: Cluster, there: dict[str, str], name: str, how: str) -> None:
    """Makes a route; where there is one already, drops or changes it."""
    if name not in there:
        await cluster.put(name)
        there[name] = f"{name}.test"
    elif how == "drop":
        await cluster.drop(name)
        del there[name]
    else:
        there[name] = f"again.{there[name]}"
        patch = {"spec": {"hostnames": [there[name]]}}
        await cluster.call("PATCH", f"{cluster.routes}/{name}", patch, "application/merge-patch+json")


@asynccontextmanager
async def forgotten(cluster: Cluster, line: Cable) -> AsyncIterator[None]:
    """Meanwhile nobody can follow, and afterwards nothing is known but the present."""
    line.down = True
    line.cut()
    yield
    await run_sync(cluster.server.stop)
    await run_sync(compact, cluster.server)
    await run_sync(cluster.server.start)
    line.down = False


def hosts(follower: Follower) -> dict[str, str]:
    return {key.name: one.body["spec"]["hostnames"][0] for key, one in follower.objects.items()}


def compact(server: ApiServer) -> None:
    """Makes etcd forget everything but the present."""
    key = {"key": "Lw=="}  # "/"
    revision = etcd(server, "/v3/kv/range", key)["header"]["revision"]
    etcd(server, "/v3/kv/compaction", {"revision": revision, "physical": True})


def etcd(server: ApiServer, path: str, body: Any) -> Any:
    with urlopen(Request(server.etcd + path, json.dumps(body).encode()), timeout=30) as answer:
        return json.load(answer)


@pytest.fixture
def no_things(cluster) -> Iterator[None]:
    """The kind Thing is not installed, before and after."""
    yield
    if any(one["metadata"]["name"] == THINGS_CRD["metadata"]["name"] for one in cluster.server.call("GET", CRDS)["items"]):
        cluster.server.call("DELETE", f"{CRDS}/{THINGS_CRD['metadata']['name']}")


async def test_a_kind_that_comes_goes_and_comes_again(cluster, config, caplog, no_things):
    async with following(config, THING, SERVICE, namespaces=(cluster.namespace,)) as follower:
        await follower.until(lambda: follower.listed)
        for name in ("first", "second"):
            await install(cluster)
            await cluster.call("POST", THINGS.format(cluster.namespace), thing(name))
            await follower.until(lambda name=name: follower.names("Thing") == {name})
            await cluster.call("DELETE", f"{CRDS}/{THINGS_CRD['metadata']['name']}")
            await follower.until(lambda: not follower.names("Thing"))
            await eventually(
                lambda: (
                    told(caplog)[-1:] == ["Thing (test.legation.dev) is no longer installed: all of its objects are gone"]
                )
            )
            caplog.clear()
        assert of(follower, Put)[-2:] == ["first", "second"]
        assert of(follower, Delete)[-2:] == ["first", "second"]


def thing(name: str) -> dict[str, Any]:
    return {"apiVersion": "test.legation.dev/v1", "kind": "Thing", "metadata": {"name": name}}


async def install(cluster: Cluster) -> None:
    """Returns when the kind is served; where it is still being removed, after that."""
    await patiently(cluster.call, "POST", CRDS, THINGS_CRD)
    await patiently(cluster.call, "GET", THINGS.format(cluster.namespace))


async def patiently(call: Callable[..., Awaitable[Any]], *arguments: Any) -> None:
    """Calls until it is not refused."""
    with anyio.fail_after(DEADLINE):
        while True:
            try:
                await call(*arguments)
            except RefusedError:
                await anyio.sleep(0.05)
            else:
                return


async def test_what_may_no_longer_be_read_stays_and_is_followed_again_once_it_may(cluster, line, tmp_path, caplog):
    token = await grant(cluster)
    config = write(tmp_path, line, cluster.server, token)
    await cluster.put("a")
    async with following(config, ROUTE, SERVICE, namespaces=(cluster.namespace,)) as follower:
        await follower.until(lambda: follower.listed)
        await cluster.call("PUT", role(cluster), rules("services"))
        await cluster.put("b")
        line.cut()
        await follower.until(lambda: any(follower.reports.values()))
        ((complaint,),) = [found for found in follower.reports.values() if found]
        assert 'cannot watch resource "httproutes" in API group "gateway.networking.k8s.io"' in complaint.message
        assert follower.names() >= {"a"}
        await cluster.call("PUT", role(cluster), rules("services", "httproutes"))
        await cluster.put("c")
        await follower.until(lambda: follower.names() == {"a", "b", "c"})
        assert not any(follower.reports.values())
        assert not of(follower, Delete)


async def test_kinds_that_may_not_be_read_hold_no_other_up(cluster, line, tmp_path):
    config = write(tmp_path, line, cluster.server, await grant(cluster))
    await cluster.put("a")
    async with following(config, ROUTE, SECRET, namespaces=(cluster.namespace,)) as follower:
        await follower.until(lambda: follower.listed)
        assert follower.names() == {"a"}
        (complaint,) = [one for found in follower.reports.values() for one in found]
        assert 'cannot list resource "secrets"' in complaint.message


async def grant(cluster: Cluster) -> str:
    """The token of an account that may read routes and services of the namespace, and nothing else."""
    base = f"/api/v1/namespaces/{cluster.namespace}/serviceaccounts"
    await cluster.call("POST", base, {"metadata": {"name": "reader"}})
    await cluster.call("POST", role(cluster).rpartition("/")[0], rules("services", "httproutes"))
    subject = {"kind": "ServiceAccount", "name": "reader", "namespace": cluster.namespace}
    about = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reader"}
    binding = {"metadata": {"name": "reader"}, "subjects": [subject], "roleRef": about}
    await cluster.call("POST", f"{RBAC}/namespaces/{cluster.namespace}/rolebindings", binding)
    answer = await cluster.call("POST", f"{base}/reader/token", {"spec": {}})
    token: str = answer["status"]["token"]
    return token


def role(cluster: Cluster) -> str:
    return f"{RBAC}/namespaces/{cluster.namespace}/roles/reader"


def rules(*resources: str) -> dict[str, Any]:
    rule = {"apiGroups": ["", GROUP], "resources": list(resources), "verbs": ["get", "list", "watch"]}
    return {"metadata": {"name": "reader"}, "rules": [rule]}


async def test_namespaces_come_and_go_with_their_labels(cluster, config):
    await cluster.put("a")
    path, patch = f"/api/v1/namespaces/{cluster.namespace}", "application/merge-patch+json"
    selector = f"chosen={cluster.namespace}"
    async with following(config, ROUTE, NAMESPACE, namespace_selector=selector) as follower:
        await follower.until(lambda: follower.listed)
        assert not follower.objects
        for _ in range(2):
            await cluster.call("PATCH", path, {"metadata": {"labels": {"chosen": cluster.namespace}}}, patch)
            await follower.until(lambda: follower.names() == {"a"} and follower.names("Namespace") == {cluster.namespace})
            await cluster.call("PATCH", path, {"metadata": {"labels": {"chosen": None}}}, patch)
            await follower.until(lambda: not follower.objects)


async def test_secrets_of_helm_are_not_read(cluster, config):
    path = f"/api/v1/namespaces/{cluster.namespace}/secrets"
    for name, kind in (("helm", "helm.sh/release.v1"), ("mine", "Opaque")):
        await cluster.call("POST", path, {"metadata": {"name": name}, "type": kind})
    async with following(config, SECRET, namespaces=(cluster.namespace,)) as follower:
        await follower.until(lambda: follower.listed)
        assert follower.names("Secret") == {"mine"}


async def test_thousands_are_listed_each_once(cluster, config, line):
    names = {f"route-{number}" for number in range(MANY)}
    async with connect(Settings(kubeconfig=str(cluster.server.kubeconfig))) as api:
        await create(api, cluster, names)
    async with following(config, ROUTE, namespaces=(cluster.namespace,)) as follower:
        await follower.until(lambda: follower.listed)
        assert isinstance(follower.events[-1], Listed)
        assert sorted(of(follower, Put)) == sorted(names)


async def create(api: Api, cluster: Cluster, names: set[str]) -> None:
    """Creates routes, many at once."""
    waiting = iter(sorted(names))

    async def work() -> None:
        for name in waiting:
            await api.send("POST", cluster.routes, json.dumps(route(name)).encode())

    async with anyio.create_task_group() as tasks:
        for _ in range(AT_ONCE):
            tasks.start_soon(work)


async def test_who_is_interrupted_ends_at_once(cluster, config):
    async with following(config, ROUTE, namespaces=(cluster.namespace,)) as follower:
        await follower.until(lambda: follower.listed)
    assert Key(ROUTE, cluster.namespace, "a") not in follower.objects

"""Replicas side by side on one API server: all serve the same, and one leads."""

from __future__ import annotations

from contextlib import AsyncExitStack

import anyio
import msgspec
import pytest
from api_server import api_server
from reach import until, wire
from replica import Place, replica

from xds.model.type_url import CDS, EDS, LDS, RDS
from xds.protocol import DELTA

GROUP = "gateway.networking.k8s.io"
API = f"{GROUP}/v1"
MERGE_PATCH = "application/merge-patch+json"
PLURALS = {
    "GatewayClass": "gatewayclasses",
    "Gateway": "gateways",
    "HTTPRoute": "httproutes",
    "Service": "services",
    "EndpointSlice": "endpointslices",
}
TYPES = (CDS, EDS, LDS, RDS)


class Cluster:
    """What is written in a namespace: a Gateway `edge`, and routes to a Service."""

    def __init__(self, server, namespace: str) -> None:
        self.server, self.place = server, Place(str(server.kubeconfig), namespace)
        self._namespaced = f"/namespaces/{namespace}"

    def create(self, api: str, kind: str, name: str, *, namespaced: bool = True, **body) -> None:
        path = f"{'/apis' if '/' in api else '/api'}/{api}{self._namespaced if namespaced else ''}/{PLURALS[kind]}"
        metadata = {"name": name, **body.pop("metadata", {})}
        self.server.call("POST", path, {"apiVersion": api, "kind": kind, "metadata": metadata, **body})

    def begin(self, routes: int) -> None:
        name = self.place.namespace
        self.create(API, "GatewayClass", name, namespaced=False, spec={"controllerName": self.place.controller})
        listeners = [{"name": "http", "protocol": "HTTP", "port": 8080}, {"name": "more", "protocol": "HTTP", "port": 8081}]
        self.create(API, "Gateway", "edge", spec={"gatewayClassName": name, "listeners": listeners})
        self.create("v1", "Service", "echo", spec={"ports": [{"port": 80}], "clusterIP": "None"})
        for number in range(3):
            self.create(
                "discovery.k8s.io/v1",
                "EndpointSlice",
                f"echo-{number}",
                metadata={"labels": {"kubernetes.io/service-name": "echo"}},
                addressType="IPv4",
                ports=[{"name": "", "port": 3000}],
                endpoints=[{"addresses": [f"10.0.{number}.{host}"]} for host in range(1, 5)],
            )
        for number in range(routes):
            self.route(f"r{number}")

    def route(self, name: str) -> None:
        backends = [{"name": "echo", "port": 80}]
        rules = [{"matches": [{"path": {"value": f"/{name}"}}], "backendRefs": backends}]
        self.create(API, "HTTPRoute", name, spec={"parentRefs": [{"name": "edge"}], "rules": rules})

    def path(self, name: str) -> str:
        return f"/apis/{API}{self._namespaced}/httproutes/{name}"

    def change(self, name: str, spec: dict) -> None:
        self.server.call("PATCH", self.path(name), {"spec": spec}, MERGE_PATCH)

    def parents(self, name: str) -> list[dict]:
        return self.server.call("GET", self.path(name)).get("status", {}).get("parents", [])

    def accepted(self, name: str) -> dict | None:
        """The condition Accepted of a route under the Gateway."""
        found = [one for entry in self.parents(name) for one in entry["conditions"] if one["type"] == "Accepted"]
        return found[0] if found else None

    def observed(self, name: str) -> bool:
        """Whether the status of a route is of its newest generation."""
        found = self.server.call("GET", self.path(name))
        condition = self.accepted(name)
        return bool(condition) and condition["observedGeneration"] == found["metadata"]["generation"]


@pytest.fixture
def cluster(kubernetes, namespace):
    made = Cluster(kubernetes, namespace)
    yield made
    kubernetes.call("DELETE", f"/apis/{API}/gatewayclasses/{namespace}")


async def test_a_proxy_that_moves_to_another_replica_is_sent_nothing(cluster):
    """It tells which versions it has; the first that it hears is the next change."""
    cluster.begin(routes=20)
    node = {"id": "envoy-1", "cluster": f"{cluster.place.namespace}/edge"}
    async with replica(cluster.place.settings("a")) as one, replica(cluster.place.settings("b")) as other:
        await until(lambda: len(one.versions()) > 4 and one.versions() == other.versions())
        names = {type_url: () if type_url in (CDS, LDS) else tuple(held_names(one, type_url)) for type_url in TYPES}
        held: dict[str, dict[str, str]] = {}
        async with one.stream(DELTA) as stream:
            for type_url in TYPES:
                await stream.send(type_url, names[type_url], node=node)
            while held.keys() < set(TYPES):
                got = await stream.read()
                held.setdefault(got.type_url, {}).update({each.name: each.version for each in got.resources})
                await stream.send(got.type_url, response_nonce=got.nonce)
        async with other.stream(DELTA) as stream:
            for type_url in TYPES:
                await stream.send(type_url, names[type_url], node=node, initial_resource_versions=held[type_url])
            cluster.route("new")
            heard = await stream.read()
            while not heard.resources:
                heard = await stream.read()
            assert heard.type_url == RDS
            assert not heard.removed_resources


def held_names(one, type_url: str) -> list[str]:
    return [name for _, url, name in one.versions() if url == type_url]


async def test_only_who_leads_writes_and_everybody_serves(cluster):
    cluster.begin(routes=5)
    async with replica(cluster.place.settings("a")) as one:
        await until(lambda: one.leads)
        async with replica(cluster.place.settings("b")) as other:
            await until(lambda: other.leads is False)
            await until(lambda: all(cluster.observed(f"r{number}") for number in range(5)))
            cluster.change("r1", {"hostnames": ["a.example"]})
            await until(lambda: cluster.observed("r1"))
            await until(lambda: one.versions() == other.versions())
            assert other.leads is False


async def test_leadership_moves_when_the_leader_ends(cluster):
    """The statuses are then the other's task."""
    cluster.begin(routes=1)
    async with AsyncExitStack() as stack:
        tasks = await stack.enter_async_context(anyio.create_task_group())
        end = anyio.Event()
        leading = anyio.Event()
        tasks.start_soon(lead_until, cluster, leading, end)
        with anyio.fail_after(60):
            await leading.wait()
        other = await stack.enter_async_context(replica(cluster.place.settings("b", duration=10_000)))
        await until(lambda: other.leads is False)
        end.set()
        await until(lambda: other.leads)
        cluster.change("r0", {"hostnames": ["b.example"]})
        await until(lambda: cluster.observed("r0"))


async def lead_until(cluster, leading: anyio.Event, end: anyio.Event) -> None:
    async with replica(cluster.place.settings("a", duration=10_000)) as one:
        await until(lambda: one.leads)
        leading.set()
        await end.wait()


async def test_a_leader_that_is_cut_off_is_followed_by_another(cluster, kubernetes, tmp_path):
    """It goes on to serve what it knows."""
    cluster.begin(routes=1)
    times = {"duration": 4}
    async with (
        wire(kubernetes, tmp_path) as (cut_off, kubeconfig),
        replica(cluster.place.settings("a", kubeconfig, **times)) as one,
    ):
        await until(lambda: one.leads)
        await until(lambda: cluster.observed("r0"))
        async with replica(cluster.place.settings("b", **times)) as other:
            await until(lambda: other.leads is False)
            cut_off.cut()
            await until(lambda: other.leads)
            assert one.leads is False
            cluster.change("r0", {"hostnames": ["c.example"]})
            await until(lambda: cluster.observed("r0"))
            assert one.versions()
            cut_off.mend()
            await until(lambda: one.versions() == other.versions())
            assert not (one.leads and other.leads)


async def test_without_a_lease_a_replica_leads(cluster):
    """And makes none."""
    cluster.begin(routes=1)
    async with replica(msgspec.structs.replace(cluster.place.settings("a"), lease=None)) as one:
        await until(lambda: cluster.observed("r0"))
        assert one.leads
    leases = f"/apis/coordination.k8s.io/v1/namespaces/{cluster.place.namespace}/leases"
    assert not cluster.server.call("GET", leases)["items"]


async def test_many_statuses_hold_up_nothing_and_are_all_written(cluster):
    """The first ones of all routes, while one of them changes again and again."""
    cluster.begin(routes=150)
    async with replica(cluster.place.settings("a")) as one:
        await until(lambda: one.leads)
        for number in range(5):
            cluster.change("r75", {"hostnames": [f"h{number}.example"]})
            await until(lambda: cluster.observed("r75"))
        await until(lambda: all(cluster.accepted(f"r{number}") for number in range(150)))


async def test_what_was_ours_before_a_restart_is_taken_out(cluster):
    """A route that names no Gateway of ours any more, changed while nobody watched."""
    cluster.begin(routes=2)
    async with replica(cluster.place.settings("a")):
        await until(lambda: cluster.accepted("r0") and cluster.accepted("r1"))
    cluster.change("r0", {"parentRefs": [{"name": "elsewhere"}]})
    async with replica(cluster.place.settings("a")):
        await until(lambda: not cluster.parents("r0"))
        assert cluster.accepted("r1")


async def test_a_status_that_somebody_spoils_is_put_right(cluster):
    cluster.begin(routes=1)
    async with replica(cluster.place.settings("a")):
        await until(lambda: cluster.observed("r0"))
        before = cluster.parents("r0")
        cluster.server.call("PATCH", cluster.path("r0") + "/status", {"status": {"parents": []}}, MERGE_PATCH)
        await until(lambda: cluster.parents("r0"))
        assert [one["controllerName"] for one in cluster.parents("r0")] == [before[0]["controllerName"]]


async def test_what_a_proxy_refuses_is_written_on_the_route_that_it_was_made_from(cluster):
    """In the proxy's words, as long as a proxy does."""
    cluster.begin(routes=1)
    node = {"id": "envoy-1", "cluster": f"{cluster.place.namespace}/edge"}
    async with (
        replica(cluster.place.settings("a")) as one,
        one.stream(DELTA) as stream,
        anyio.create_task_group() as tasks,
    ):
        await until(lambda: cluster.observed("r0"))
        await stream.send(RDS, tuple(held_names(one, RDS)), node=node)
        tasks.start_soon(refuse, stream)
        await until(lambda: programmed(cluster.parents("r0")))
        (condition,) = programmed(cluster.parents("r0"))
        assert (condition["status"], condition["reason"]) == ("False", "Invalid")
        assert "no such header" in condition["message"]
        tasks.cancel_scope.cancel()
    async with replica(cluster.place.settings("a")):
        await until(lambda: not programmed(cluster.parents("r0")))


async def test_what_could_not_be_written_is_written_when_the_server_is_back(kubernetes, tmp_path):
    """It was killed, and a proxy refused something meanwhile. Who led leads again."""
    with api_server(tmp_path / "own") as server:
        server.install_crds()
        cluster = Cluster(server, "default")
        cluster.begin(routes=1)
        async with (
            replica(cluster.place.settings("a", duration=4)) as one,
            one.stream(DELTA) as stream,
            anyio.create_task_group() as tasks,
        ):
            await until(lambda: cluster.observed("r0"))
            server.stop()
            await until(lambda: one.leads is False)
            node = {"id": "envoy-1", "cluster": "default/edge"}
            await stream.send(RDS, tuple(held_names(one, RDS)), node=node)
            tasks.start_soon(refuse, stream)
            await until(lambda: list(one.server.fleet.refusals()))
            await anyio.to_thread.run_sync(server.start)
            await until(lambda: one.leads and programmed(cluster.parents("r0")))
            tasks.cancel_scope.cancel()


async def test_what_is_wrong_on_its_own_is_written_on_the_route_and_its_last_good_version_stays(cluster):
    """The API server takes any text for a regular expression."""
    cluster.begin(routes=1)
    lost = {"matches": [{"path": {"type": "RegularExpression", "value": "/(a"}}]}
    async with replica(cluster.place.settings("a")) as one:
        await until(lambda: cluster.observed("r0"))
        before = one.versions()
        cluster.change("r0", {"rules": [lost]})
        cluster.create(API, "HTTPRoute", "new", spec={"parentRefs": [{"name": "edge"}], "rules": [lost]})
        await until(lambda: cluster.observed("r0") and cluster.observed("new"))
        told = {name: cluster.accepted(name) for name in ("r0", "new")}
        assert {(one["status"], one["reason"]) for one in told.values()} == {("False", "Invalid")}
        words = "spec.rules[0].matches[0].path.value is no valid regular expression: missing ): /(a"
        assert told["new"]["message"] == words
        assert told["r0"]["message"] == f"{words}; the last good version stays in force"
        assert one.versions() == before


async def refuse(stream) -> None:
    """A proxy that takes nothing."""
    while True:
        got = await stream.read()
        await stream.send(got.type_url, response_nonce=got.nonce, error_detail={"code": 3, "message": "no such header"})


def programmed(parents: list[dict]) -> list[dict]:
    return [one for entry in parents for one in entry["conditions"] if one["type"] == "Programmed"]

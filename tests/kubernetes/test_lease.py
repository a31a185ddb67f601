"""Who leads among replicas, by a Lease in a real API server."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import pytest
from api_server import RefusedError
from child import Child
from reach import Account, until, wire

from providers.kubernetes import lease as module
from providers.kubernetes.api import connect
from providers.kubernetes.lease import Candidate, settled
from providers.kubernetes.settings import Lease, Settings
from xds.codec import section
from xds.model import ConfigError

MICRO_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


class Election:
    """Candidates for one Lease, and what each says, in order."""

    def __init__(self, server, namespace: str) -> None:
        self._server, self._namespace = server, namespace
        self.path = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases/legation"
        self.said: list[tuple[str, bool]] = []

    def says(self, name: str) -> bool | None:
        """What a candidate said last."""
        return next((leads for one, leads in reversed(self.said) if one == name), None)

    def leaders(self) -> set[str]:
        """Who leads now. Fails where there ever were two."""
        found: set[str] = set()
        for name, leads in self.said:
            (found.add if leads else found.discard)(name)
            assert len(found) <= 1, self.said
        return found

    def spec(self) -> dict:
        """What stands in the Lease."""
        return self._server.call("GET", self.path)["spec"]

    def holder(self) -> str:
        """Who holds it; empty for nobody, or where there is no Lease."""
        try:
            return self.spec().get("holderIdentity", "")
        except RefusedError:
            return ""

    def write(self, spec: dict) -> None:
        """Has somebody else write it."""
        try:
            lease = self._server.call("GET", self.path)
        except RefusedError:
            self._server.call("POST", self.path.removesuffix("/legation"), {"metadata": {"name": "legation"}, "spec": spec})
        else:
            self._server.call("PUT", self.path, {**lease, "spec": spec})

    @asynccontextmanager
    async def candidate(self, name: str, kubeconfig: str = "", **times: float) -> AsyncIterator[None]:
        """One that stands while the block runs, and gives up what it holds at its end."""
        times = {"duration": 15, "renew": times.get("duration", 15) / 2, "retry": 0.05, **times}
        lease = Lease(namespace=self._namespace, identity=name, **times)
        async with (
            connect(Settings(kubeconfig=kubeconfig or str(self._server.kubeconfig))) as api,
            anyio.create_task_group() as tasks,
        ):
            tasks.start_soon(self._follow, name, Candidate(api, lease))
            yield
            tasks.cancel_scope.cancel()

    async def _follow(self, name: str, one: Candidate) -> None:
        async for leads in one.lead():
            self.said.append((name, leads))


@pytest.fixture
def election(kubernetes, namespace) -> Election:
    return Election(kubernetes, namespace)


async def test_who_comes_first_leads_and_the_lease_says_so_as_that_of_client_go(election):
    async with election.candidate("a"):
        await until(lambda: election.says("a"))
        spec = election.spec()
        assert (spec["holderIdentity"], spec["leaseDurationSeconds"], spec["leaseTransitions"]) == ("a", 15, 0)
        assert MICRO_TIME.fullmatch(spec["acquireTime"])
        async with election.candidate("b"):
            await until(lambda: election.says("b") is False)
            renewed = election.spec()["renewTime"]
            await until(lambda: election.spec()["renewTime"] > renewed)
            assert election.spec()["acquireTime"] == spec["acquireTime"]
    assert election.said == [("a", True), ("b", False)]


async def test_leadership_is_handed_over_at_the_end(election, caplog):
    """Long before the lease would have expired."""
    caplog.set_level("INFO")
    end = anyio.Event()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(stand, election, "a", end)
        await until(lambda: election.says("a"))
        tasks.start_soon(stand, election, "b")
        await until(lambda: election.says("b") is False)
        end.set()
        await until(lambda: election.says("b"))
        assert (election.spec()["holderIdentity"], election.spec()["leaseTransitions"]) == ("b", 1)
        tasks.cancel_scope.cancel()
    assert caplog.text.count("this replica leads no more: it gave the Lease") == 2
    assert not election.spec().get("holderIdentity")


async def stand(election, name: str, end: anyio.Event | None = None) -> None:
    async with election.candidate(name, duration=10_000):
        await (end or anyio.Event()).wait()


async def test_who_is_cut_off_stops_before_another_begins(election, kubernetes, tmp_path, caplog):
    times = {"duration": 4}
    async with wire(kubernetes, tmp_path) as (cut_off, kubeconfig), election.candidate("a", kubeconfig, **times):
        await until(lambda: election.says("a"))
        async with election.candidate("b", **times):
            await until(lambda: election.says("b") is False)
            cut_off.cut()
            await until(lambda: election.says("b"))
            assert election.leaders() == {"b"}
            assert "this replica leads no more: it lost the Lease" in caplog.text
            cut_off.mend()
            renewed = election.spec()["renewTime"]
            await until(lambda: election.spec()["renewTime"] > renewed)
            assert election.spec()["holderIdentity"] == "b"
            assert election.leaders() == {"b"}


async def test_the_clock_of_another_is_never_believed(election):
    """A lease that was renewed long ago by its own word is held for as long as it says from when it was first seen."""
    long_ago = "2020-01-01T00:00:00.000000Z"
    election.write({"holderIdentity": "go", "leaseDurationSeconds": 1, "renewTime": long_ago, "leaseTransitions": 4})
    async with election.candidate("a"):
        await until(lambda: election.says("a"))
        assert election.said == [("a", False), ("a", True)]
        assert election.spec()["leaseTransitions"] == 5


async def test_a_lease_that_is_renewed_is_never_taken(election):
    """Not by who would wait a shorter time itself."""
    async with election.candidate("a", duration=10):
        await until(lambda: election.says("a"))
        async with election.candidate("b", duration=0.2):
            times = set()
            await until(lambda: times.add(election.spec()["renewTime"]) or len(times) > 20)
    assert election.said == [("a", True), ("b", False)]


async def test_a_lease_that_was_given_up_is_free(election):
    election.write({"leaseDurationSeconds": 10_000, "leaseTransitions": 2})
    async with election.candidate("a"):
        await until(lambda: election.says("a"))
    assert election.said == [("a", True)]


async def test_who_had_it_under_the_same_name_has_it_again(election):
    """A pod whose container is started anew."""
    election.write({"holderIdentity": "a", "leaseDurationSeconds": 10_000, "leaseTransitions": 2})
    async with election.candidate("a"):
        await until(lambda: election.says("a"))
        assert election.spec()["leaseTransitions"] == 2


async def test_whose_lease_is_taken_does_not_lead(election):
    async with election.candidate("a", duration=10_000):
        await until(lambda: election.says("a"))
        election.write({"holderIdentity": "go", "leaseDurationSeconds": 10_000})
        await until(lambda: election.says("a") is False)
        assert election.spec()["holderIdentity"] == "go"
    assert election.spec()["holderIdentity"] == "go"


async def test_what_others_write_into_the_lease_stays(election, kubernetes):
    election.write({"leaseDurationSeconds": 1})
    kubernetes.call("PATCH", election.path, {"metadata": {"labels": {"team": "blue"}}}, "application/merge-patch+json")
    async with election.candidate("a"):
        await until(lambda: election.says("a"))
        assert kubernetes.call("GET", election.path)["metadata"]["labels"] == {"team": "blue"}


async def test_of_many_that_begin_at_once_one_leads(election):
    names = list("abcdefgh")
    async with anyio.create_task_group() as tasks:
        for name in names:
            tasks.start_soon(stand, election, name)
        await until(lambda: len(election.said) == len(names))
        assert sum(leads for _, leads in election.said) == 1
        tasks.cancel_scope.cancel()


async def test_without_rights_nobody_leads_and_the_log_says_it_once(
    election, kubernetes, namespace, tmp_path, caplog, monkeypatch
):
    account = Account(kubernetes, namespace, "weak")
    pauses: list[float] = []
    monkeypatch.setattr(Candidate, "_pause", lambda _: pauses.append(0.01) or 0.01)
    async with election.candidate("a", account.kubeconfig(tmp_path)):
        await until(lambda: len(pauses) > 5)
        assert election.said == [("a", False)]
        verbs = ["get", "create", "update"]
        account.grant({"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": verbs})
        await until(lambda: election.says("a"))
    (line,) = [one for one in caplog.messages if "cannot" in one]
    assert 'cannot get resource "leases"' in line


@pytest.mark.parametrize("times", [{"renew": 15}, {"retry": 10}, {"duration": 9}])
def test_times_with_which_two_could_lead_are_refused(times):
    with pytest.raises(ConfigError, match="retry must be less than renew, and renew less than duration"):
        section.read({"lease": times}, Settings)


class TestBesideClientGo:
    """The controller manager of Kubernetes, one more candidate for the same Lease."""

    @pytest.fixture
    def manager(self, kubernetes, namespace, tmp_path):
        election = {
            "": "true",
            "-resource-name": "legation",
            "-resource-namespace": namespace,
            "-lease-duration": "4s",
            "-renew-deadline": "2s",
            "-retry-period": "200ms",
        }
        flags = [f"--leader-elect{name}={value}" for name, value in election.items()]
        flags += [f"--kubeconfig={kubernetes.kubeconfig}", "--secure-port=0", "--controllers=ttl-after-finished-controller"]
        child = Child([kubernetes.program, "kube-controller-manager", *flags], tmp_path / "manager.log")
        yield child
        child.end()

    async def test_it_is_left_the_lease_and_followed_when_it_is_dead(self, manager, election):
        manager.start()
        await until(election.holder)
        async with election.candidate("a"):
            await until(lambda: election.says("a") is False)
            renewed = set()
            await until(lambda: renewed.add(election.spec()["renewTime"]) or len(renewed) > 10)
            assert election.said == [("a", False)]
            manager.kill()
            await until(lambda: election.says("a"))
            assert election.spec()["leaseTransitions"] == 1

    async def test_it_leaves_us_the_lease_and_follows_when_we_end(self, election, manager, tmp_path):
        async with election.candidate("a", duration=4):
            await until(lambda: election.says("a"))
            manager.start()
            await until(lambda: "attempting to acquire leader lease" in (tmp_path / "manager.log").read_text().lower())
            renewed = set()
            await until(lambda: renewed.add(election.spec()["renewTime"]) or len(renewed) > 20)
            assert election.leaders() == {"a"}
        await until(lambda: election.holder() not in ("", "a"))


class TestWithoutSettings:
    @pytest.fixture(autouse=True)
    def pod(self, tmp_path, monkeypatch):
        """The files of a pod's account."""
        (tmp_path / "namespace").write_text("gateways\n")
        monkeypatch.setattr(module, "SERVICE_ACCOUNT", tmp_path)
        monkeypatch.delenv("POD_NAME", raising=False)

    @pytest.mark.parametrize(("in_pod", "namespace"), [(True, "gateways"), (False, "default")])
    def test_the_lease_is_where_we_are(self, in_pod, namespace):
        """A cluster that a kubeconfig leads to is another one."""
        assert settled(Lease(), in_pod=in_pod).namespace == namespace
        assert settled(Lease(namespace="mine"), in_pod=in_pod).namespace == "mine"

    def test_everybody_is_somebody_else(self, monkeypatch):
        assert settled(Lease(), in_pod=True).identity != settled(Lease(), in_pod=True).identity
        monkeypatch.setenv("POD_NAME", "legation-0")
        assert settled(Lease(), in_pod=True).identity == "legation-0"
        assert settled(Lease(identity="me"), in_pod=True).identity == "me"

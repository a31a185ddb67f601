"""Statuses in a real API server, beside what others write there."""

from __future__ import annotations

import logging

import anyio
import pytest
from api_server import kubeconfig
from reach import Account, until

from providers.kubernetes import writer as module
from providers.kubernetes.api import connect
from providers.kubernetes.discovery import served
from providers.kubernetes.document import read_head
from providers.kubernetes.seen import Seen, Sight
from providers.kubernetes.settings import Settings
from providers.kubernetes.writer import Writer
from xds.model import Condition, Key, Kind, Part, Status

GROUP = "gateway.networking.k8s.io"
ROUTE, GATEWAY, CLASS = Kind(GROUP, "HTTPRoute"), Kind(GROUP, "Gateway"), Kind(GROUP, "GatewayClass")
OURS, THEIRS = "legation.dev/gateway", "example.com/other"
MERGE_PATCH = "application/merge-patch+json"
LONG_AGO = "2020-01-01T00:00:00Z"

LISTENER = {"name": "http", "protocol": "HTTP", "port": 80}
SPECS = {
    ROUTE: {"parentRefs": [{"name": "edge"}]},
    GATEWAY: {"gatewayClassName": "ours", "listeners": [LISTENER]},
    CLASS: {"controllerName": OURS},
}


def accepted(generation: int = 1, *, well: bool = True, message: str = "") -> Condition:
    return Condition("Accepted", well, "Accepted" if well else "Invalid", message, generation)


def on_route(condition: Condition, name: str = "edge") -> Status:
    ref = {"group": GROUP, "kind": "Gateway", "name": name}
    return Status((), (Part("parents", name, (condition,), {"parentRef": ref, "controllerName": OURS}),))


class World:
    """A writer and what it stands on."""

    def __init__(self, server, namespace, api, kinds):
        self.server, self.namespace, self.api, self.kinds = server, namespace, api, kinds
        self.seen = Seen()
        self.writer = Writer(api, self.seen, OURS)

    def path(self, key: Key, sub: str = "") -> str:
        return self.kinds[key.kind].path(key.namespace, key.name, sub)

    async def make(self, kind: Kind, name: str = "one") -> Key:
        """An object, created and seen."""
        key = Key(kind, "" if kind == CLASS else self.namespace, name)
        body = {"apiVersion": f"{GROUP}/v1", "kind": kind.name, "metadata": {"name": name}, "spec": SPECS[kind]}
        self.server.call("POST", self.path(key).rpartition("/")[0], body)
        await self.see(key)
        return key

    async def see(self, key: Key) -> None:
        """As the watch would."""
        self.seen.put(key, Sight.of(read_head(await self.api.read(self.path(key)))))

    def object(self, key: Key) -> dict:
        return self.server.call("GET", self.path(key))

    def status(self, key: Key) -> dict:
        return self.object(key).get("status", {})

    def conditions(self, key: Key) -> list[dict]:
        return self.status(key)["parents"][0]["conditions"]

    def change(self, key: Key, status: dict) -> None:
        """Somebody else writes into the status."""
        self.server.call("PATCH", self.path(key, "status"), {"status": status}, MERGE_PATCH)


@pytest.fixture
async def world(kubernetes, namespace):
    async with connect(Settings(kubeconfig=str(kubernetes.kubeconfig))) as api:
        yield World(kubernetes, namespace, api, await served(api, SPECS))


def foreign(name: str = "theirs") -> dict:
    condition = {"type": "Accepted", "status": "True", "reason": "Accepted", "message": "", "lastTransitionTime": LONG_AGO}
    ref = {"group": GROUP, "kind": "Gateway", "name": name}
    return {"parentRef": ref, "controllerName": THEIRS, "conditions": [condition]}


async def test_a_status_is_written_once(world):
    key = await world.make(ROUTE)
    await world.writer.write({key: on_route(accepted())})
    (entry,) = world.status(key)["parents"]
    assert entry["controllerName"] == OURS
    assert entry["conditions"][0]["observedGeneration"] == 1
    version = world.object(key)["metadata"]["resourceVersion"]
    await world.writer.write({key: on_route(accepted())})
    await world.see(key)
    await world.writer.write({key: on_route(accepted())})
    assert world.object(key)["metadata"]["resourceVersion"] == version


async def test_what_changes_is_written_before_the_watch_has_seen_the_last_writing(world):
    key = await world.make(ROUTE)
    for well in (True, False, True):
        await world.writer.write({key: on_route(accepted(well=well))})
        assert world.conditions(key)[0]["status"] == str(well)


async def test_a_conflict_with_another_writer_loses_nothing_of_either(world):
    """The other wrote after what the watch has seen."""
    key = await world.make(ROUTE)
    world.change(key, {"parents": [foreign()]})
    await world.writer.write({key: on_route(accepted())})
    assert [one["controllerName"] for one in world.status(key)["parents"]] == [THEIRS, OURS]
    assert world.status(key)["parents"][0] == foreign()


async def test_two_that_write_at_the_same_time_both_have_their_say(world):
    key = await world.make(ROUTE)
    other = Writer(world.api, world.seen, THEIRS)
    theirs = Part("parents", "x", (accepted(),), {"parentRef": foreign()["parentRef"], "controllerName": THEIRS})
    async with anyio.create_task_group() as tasks:
        for generation in range(1, 11):
            tasks.start_soon(other.write, {key: Status((), (theirs,))})
            await world.writer.write({key: on_route(accepted(generation))})
    assert {one["controllerName"] for one in world.status(key)["parents"]} == {OURS, THEIRS}
    assert not world.writer._later


async def test_the_time_of_a_condition_moves_with_its_status_alone(world):
    key = await world.make(ROUTE)
    await world.writer.write({key: on_route(accepted())})
    (entry,) = world.status(key)["parents"]
    entry["conditions"][0]["lastTransitionTime"] = LONG_AGO
    world.change(key, {"parents": [entry]})
    await world.see(key)
    await world.writer.write({key: on_route(accepted(7, message="still"))})
    (condition,) = world.conditions(key)
    assert (condition["lastTransitionTime"], condition["observedGeneration"]) == (LONG_AGO, 7)
    await world.writer.write({key: on_route(accepted(7, well=False))})
    assert world.conditions(key)[0]["lastTransitionTime"] != LONG_AGO


async def test_what_every_gateway_has_at_first_gives_way(world):
    key = await world.make(GATEWAY)
    assert {one["status"] for one in world.status(key)["conditions"]} == {"Unknown"}
    identity = {"name": "http", "supportedKinds": [], "attachedRoutes": 2}
    listener = Part("listeners", "http", (accepted(),), identity)
    addresses = {"addresses": [{"type": "IPAddress", "value": "127.0.10.1"}]}
    conditions = (accepted(), Condition("Programmed", True, "Programmed"))
    await world.writer.write({key: Status(conditions, (listener,), addresses)})
    status = world.status(key)
    assert [(one["type"], one["status"]) for one in status["conditions"]] == [("Accepted", "True"), ("Programmed", "True")]
    assert status["listeners"][0]["attachedRoutes"] == 2
    assert status["addresses"] == addresses["addresses"]
    await world.writer.write({key: Status((accepted(well=False),), (), {"addresses": []})})
    status = world.status(key)
    assert not status.get("listeners")
    assert not status.get("addresses")


async def test_a_gateway_class_keeps_what_others_say_of_it(world):
    key = await world.make(CLASS, f"class-{world.namespace}")
    theirs = {
        "type": "example.com/Audited",
        "status": "True",
        "reason": "Yes",
        "message": "",
        "lastTransitionTime": LONG_AGO,
    }
    world.change(key, {"conditions": [theirs]})
    await world.see(key)
    await world.writer.write({key: Status((accepted(),))})
    assert [one["type"] for one in world.status(key)["conditions"]] == ["example.com/Audited", "Accepted"]
    world.server.call("DELETE", world.path(key))


async def test_an_empty_status_takes_ours_out_and_nobody_elses(world):
    route, gateway = await world.make(ROUTE), await world.make(GATEWAY)
    await world.writer.write({route: on_route(accepted())})
    world.change(route, {"parents": [*world.status(route)["parents"], foreign()]})
    await world.see(route)
    before = world.status(gateway)
    await world.writer.write({route: Status(), gateway: Status()})
    assert world.status(route)["parents"] == [foreign()]
    assert world.status(gateway) == before


async def test_what_is_gone_is_forgotten(world, caplog):
    key = await world.make(ROUTE)
    world.server.call("DELETE", world.path(key))
    await world.writer.write({key: on_route(accepted())})
    world.seen.drop(key)
    await world.writer.write({key: on_route(accepted(2))})
    await world.writer.write({Key(Kind("acme.dev", "Word"), "default", "a"): Status((accepted(),))})
    assert not caplog.records


async def test_what_the_server_refuses_is_said_once_and_left(world, caplog):
    key, other = await world.make(ROUTE), await world.make(ROUTE, "other")
    wrong = on_route(accepted(), name="x" * 300)
    for _ in range(3):
        await world.writer.write({key: wrong, other: on_route(accepted())})
    (line,) = caplog.messages
    assert "the status of HTTPRoute" in line
    assert "parentRef.name: Too long" in line
    assert world.conditions(other)
    await world.writer.write({key: on_route(accepted())})
    assert world.conditions(key)


async def test_what_is_forbidden_is_said_once_and_written_when_it_is_allowed(world, tmp_path, caplog, monkeypatch):
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(module, "LATER", 0.2)
    account = Account(world.server, world.namespace, "reader")
    read = {"apiGroups": [GROUP], "resources": ["*"], "verbs": ["get", "list", "watch"]}
    gateways = {"apiGroups": [GROUP], "resources": ["gateways/status"], "verbs": ["patch"]}
    account.grant(read, gateways)
    keys = [await world.make(ROUTE, f"r{number}") for number in range(40)]
    gateway = await world.make(GATEWAY)
    async with connect(Settings(kubeconfig=account.kubeconfig(tmp_path))) as api, anyio.create_task_group() as tasks:
        writer, again = Writer(Counting(api), world.seen, OURS), set()
        tasks.start_soon(follow, writer, again)
        await until_allowed(api, world.path(gateway))
        await writer.write({**dict.fromkeys(keys, on_route(accepted())), gateway: Status((accepted(),))})
        assert world.status(gateway)["conditions"][0]["status"] == "True"
        assert writer._api.sent <= module.AT_ONCE + 1, "what is forbidden is not tried with every object"
        (line,) = caplog.messages
        assert 'cannot patch resource "httproutes/status"' in line
        for _ in range(2):
            again.clear()
            await until(lambda: again == set(keys))
            await writer.write(dict.fromkeys(keys, on_route(accepted())))
        account.grant(read, gateways, {**gateways, "resources": ["httproutes/status"]})
        with anyio.fail_after(60):
            while not all(map(world.status, keys)):
                await writer.write(dict.fromkeys(keys, on_route(accepted())))
                await anyio.sleep(0.1)
        assert caplog.messages[1:] == [f"statuses of kind HTTPRoute in namespace {world.namespace} are written again"]
        tasks.cancel_scope.cancel()


class Counting:
    """An API that counts what is sent to it."""

    def __init__(self, api):
        self._api, self.read, self.sent = api, api.read, 0

    async def send(self, *arguments):
        self.sent += 1
        return await self._api.send(*arguments)


async def until_allowed(api, path: str) -> None:
    """The API server learns of new rights a moment later."""
    with anyio.fail_after(60):
        while True:
            try:
                await api.read(path)
            except module.ApiError:
                await anyio.sleep(0.05)
            else:
                return


async def follow(writer: Writer, again: set[Key]) -> None:
    async for keys in writer.lapsed():
        again.update(keys)


async def test_what_somebody_else_changes_has_lapsed_and_what_we_write_has_not(world, monkeypatch):
    monkeypatch.setattr(module, "TURN", 0.01)
    key, other = await world.make(ROUTE), await world.make(ROUTE, "other")
    again: set[Key] = set()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(follow, world.writer, again)
        await world.writer.write({key: on_route(accepted()), other: on_route(accepted())})
        await world.see(key)
        await world.see(other)
        world.change(key, {"parents": []})
        await world.see(key)
        await until(lambda: again == {key})
        await world.writer.write({key: on_route(accepted())})
        assert world.conditions(key)
        tasks.cancel_scope.cancel()


async def test_when_the_server_is_gone_the_caller_is_told(world, tmp_path):
    """So that it gives all of them again."""
    key = await world.make(ROUTE)
    path = tmp_path / "kubeconfig"
    path.write_text(kubeconfig("https://127.0.0.1:9", world.server.ca_file, world.server.token))
    async with connect(Settings(kubeconfig=str(path))) as api:
        with pytest.raises(OSError, match=r"127\.0\.0\.1:9"):
            await Writer(api, world.seen, OURS).write({key: on_route(accepted())})

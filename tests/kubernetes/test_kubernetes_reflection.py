"""All places as one provider."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import repeat

import anyio
import pytest
from cluster_words import ROUTE, ROUTES, line, page, route
from follower import Follower
from scripted_api import ScriptedApi, refusal

from providers.kubernetes import discovery, reflector
from providers.kubernetes import reflection as module
from providers.kubernetes.place import NAMESPACE
from providers.kubernetes.reflection import Reflection
from providers.kubernetes.seen import Seen
from providers.kubernetes.settings import Settings
from xds.model import Delete, Kind, Listed, Put

GATEWAY_API = "/apis/gateway.networking.k8s.io"
BACKEND = Kind("gateway.envoyproxy.io", "Backend", "v1alpha1")
FOREVER = [None]


class Cluster(ScriptedApi):
    """A script in which discovery answers by itself, with the kinds that are installed."""

    def __init__(self) -> None:
        super().__init__()
        self.unready = 0
        self.installed: dict[str, list[tuple[str, str, bool]]] = {
            "/api/v1": [("Namespace", "namespaces", False)],
            f"{GATEWAY_API}/v1": [("HTTPRoute", "httproutes", True)],
        }

    async def read(self, path, query={}) -> bytes:  # noqa: B006  never written to
        if path == "/readyz":
            self.unready -= 1
            if self.unready >= 0:
                raise refusal(500, "InternalError")
            return b"ok"
        if path in self.installed:
            found = [{"name": name, "kind": kind, "namespaced": scoped} for kind, name, scoped in self.installed[path]]
            return json.dumps({"resources": found}).encode()
        if not query:
            raise refusal(404, "NotFound")
        return await super().read(path, query)


@pytest.fixture
def api(monkeypatch) -> Cluster:
    monkeypatch.setattr(module, "LOOK_AGAIN", 0.01)
    monkeypatch.setattr(reflector, "BELIEVED", 0.0)
    monkeypatch.setattr(reflector, "pauses", lambda: iter(repeat(0.0)))
    return Cluster()


@asynccontextmanager
async def following(api, *kinds: Kind, **settings) -> AsyncIterator[Follower]:
    follower = Follower()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(follower.follow, Reflection(api, Settings(**settings), kinds, Seen()).events())
        yield follower
        tasks.cancel_scope.cancel()


def namespace(name: str) -> dict:
    return {"metadata": {"name": name, "resourceVersion": "1"}}


def routes(name: str) -> str:
    return f"{GATEWAY_API}/v1/namespaces/{name}/httproutes"


async def test_it_has_listed_when_every_place_has(api):
    api.say(ROUTES.path(), page(route("a")), FOREVER)
    async with following(api, ROUTE, NAMESPACE) as follower:
        await follower.until(follower.names)
        assert not follower.listed
        api.say("/api/v1/namespaces", page(namespace("default")), FOREVER)
        await follower.until(lambda: follower.listed)
        assert [type(one) for one in follower.events] == [Put, Put, Listed]


async def test_a_kind_that_is_not_installed_is_followed_as_soon_as_it_is(api, caplog):
    caplog.set_level(logging.INFO)
    api.say(ROUTES.path(), page(route("a")), FOREVER)
    async with following(api, ROUTE, BACKEND) as follower:
        await follower.until(lambda: follower.listed)
        api.say("/apis/gateway.envoyproxy.io/v1alpha1/backends", page(route("b")), FOREVER)
        api.installed["/apis/gateway.envoyproxy.io/v1alpha1"] = [("Backend", "backends", True)]
        await follower.until(lambda: follower.names("Backend") == {"b"})
    assert [one for one in caplog.messages if "Backend" in one] == [
        "not installed, and looked for every 0 s: Backend (gateway.envoyproxy.io)",
        "installed by now: Backend (gateway.envoyproxy.io)",
    ]


async def test_a_kind_that_is_removed_takes_its_objects_along_and_may_come_back(api, caplog):
    api.say(ROUTES.path(), page(route("a")), [line("MODIFIED", route("a", 11))], refusal(404, "NotFound"))
    installed = api.installed.pop(f"{GATEWAY_API}/v1")
    async with following(api, ROUTE, NAMESPACE) as follower:
        api.say("/api/v1/namespaces", page(), FOREVER)
        api.installed[f"{GATEWAY_API}/v1"] = installed
        await follower.until(lambda: any(isinstance(one, Delete) for one in follower.events))
        api.say(ROUTES.path(), page(route("b")), FOREVER)
        await follower.until(lambda: follower.names() == {"b"})
    assert len([one for one in caplog.messages if "no longer installed" in one]) == 1


async def test_a_namespace_that_begins_or_ceases_to_match_comes_and_goes_with_what_is_in_it(api):
    more: list[bytes | None] = [line("ADDED", namespace("two")), line("DELETED", namespace("one")), None]
    api.say("/api/v1/namespaces", page(namespace("one")), more)
    api.say(routes("one"), page(route("a", metadata={"namespace": "one"})), FOREVER)
    api.say(routes("two"), page(route("b", metadata={"namespace": "two"})), FOREVER)
    async with following(api, ROUTE, namespace_selector="team=a") as follower:
        await follower.until(lambda: follower.names() == {"b"} and follower.listed)
        assert {one.namespace for one in follower.objects} == {"two"}
        assert {one.object.key.kind.name for one in follower.events if isinstance(one, Put)} == {"HTTPRoute"}


async def test_what_is_in_selected_namespaces_comes_before_listed(api):
    api.say("/api/v1/namespaces", page(namespace("one")), FOREVER)
    async with following(api, ROUTE, namespace_selector="team=a") as follower:
        await api.until_asked(routes("one"))
        assert not follower.listed
        api.say(routes("one"), page(route("a")), FOREVER)
        await follower.until(lambda: follower.listed)
        assert [type(one) for one in follower.events] == [Put, Listed]


async def test_an_api_server_that_starts_is_waited_for_until_it_knows_its_kinds(api, monkeypatch):
    monkeypatch.setattr(discovery, "pauses", lambda: iter(repeat(0.0)))
    api.unready = 3
    api.say(ROUTES.path(), page(route("a")), FOREVER)
    async with following(api, ROUTE) as follower:
        await follower.until(lambda: follower.listed)
    assert api.unready < 0


async def test_an_api_server_that_is_never_ready_is_asked_all_the_same(api, monkeypatch):
    monkeypatch.setattr(discovery, "STARTING", 0.01)
    api.unready = 1_000_000
    api.say(ROUTES.path(), page(route("a")), FOREVER)
    async with following(api, ROUTE) as follower:
        await follower.until(lambda: follower.listed)


async def test_an_api_server_that_is_not_there_yet_is_waited_for(api, monkeypatch, caplog):
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(module, "pauses", lambda: iter(repeat(0.0)))
    failures = iter([ConnectionRefusedError("https://script cannot be reached"), refusal(503, "Unavailable")])
    read = api.read

    async def fail_first(path, query={}) -> bytes:  # noqa: B006  never written to
        for error in failures:
            raise error
        return await read(path, query)

    monkeypatch.setattr(api, "read", fail_first)
    api.say(ROUTES.path(), page(route("a")), FOREVER)
    async with following(api, ROUTE) as follower:
        await follower.until(lambda: follower.listed)
        assert isinstance(follower.events[-1], Listed)
    assert [one.levelname for one in caplog.records] == ["WARNING", "INFO", "INFO"]

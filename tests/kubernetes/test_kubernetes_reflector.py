"""One place is followed whatever happens: nothing is lost, nothing is said twice, nothing that stands is taken back."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import repeat
from types import SimpleNamespace

import anyio
import pytest
from cluster_words import ROUTES, bookmark, failure, key, line, page, route
from follower import Follower
from scripted_api import ScriptedApi, refusal

from providers.kubernetes import reflector as module
from providers.kubernetes.outage import Outage
from providers.kubernetes.place import Place
from providers.kubernetes.reflector import Reflector
from providers.kubernetes.register import Register
from providers.kubernetes.seen import Seen
from xds.model import Delete, Listed, Put, Report

PLACE = Place(ROUTES)
LOST = ConnectionResetError("https://script cannot be reached: Connection reset by peer")
FOREVER = [None]


@pytest.fixture
def api() -> ScriptedApi:
    return ScriptedApi()


@pytest.fixture(autouse=True)
def pauses(monkeypatch) -> list[float]:
    """Nobody waits; gives the pauses that there would have been."""
    waited: list[float] = []
    sleep = anyio.sleep

    async def no_sleep(seconds: float) -> None:
        waited.append(seconds)
        await sleep(0)

    monkeypatch.setattr(module.anyio, "sleep", no_sleep)
    monkeypatch.setattr(module, "pauses", lambda: iter(repeat(0.25)))
    monkeypatch.setattr(module, "BELIEVED", 0.0)
    return waited


@pytest.fixture
def following(api):
    @asynccontextmanager
    async def follow() -> AsyncIterator[Follower]:
        follower = Follower()
        reflector = Reflector(api, PLACE, Register(ROUTES, Seen()), Outage(api.server))
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(follower.follow, reflector.events())
            yield follower
            tasks.cancel_scope.cancel()

    return follow


def queries(api: ScriptedApi, name: str) -> list[str | None]:
    return [query.get(name) for _, query in api.asked]


async def test_a_list_comes_in_pages_and_a_watch_goes_on_from_there(api, following):
    watch = [line("ADDED", route("c", 11)), line("DELETED", route("a", 12)), line("MODIFIED", route("b", 13, spec={})), None]
    api.say(PLACE.path, page(route("a"), token="more"), page(route("b")), watch)
    async with following() as follower:
        await follower.until(lambda: len(follower.events) == 6)
        assert [type(one) for one in follower.events] == [Put, Put, Listed, Put, Delete, Put]
        assert follower.names() == {"b", "c"}
        assert queries(api, "limit") == ["500", "500", None]
        assert queries(api, "continue") == [None, "more", None]
        assert queries(api, "resourceVersion") == [None, None, "10"]
        assert queries(api, "allowWatchBookmarks")[2] == "true"


async def test_a_continue_token_that_expired_begins_the_list_again(api, following):
    api.say(PLACE.path, page(route("a"), token="more"), refusal(410, "Expired"), page(route("a"), route("b")), FOREVER)
    async with following() as follower:
        await follower.until(lambda: follower.listed)
        assert [type(one) for one in follower.events] == [Put, Put, Listed]
        assert queries(api, "continue")[:3] == [None, "more", None]


@pytest.mark.parametrize("gone", ["in the watch", "as its answer"])
async def test_a_version_that_is_too_old_lists_again_and_tells_the_difference(api, following, caplog, gone):
    caplog.set_level(logging.INFO)
    answer = [line("ERROR", failure(410, "Expired"))] if gone == "in the watch" else refusal(410, "Expired")
    api.say(PLACE.path, page(route("a"), route("b")), answer, page(route("b"), route("c", 20), version=20), FOREVER)
    async with following() as follower:
        await follower.until(lambda: follower.listed == 2)
        assert [one.key.name for one in follower.events if isinstance(one, Delete)] == ["a"]
        assert [one.object.key.name for one in follower.events if isinstance(one, Put)] == ["a", "b", "c"]
        await api.until_asked(PLACE.path, 4)
        assert queries(api, "resourceVersion") == [None, "10", None, "20"]
        assert [one.levelname for one in caplog.records] == ["INFO", "INFO"]
        assert "410 Expired" in caplog.messages[0]


async def test_a_lost_connection_goes_on_where_it_was(api, following, caplog):
    caplog.set_level(logging.INFO)
    cut = [line("ADDED", route("b", 11)), bookmark(15), LOST]
    api.say(PLACE.path, page(route("a")), cut, LOST, refusal(503, "Unavailable"), [line("DELETED", route("a", 16)), None])
    async with following() as follower:
        await follower.until(lambda: follower.names() == {"b"})
        assert queries(api, "resourceVersion") == [None, "10", "15", "15", "15"]
        assert [one.levelname for one in caplog.records] == ["WARNING", "INFO"]
        assert "cannot be reached" in caplog.messages[0]
        assert "answers again" in caplog.messages[1]


async def test_a_watch_that_the_server_ends_is_opened_anew_without_a_word(api, following, caplog):
    api.say(PLACE.path, page(route("a")), [bookmark(11)], [bookmark(12)], FOREVER)
    async with following():
        await api.until_asked(PLACE.path, 4)
        assert queries(api, "resourceVersion") == [None, "10", "11", "12"]
        assert not caplog.messages


async def test_watches_that_end_at_once_are_not_opened_without_a_pause(api, following, pauses):
    api.say(PLACE.path, page(), [], [], FOREVER)
    async with following():
        await api.until_asked(PLACE.path, 4)
        assert pauses == [0.25, 0.25]


async def test_pauses_grow_and_are_short_again_once_a_server_answers(api, following, pauses, monkeypatch):
    monkeypatch.setattr(module, "pauses", lambda: iter((1.0, 2.0, 4.0)))
    api.say(PLACE.path, page(), LOST, LOST, LOST, refusal(410, "Expired"), page(), refusal(410, "Expired"), page(), FOREVER)
    async with following():
        await api.until_asked(PLACE.path, 9)
        assert pauses == [1.0, 2.0, 4.0, 1.0, 2.0]


async def test_who_is_asked_to_wait_waits(api, following, pauses):
    busy = refusal(429, "TooManyRequests")
    busy.retry_after = 7.0
    api.say(PLACE.path, busy, page(), FOREVER)
    async with following() as follower:
        await follower.until(lambda: follower.listed)
        assert pauses == [7.0]


async def test_what_may_not_be_read_is_reported_until_it_may(api, following):
    """It holds nothing up, and what was read before stays."""
    forbidden = refusal(403, "Forbidden")
    api.say(
        PLACE.path,
        page(route("a")),
        [bookmark(11), LOST],
        forbidden,
        forbidden,
        forbidden,
        [line("ADDED", route("b", 12)), None],
    )
    async with following() as follower:
        await follower.until(lambda: len(follower.names()) == 2)
        reports = [one for one in follower.events if isinstance(one, Report)]
        assert [bool(one.diagnostics) for one in reports] == [True, False]
        (told,) = reports[0].diagnostics
        assert "it is Forbidden" in told.message
        assert "httproutes.gateway.networking.k8s.io" in told.hint
        assert not [one for one in follower.events if isinstance(one, Delete)]


async def test_a_server_that_refuses_answers_again(api, following, caplog):
    caplog.set_level(logging.INFO)
    api.say(PLACE.path, LOST, refusal(403, "Forbidden"))
    async with following() as follower:
        await follower.until(lambda: follower.listed)
        assert "answers again" in caplog.messages[-1]


async def test_what_may_not_be_read_from_the_start_counts_as_listed(api, following):
    api.say(PLACE.path, *repeat(refusal(403, "Forbidden"), 3))
    async with following() as follower:
        await follower.until(lambda: follower.listed)
        assert not follower.objects


async def test_what_an_api_server_refuses_while_it_starts_is_not_believed(api, following, monkeypatch):
    monkeypatch.setattr(module, "BELIEVED", 60.0)
    api.say(PLACE.path, refusal(403, "Forbidden"), refusal(404, "NotFound"), page(route("a")), FOREVER)
    async with following() as follower:
        await follower.until(lambda: follower.listed)
        assert [type(one) for one in follower.events] == [Put, Listed]


async def test_only_what_is_refused_all_the_time_is_believed(api, following, monkeypatch):
    """Here, each request takes two seconds."""
    monkeypatch.setattr(module, "BELIEVED", 3.0)
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: 2.0 * len(api.asked)))
    hiccup = [page(route("a")), [bookmark(11)], refusal(404, "NotFound")]
    api.say(PLACE.path, *hiccup, *hiccup, page(route("a")), FOREVER)
    async with following() as follower:
        await api.until_asked(PLACE.path, 8)
        assert not [one for one in follower.events if isinstance(one, Delete)]


async def test_a_kind_that_is_removed_ends_it(api):
    follower = Follower()
    register = Register(ROUTES, Seen())
    api.say(PLACE.path, page(route("a")), [bookmark(11)], refusal(404, "NotFound"))
    with anyio.fail_after(30):
        await follower.follow(Reflector(api, PLACE, register, Outage(api.server)).events())
    assert register.forget() == [Delete(key("a"))]


async def test_an_answer_that_is_no_json_is_a_failure_like_others(api, following, caplog):
    api.say(PLACE.path, b"<html>", page(route("a")), [b"<html>"], FOREVER)
    async with following() as follower:
        await follower.until(lambda: follower.names() == {"a"})
        await api.until_asked(PLACE.path, 4)
    assert [one.levelname for one in caplog.records].count("WARNING") == 2

"""What is news, and what is not."""

from __future__ import annotations

import pytest
from cluster_words import ROUTES, SECRETS, key, raw, route

from providers.kubernetes.register import Register
from providers.kubernetes.seen import Seen
from xds.model import Delete, Put


@pytest.fixture
def seen() -> Seen:
    return Seen()


@pytest.fixture
def register(seen) -> Register:
    return Register(ROUTES, seen)


def put(register, *names: str, version: int = 1, **more) -> list[Put | None]:
    return [register.put(raw(route(name, version, **more))) for name in names]


def test_a_new_state_that_says_the_same_is_no_news_but_seen(register, seen):
    assert put(register, "a")[0].object.key == key("a")
    assert put(register, "a", version=2, status={"parents": [1]}) == [None]
    assert seen[key("a")].resource_version == "2"
    assert bytes(seen[key("a")].status) == b'{"parents": [1]}'


def test_a_new_state_that_says_something_else_is_news(register):
    put(register, "a")
    assert put(register, "a", version=2, spec={})[0].object.body["spec"] == {}


def test_a_list_tells_what_is_gone_and_only_what_is_new(register, seen):
    put(register, "a", "b", "c")
    register.begin()
    assert [bool(one) for one in put(register, "b", "d")] == [False, True]
    assert register.finish() == [Delete(key("a")), Delete(key("c"))]
    assert set(seen) == {key("b"), key("d")}


def test_a_list_that_breaks_off_tells_nothing(register):
    put(register, "a", "b")
    register.begin()
    put(register, "a")
    register.begin()
    put(register, "a", "b")
    assert register.finish() == []


def test_what_is_gone_goes_once(register, seen):
    put(register, "a")
    assert register.delete(raw(route("a", 2))) == Delete(key("a"))
    assert register.delete(raw(route("a", 2))) is None
    assert put(register, "a", version=3)[0] is not None
    assert register.forget() == [Delete(key("a"))]
    assert not register
    assert not seen


def test_only_kinds_with_a_status_are_seen(seen):
    register = Register(SECRETS, seen)
    register.put(raw({"metadata": {"name": "a", "namespace": "default", "resourceVersion": "3"}}))
    assert len(register) == 1
    assert not seen


async def test_who_writes_statuses_hears_of_those_that_changed(register, seen):
    put(register, "a", "b", status={})
    assert await seen.restated() == {key("a"), key("b")}
    put(register, "a", version=2, status={})
    put(register, "b", version=2, status={"parents": []})
    assert await seen.restated() == {key("b")}

"""Statuses on their way back: what is given to who writes them, and when."""

from __future__ import annotations

from functools import partial

import anyio
import pytest
from scripted import Words, key, put, until

from xds.control import scribe as module
from xds.model import Delete, Listed, Status


async def test_it_gives_what_changed_and_nothing_else(world, writer):
    writer.say(put("a"), put("b"), Listed())
    async with world():
        await until(lambda: len(writer.written) == 1)
        assert writer.written[0].keys() == {key("a"), key("b")}
        writer.say(put("b", 2, missing="c"))
        await until(lambda: len(writer.written) == 2)
        assert writer.written[1].keys() == {key("b")}
        assert not writer.written[1][key("b")].conditions[0].status


async def test_it_tells_of_an_object_that_was_refused(world, writer):
    writer.say(put("a", wrong=1), Listed())
    async with world():
        await until(lambda: writer.written)
        assert writer.written[0][key("a")].conditions[0].type == "Accepted"


async def test_what_failed_is_given_again_and_the_log_says_it_once(world, writer, no_pauses, caplog):
    caplog.set_level("INFO")
    writer.failures = 3
    writer.say(put("a"), Listed())
    async with world():
        await until(lambda: writer.written)
        assert writer.written[0].keys() == {key("a")}
        await until(lambda: "writes statuses again" in caplog.text)
    assert no_pauses == [0.5, 1, 2]
    assert caplog.text.count("the provider file cannot write statuses: nobody takes statuses; it is asked again") == 1


async def test_it_is_not_called_for_nothing(world, writer):
    writer.say(Listed())
    async with world() as made:
        await until(lambda: made.pipeline.published)
        await anyio.wait_all_tasks_blocked()
        assert not writer.written


async def test_a_kind_that_no_source_reports_on_is_left_alone(world, writer, monkeypatch):
    """What its proxies refuse is told where people ask; the object has no place for it."""
    monkeypatch.setattr(Words, "reported", frozenset(), raising=False)
    monkeypatch.setattr(Words, "definitions", (), raising=False)
    writer.say(put("a"), Listed())
    async with world() as made:
        await until(lambda: made.pipeline.standing.statuses.value.keys() == {key("a")})
        await anyio.wait_all_tasks_blocked()
        assert not writer.written


async def test_an_object_without_a_status_has_an_empty_one(world, writer):
    """What was ours before a restart may have a status of ours where it is kept."""
    writer.say(put("a", silent=1), Listed())
    async with world():
        await until(lambda: writer.all_written() == {key("a"): Status()})


async def test_a_status_that_vanishes_is_given_empty(world, writer):
    writer.say(put("a"), put("b"), Listed())
    async with world():
        await until(lambda: writer.all_written().keys() == {key("a"), key("b")})
        writer.say(put("a", 2, silent=1), Delete(key("b")))
        await until(lambda: writer.all_written() == {key("a"): Status(), key("b"): Status()})


async def test_nothing_is_taken_out_before_the_first_translation(world, writer):
    """A source that fails has not said of any object that it has no status."""
    writer.say(put("a", silent=1), put("b", bug=1), Listed())
    async with world() as made:
        await until(made.told)
        await anyio.wait_all_tasks_blocked()
        assert not writer.written
        writer.say(Delete(key("b")))
        await until(lambda: writer.all_written() == {key("a"): Status()})


async def test_what_has_lapsed_is_given_again_as_it_is_now(world, writer):
    writer.say(put("a"), put("b", 2), Listed())
    async with world() as made:
        await until(lambda: len(writer.written) == 1)
        writer.lapse(key("b"))
        await until(lambda: len(writer.written) == 2)
        assert writer.written[1] == {key("b"): made.pipeline.standing.statuses.value[key("b")]}


async def test_who_cannot_tell_what_has_lapsed_is_asked_again(world, writer, no_pauses, caplog):
    writer.say(put("a"), Listed())
    async with world():
        await until(lambda: len(writer.written) == 1)
        writer.lapse(OSError("no ear to the ground"), key("a"))
        await until(lambda: len(writer.written) == 2)
        assert writer.written[1].keys() == {key("a")}
    assert caplog.text.count("the provider file cannot tell which statuses have lapsed: no ear to the ground") == 1


async def test_a_change_does_not_wait_for_the_first_statuses_of_thousands(world, writer):
    writer.gate = anyio.Event()
    writer.say(*(put(f"w{number}") for number in range(1000)), Listed())
    async with world() as made:
        await until(lambda: len(made.served()) == 1000)
        await anyio.wait_all_tasks_blocked()
        writer.say(put("w77", 2, missing="c"))
        await until(lambda: not made.pipeline.standing.statuses.value[key("w77")].well)
        writer.gate.set()
        await until(lambda: len(writer.all_written()) == 1000)
        first = [number for number, written in enumerate(writer.written) if key("w77") in written]
        assert first[-1] == 1
        assert max(map(len, writer.written)) == module.SLICE


async def test_a_busy_stream_of_changes_starves_nothing(world, writer, monkeypatch):
    """Each write meets more changes than it takes."""
    monkeypatch.setattr(module, "SLICE", 4)
    writer.say(*(put(f"w{number}") for number in range(40)), Listed())
    async with world() as made:
        await until(lambda: writer.written)
        for generation in range(2, 40):
            writer.gate = anyio.Event()
            writer.say(*(put(f"busy{number}", generation) for number in range(8)))
            await until(lambda: made.reading.objects.get(key("busy7")) is not None)
            await anyio.wait_all_tasks_blocked()
            writer.gate.set()
            await until(partial(more_than, writer, generation))
        assert {key(f"w{number}") for number in range(40)} <= writer.all_written().keys()
        await until(lambda: {one.conditions[0].observed_generation for k, one in writer.all_written().items()} >= {1, 39})


def more_than(writer, count: int) -> bool:
    return len(writer.written) > count


@pytest.mark.parametrize("fails", [False, True])
async def test_nothing_is_written_before_it_is_published(world, writer, fails):
    writer.failures = fails
    served = []
    really = writer.write

    async def write(statuses):
        served.append(statuses.keys() <= {key(name) for name in made.served()})
        await really(statuses)

    writer.write = write
    async with world() as made:
        writer.say(*(put(f"w{number}") for number in range(100)), Listed())
        await until(lambda: len(writer.all_written()) == 100)
        assert all(served)

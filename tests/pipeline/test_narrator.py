"""What is told in the log: everything once, in the order of files and lines."""

from __future__ import annotations

import logging
from dataclasses import replace

import pytest
from scripted import key, put, until, word

from xds.control.narrator import describe
from xds.control.reading import Reading
from xds.model import Delete, Listed, Objects, Put, Status, Translation


@pytest.fixture
def log(caplog):
    """What was told since the last time one asked, without the providers' own troubles."""
    caplog.set_level(logging.INFO, logger="legation")

    def told() -> list[str]:
        lines = [f"{one.levelname.lower()} {one.getMessage()}" for one in caplog.records]
        caplog.clear()
        return lines

    return told


async def test_what_came_changed_and_went_is_told(world, teller, log, caplog):
    teller.say(put("a"), put("b"), Listed())
    async with world():
        await until(lambda: caplog.records)
        assert log() == ["info Word default/a added: waits 1s", "info Word default/b added: waits 1s"]
        teller.say(put("a", 2, timeout="2s"), Delete(key("b")))
        await until(lambda: caplog.records)
        assert log() == ["info Word default/a changed: waits 2s", "info Word default/b removed"]


async def test_many_are_told_as_a_number(world, teller, log, caplog):
    teller.say(*(put(f"w{number}") for number in range(6)), Listed())
    async with world():
        await until(lambda: caplog.records)
        assert log() == ["info 6 objects changed: 6 in all"]


async def test_what_is_in_no_file_and_has_no_status_comes_and_goes_without_a_word(world, teller, log, caplog):
    silent = Put(replace(word("endpoints", silent=1), origin=None))
    teller.say(put("a"), Listed())
    async with world() as made:
        await until(lambda: caplog.records)
        log()
        teller.say(silent)
        await until(lambda: "endpoints" in made.names())
        teller.say(Delete(key("endpoints")))
        await until(lambda: "endpoints" not in made.names())
        teller.say(put("b"))
        await until(lambda: caplog.records)
        assert log() == ["info Word default/b added: waits 1s"]


async def test_a_complaint_is_told_once_and_its_end_too(world, teller, log, caplog):
    teller.say(put("a"), put("b", line=7), Listed())
    async with world() as made:
        await until(lambda: caplog.records)
        log()
        teller.say(put("a", 2, missing="x"), put("b", 2, line=7, wrong=1))
        await until(lambda: len(caplog.records) == 3)
        assert log() == [
            "info Word default/a changed",
            "error words.yaml:1: Word default/a: x does not exist (Resolved is False, Missing)",
            (
                "error words.yaml:7: Word default/b: spec.wrong must not be there\n"
                "    take it out; until this is mended, its last good version stays in force"
            ),
        ]
        teller.say(put("c"))
        await until(lambda: made.names() == {"a", "b", "c"} and caplog.records)
        assert log() == ["info Word default/c added: waits 1s"]
        teller.say(put("b", 3, line=7))
        await until(lambda: len(caplog.records) == 2)
        assert log()[1] == "info no longer wrong: Word default/b; 1 left"
        teller.say(Delete(key("a")))
        await until(lambda: len(caplog.records) == 2)
        assert log() == ["info Word default/a removed", "info no longer wrong: Word default/a; all is well"]


async def test_a_complaint_that_only_moved_is_not_told_again(world, teller, log, caplog):
    teller.say(put("a", wrong=1), Listed())
    async with world() as made:
        await until(lambda: caplog.records)
        log()
        teller.say(put("a", line=40, wrong=1))
        await until(lambda: made.told()[0].startswith("words.yaml:40"))
        teller.say(put("z"))
        await until(lambda: caplog.records)
        assert log() == ["info Word default/z added: waits 1s"]


async def test_another_mistake_in_the_same_object_does_not_mend_it(world, teller, log, caplog):
    teller.say(put("a", wrong=1), Listed())
    async with world():
        await until(lambda: caplog.records)
        log()
        teller.say(put("a", 2, missing="x"))
        await until(lambda: len(caplog.records) == 2)
        assert log() == [
            "info Word default/a added",
            "error words.yaml:1: Word default/a: x does not exist (Resolved is False, Missing)",
        ]


async def test_what_is_kept_back_is_not_called_live(world, teller, log, caplog, monkeypatch):
    teller.say(put("a"), Listed())
    async with world() as made:
        monkeypatch.setattr(made.fleet, "is_live", lambda _: True)
        await until(lambda: "acme: live after" in caplog.text)
        log()
        teller.say(put("b", dangling="nowhere"))
        await until(lambda: "acme keeps its last good configuration" in caplog.text)
        assert not [line for line in log() if "live" in line]
        teller.say(put("b", 2, timeout="2s"))
        await until(lambda: "acme: live after" in caplog.text)


def test_an_object_without_a_summary_is_named():
    new = Reading(Objects.of([word("a")]), Translation(statuses={key("a"): Status()}))
    assert list(describe(Reading(), new, [key("a")])) == ["Word default/a added"]

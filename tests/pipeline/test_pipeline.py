"""Events in, snapshots out: when it translates, and what becomes of providers that fail."""

from __future__ import annotations

import anyio
import pytest
from scripted import Teller, key, put, until

from xds.control import pipeline as module
from xds.model import Delete, Listed, NodeGroup
from xds.model.type_url import CDS


async def test_a_burst_is_one_translation(world, teller):
    teller.say(*(put(f"w{number}") for number in range(3000)), Listed())
    async with world() as made:
        await until(lambda: len(made.served()) == 3000)
        assert len(made.source.translations) == 1


async def test_a_change_after_a_quiet_time_is_one_more(world, teller):
    teller.say(put("a"), Listed())
    async with world() as made:
        await until(made.served)
        teller.say(put("a", 2, timeout="2s"), put("b"))
        await until(lambda: made.names() == {"a", "b"})
        assert len(made.source.translations) == 2


async def test_a_flood_is_served_before_it_ends(world, teller, monkeypatch):
    monkeypatch.setattr(module, "BURST", 10)
    teller.say(Listed(), *(put(f"w{number}") for number in range(100)))
    async with world() as made:
        await until(lambda: len(made.served()) == 100)
        assert len(made.source.translations) > 5


async def test_nothing_is_served_before_every_provider_has_listed(world, tellers):
    tellers["slow"] = Teller()
    tellers["file"].say(put("a"), Listed())
    async with world() as made:
        await until(lambda: made.pipeline.waiting_for() == ["slow"])
        await anyio.wait_all_tasks_blocked()
        assert not made.pipeline.published
        assert not made.source.translations
        tellers["slow"].say(put("b"), Listed())
        await until(lambda: made.served().keys() == {"a", "b"})
        assert made.pipeline.published


async def test_a_provider_that_fails_is_started_again_with_growing_pauses(world, teller, no_pauses, caplog):
    teller.say(put("a"), Listed(), OSError("the disk is gone"), *[OSError("still gone")] * 8)
    async with world() as made:
        await until(lambda: teller.watches == 10)
        assert no_pauses == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]
        await until(lambda: made.names() == {"a"})
    assert "Traceback" not in caplog.text
    assert "the provider file failed: the disk is gone; what it said stays, and it is started again in 0.5 s" in caplog.text


async def test_the_pauses_begin_anew_once_it_has_said_something(world, teller, no_pauses):
    teller.say(*[OSError("gone")] * 3, put("a"), OSError("gone again"))
    async with world():
        await until(lambda: teller.watches == 5)
        assert no_pauses == [0.5, 1, 2, 0.5]


async def test_a_provider_that_ends_is_started_again(world, teller, no_pauses, caplog):
    teller.say(put("a"), Listed(), None)
    async with world():
        await until(lambda: teller.watches == 2)
    assert "the provider file ended; what it said stays, and it is started again in 0.5 s" in caplog.text


async def test_what_a_provider_does_not_say_again_is_gone_once_it_has_listed(world, teller, no_pauses):
    teller.say(put("a"), put("b"), Listed(), OSError("gone"), put("b"))
    async with world() as made:
        await until(lambda: teller.watches == 2)
        await until(lambda: made.names() == {"a", "b"})
        teller.say(Listed())
        await until(lambda: made.names() == {"b"})


async def test_a_wrong_object_leaves_the_bytes_of_all_others_alone(world, teller):
    teller.say(put("a"), put("b"), Listed())
    async with world() as made:
        await until(made.served)
        before = made.fleet.snapshots()["acme"]
        teller.say(put("a", 2, wrong=1))
        await until(made.told)
        assert made.fleet.snapshots()["acme"] is before
        teller.say(put("a", 3, timeout="3s"))
        await until(lambda: not made.told())
        after = made.fleet.snapshots()["acme"].of_type(CDS)
        assert after["b"] is before.of_type(CDS)["b"]
        assert after["a"] != before.of_type(CDS)["a"]


async def test_what_names_something_that_is_not_there_is_kept_back_and_told(world, teller):
    teller.say(put("a"), Listed())
    async with world() as made:
        await until(made.served)
        before = made.served()
        teller.say(put("b", dangling="nowhere"))
        await until(made.told)
        assert made.served() == before
        assert made.told() == [
            (
                "acme: cds 'b' names eds 'nowhere', which is not in the snapshot\n"
                "    this is a fault of a source or a hook; acme keeps its last good configuration"
            )
        ]
        teller.say(Delete(key("b")), put("c"))
        await until(lambda: made.served().keys() == {"a", "c"})
        assert not made.told()


@pytest.mark.parametrize("consistency", ["warning", "accept"])
async def test_what_names_something_that_is_not_there_is_served_where_that_is_wanted(world, teller, consistency):
    """Row 91: told of or not, for as long as it is so."""
    teller.say(put("a", dangling="nowhere"), Listed())
    async with world(consistency=consistency) as made:
        await until(lambda: "a" in made.served())
        teller.say(put("b"))
        await until(lambda: "b" in made.served())
        hint = "this is a fault of a source or a hook; acme is served it as it is"
        told = [f"acme: cds 'a' names eds 'nowhere', which is not in the snapshot\n    {hint}"]
        assert made.told() == (told if consistency == "warning" else [])


async def test_a_source_that_fails_leaves_what_is_served_and_is_told(world, teller, caplog):
    teller.say(put("a"), Listed())
    async with world() as made:
        await until(made.served)
        before = made.served()
        teller.say(put("b", bug=1))
        await until(made.told)
        assert made.served() == before
        assert made.told()[0].startswith("a source failed: RuntimeError: nobody thought of this")
        assert "a source failed; what is served stays as it is" in caplog.text
        teller.say(Delete(key("b")), put("c"))
        await until(lambda: made.served().keys() == {"a", "c"})
        assert not made.told()


async def test_a_group_that_was_never_whole_is_served_nothing(world, teller):
    teller.say(put("b", dangling="nowhere"), Listed())
    async with world() as made:
        await until(made.told)
        assert not made.fleet.snapshots()
        assert "acme is served nothing" in made.told()[0]


def test_no_proxies_are_run_for_a_group_that_is_not_hosted():
    assert module.hosted([NodeGroup("a"), NodeGroup("b", hosted=False)]) == [NodeGroup("a")]


async def test_a_provider_is_ended_by_the_task_that_reads_it():
    """Also when that is interrupted while it does something else: only there, the provider's own tasks can be ended."""
    ended = []

    async def events():
        try:
            while True:
                yield Listed()
        finally:
            ended.append(anyio.get_current_task())

    with anyio.CancelScope() as scope:
        async with module.closing(events()) as said:
            async for _ in said:
                scope.cancel()
                await anyio.lowlevel.checkpoint()
    assert ended == [anyio.get_current_task()]

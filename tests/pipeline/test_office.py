"""Leadership: who leads writes statuses and runs proxies, and everybody serves."""

from __future__ import annotations

import anyio
import pytest
from scripted import Candidate, key, put, until

from xds.model import Listed


class Runner:
    """Remembers what it was asked for."""

    def __init__(self):
        self.asked = []

    async def reconcile(self, groups):
        self.asked.append([one.name for one in groups])


@pytest.fixture
def runner() -> Runner:
    return Runner()


async def test_without_leadership_every_replica_runs_proxies(world, teller, runner):
    teller.say(put("a"), Listed())
    async with world(runner):
        await until(lambda: runner.asked == [["acme"]])


async def test_nothing_is_done_before_it_is_known_who_leads(world, candidate, runner):
    candidate.say(put("a"), Listed())
    async with world(runner) as made:
        await until(made.served)
        await anyio.wait_all_tasks_blocked()
        assert not candidate.written
        assert not runner.asked


async def test_who_does_not_lead_serves_and_neither_writes_nor_runs_proxies(world, candidate, runner):
    candidate.elect(False)
    candidate.say(put("a"), Listed())
    async with world(runner) as made:
        await until(made.served)
        await until(lambda: runner.asked)
        await anyio.wait_all_tasks_blocked()
        assert runner.asked[-1] == []
        assert not candidate.written


async def test_who_comes_to_lead_writes_everything_anew(world, candidate, runner):
    candidate.elect(True)
    candidate.say(put("a"), put("b"), Listed())
    async with world(runner):
        await until(lambda: len(candidate.written) == 1)
        await until(lambda: runner.asked[-1:] == [["acme"]])
        candidate.elect(False)
        await until(lambda: runner.asked[-1] == [])
        candidate.elect(True)
        await until(lambda: len(candidate.written) == 2)
        assert candidate.written[1].keys() == {key("a"), key("b")}
        await until(lambda: runner.asked[-1] == ["acme"])


async def test_a_write_ends_when_another_comes_to_lead(world, candidate):
    candidate.elect(True)
    candidate.gate = anyio.Event()
    candidate.say(put("a"), Listed())
    async with world() as made:
        await until(made.served)
        await anyio.wait_all_tasks_blocked()
        candidate.elect(False)
        await until(lambda: made.pipeline.office.leads.value is False)
        await anyio.wait_all_tasks_blocked()
        candidate.gate.set()
        candidate.say(put("a", 2, missing="c"))
        await until(made.told)
        await anyio.wait_all_tasks_blocked()
        assert not candidate.written


async def test_who_cannot_tell_does_not_lead_and_says_so_once(world, candidate, no_pauses, caplog):
    candidate.elect(True, *[OSError("the lease is nowhere")] * 3, ValueError("a bug"))
    async with world() as made:
        await until(lambda: len(no_pauses) == 4)
        assert made.pipeline.office.leads.value is False
        candidate.elect(True)
        await until(lambda: made.pipeline.office.leads.value is True)
    words = "the provider file cannot tell who leads: the lease is nowhere; until it can, this replica does not"
    assert caplog.text.count(words) == 1
    assert caplog.text.count("Traceback") == 1, "that of the bug"


async def test_of_several_that_know_all_must_say_so(world, tellers):
    tellers["file"].close()
    tellers["file"], tellers["other"] = Candidate(), Candidate()
    async with world() as made:
        tellers["file"].elect(True)
        await anyio.wait_all_tasks_blocked()
        assert made.pipeline.office.leads.value is None
        tellers["other"].elect(False, True)
        await until(lambda: made.pipeline.office.leads.value)

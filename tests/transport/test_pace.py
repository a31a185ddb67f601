"""Paces and gates: nothing is refused, and nobody waits for those who gave up."""

from __future__ import annotations

import anyio
import anyio.lowlevel
import pytest

from xds.server.pace import Gate, Pace


def test_a_burst_goes_at_once_and_the_rest_at_the_rate():
    pace, waits = Pace(10, burst=3), []
    for _ in range(5):
        waits.append(pace.wait(100.0))
        pace.take(100.0 + waits[-1])
    assert waits == pytest.approx([0, 0, 0, 0.1, 0.2])


def test_a_pause_earns_a_burst_and_no_more():
    pace = Pace(10, burst=3)
    for _ in range(3):
        pace.take(100.0)
    for _ in range(3):
        assert pace.wait(200.0) == 0
        pace.take(200.0)
    assert pace.wait(200.0) == pytest.approx(0.1)


async def test_a_gate_keeps_the_order():
    gate, through = Gate(Pace(1000, burst=1)), []

    async def enter(number):
        await gate.enter()
        through.append(number)

    async with anyio.create_task_group() as tasks:
        for number in range(20):
            tasks.start_soon(enter, number)
            await anyio.lowlevel.checkpoint()
    assert through == list(range(20))


async def test_those_who_give_up_cost_the_others_no_turn():
    """A thousand give up while they wait: whoever comes after them waits for one turn, not for a thousand."""
    pace = Pace(20, burst=1)
    gate = Gate(pace)
    await gate.enter()
    async with anyio.create_task_group() as tasks:
        for _ in range(1000):
            tasks.start_soon(gate.enter)
        await anyio.wait_all_tasks_blocked()
        tasks.cancel_scope.cancel()
    assert pace.wait(0) == 0 or pace.wait(anyio.current_time()) <= 0.05
    with anyio.fail_after(30):
        await gate.enter()

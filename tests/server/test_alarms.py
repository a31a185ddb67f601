"""Alarms: each rings at its moment, once, whatever was set before or after it, and never when it was dropped."""

from __future__ import annotations

import time

import anyio

from xds.server.alarms import Alarms


class Told:
    """Notes when it was told."""

    def __init__(self, name: str, log: list[str]) -> None:
        self.name, self.log = name, log

    def set(self) -> None:
        self.log.append(self.name)


async def until(condition) -> None:
    with anyio.fail_after(10):
        while not condition():  # noqa: ASYNC110  what is told is no event
            await anyio.sleep(0.001)


async def test_alarms_ring_in_the_order_of_their_moments():
    log: list[str] = []
    alarms, now = Alarms(), time.monotonic()
    for name, after in (("c", 0.03), ("a", 0.01), ("b", 0.02), ("past", -1.0)):
        alarms.at(now + after, Told(name, log))
    await until(lambda: len(log) == 4)
    assert log == ["past", "a", "b", "c"]
    assert time.monotonic() >= now + 0.03


async def test_a_dropped_alarm_is_silent_and_holds_up_no_other():
    log: list[str] = []
    alarms, now = Alarms(), time.monotonic()
    alarms.at(now + 0.01, Told("dropped", log)).drop()
    alarms.at(now + 0.02, Told("kept", log))
    await until(lambda: log)
    assert log == ["kept"]


async def test_what_rings_may_set_another():
    log: list[str] = []
    alarms = Alarms()

    class Again(Told):
        def set(self) -> None:
            super().set()
            if len(self.log) < 3:
                alarms.at(time.monotonic(), self)

    alarms.at(time.monotonic(), Again("again", log))
    await until(lambda: len(log) == 3)

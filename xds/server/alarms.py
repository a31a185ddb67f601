"""Alarms: thousands of moments at which somebody is to be told, with one timer of the event loop for all of them."""

from __future__ import annotations

import asyncio
import time
from asyncio import TimerHandle
from heapq import heappop, heappush

from xds.server.signal import NOBODY, Follower


class Alarm:
    """Who is told, and when: seconds of the monotonic clock."""

    __slots__ = ("_follower", "when")

    def __init__(self, when: float, follower: Follower) -> None:
        self.when, self._follower = when, follower

    def __lt__(self, other: Alarm) -> bool:
        return self.when < other.when

    def ring(self) -> None:
        """It is time."""
        self._follower.set()

    def drop(self) -> None:
        """Nobody wants to be told any more."""
        self._follower = NOBODY


class Alarms:
    """All alarms of one server. What is dropped stays until its time has come, and takes next to nothing."""

    def __init__(self) -> None:
        self._heap: list[Alarm] = []
        self._timer: TimerHandle | None = None

    def at(self, when: float, follower: Follower) -> Alarm:
        """Tells `follower` at this moment, or soon after it."""
        alarm = Alarm(when, follower)
        heappush(self._heap, alarm)
        if self._heap[0] is alarm:
            self._wait()
        return alarm

    def _wait(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        pause = self._heap[0].when - time.monotonic()
        self._timer = asyncio.get_running_loop().call_later(max(0.0, pause), self._ring)

    def _ring(self) -> None:
        self._timer = None
        now = time.monotonic()
        while self._heap and self._heap[0].when <= now:
            heappop(self._heap).ring()
        if self._heap:
            self._wait()

"""Paces: how fast something may happen, and the patience of those that come faster."""

from __future__ import annotations

import time

import anyio


class Pace:
    """So many a second, and `burst` of them at once after a pause. Nothing is refused: what comes too fast waits.

    Two numbers, however many wait (the generic cell rate algorithm).
    """

    __slots__ = ("_due", "_gap", "_slack")

    def __init__(self, rate: float, burst: float) -> None:
        self._gap = 1 / rate
        self._slack = max(0.0, burst - 1) * self._gap
        self._due = 0.0

    def wait(self, now: float) -> float:
        """Seconds until the next one may happen."""
        return max(0.0, self._due - self._slack - now)

    def take(self, now: float) -> None:
        """One happens."""
        self._due = max(self._due, now) + self._gap

    def may(self, now: float) -> bool:
        """Whether the next one may happen now; then it does."""
        if self._due - self._slack > now:
            return False
        self._due = max(self._due, now) + self._gap
        return True

    async def keep(self) -> None:
        """Returns when the next one may happen, and counts it. For one task at a time."""
        if (pause := self.wait(time.monotonic())) > 0:
            await anyio.sleep(pause)
        self.take(time.monotonic())


class Gate:
    """Lets one after the other through, at a pace, in the order in which they came. Who gives up costs nobody a turn."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._turn = anyio.Lock(fast_acquire=True)

    def pass_at_once(self) -> bool:
        """Whether nobody waits, and it is the caller's turn."""
        return not self._turn.locked() and self._pace.may(time.monotonic())

    async def enter(self) -> None:
        """Returns when it is the caller's turn."""
        async with self._turn:
            await self._pace.keep()

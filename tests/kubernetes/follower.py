"""A follower of a provider's events, as the pipeline is one."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

import anyio

from xds.model import Delete, Diagnostic, Event, Key, Listed, Object, Put, Report

DEADLINE = 60.0
"""Seconds that a test waits for what must happen."""


class Follower:
    """Replays events; what is deleted must have been said."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.objects: dict[Key, Object] = {}
        self.reports: dict[str, tuple[Diagnostic, ...]] = {}
        self.listed = 0
        self._changed = anyio.Event()

    def take(self, event: Event) -> None:
        self.events.append(event)
        match event:
            case Put(one):
                self.objects[one.key] = one
            case Delete(key):
                del self.objects[key]
            case Report(place, diagnostics):
                self.reports[place] = diagnostics
            case Listed():
                self.listed += 1
        self._changed.set()
        self._changed = anyio.Event()

    async def follow(self, events: AsyncGenerator[Event]) -> None:
        async with aclosing(events):
            async for event in events:
                self.take(event)

    async def until(self, condition: Callable[[], object]) -> None:
        with anyio.fail_after(DEADLINE):
            while not condition():
                await self._changed.wait()

    def names(self, kind: str = "HTTPRoute") -> set[str]:
        return {one.name for one in self.objects if one.kind.name == kind}

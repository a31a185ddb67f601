"""The reflector: follows what is at one place, whatever happens.

Four layers, each with one concern: `events` goes on for ever and knows what failures mean; `_follow` lists and watches, over
and over; `_list` and `_watch` are one list and one watch; `Api.lines` has lines of text.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from typing import Final

import anyio
import msgspec

from providers.kubernetes.api import Api, ApiError, Failure
from providers.kubernetes.document import Line, read_head, read_line, read_page
from providers.kubernetes.outage import Outage
from providers.kubernetes.pause import pauses
from providers.kubernetes.place import Place
from providers.kubernetes.register import Register
from xds.model import Diagnostic, Event, Listed, Origin, Report

log = logging.getLogger(__name__)

LIMIT: Final = 500
"""Objects on one page of a list."""
LONGEST_WATCH: Final = 600
"""Seconds after which the API server is to end a watch at the latest, at the earliest after half of it."""
SHORTEST_WATCH: Final = 1.0
"""Seconds: a watch that ends earlier without having said anything did not work."""
BELIEVED: Final = 3.0
"""Seconds for which the API server must say that something is not there or not allowed: starting, it says so of all."""
USUAL: Final = frozenset({410, 429})
"""What an API server answers in the best of health: to who was away too long, and to who comes too early."""

TROUBLE: Final = (ApiError, OSError, msgspec.MsgspecError)
"""What may happen to any request."""


class Reflector:
    """The events of one place: Put, Delete, a Listed after each list, and a Report on what may not be read.

    What is said stays true while nothing can be read; what changed meanwhile is said afterwards, and nothing else is.
    """

    def __init__(self, api: Api, place: Place, register: Register, outage: Outage) -> None:
        self._api, self._place, self._register, self._outage = api, place, register, outage
        self._version = ""
        self._pauses = pauses()
        self._refused_since: float | None = None
        self._reported = False
        self._answered = True

    async def events(self) -> AsyncGenerator[Event]:
        """Until cancelled, or until the kind is not installed any more."""
        while True:
            try:
                async with aclosing(self._follow()) as events:
                    async for event in events:
                        yield event
            except TROUBLE as error:
                if self._is_gone(error):
                    return
                for event in self._failed(error):
                    yield event
                await anyio.sleep(self._pause(error))

    async def _follow(self) -> AsyncGenerator[Event]:
        while True:
            if not self._version:
                async with aclosing(self._list()) as events:
                    async for event in events:
                        yield event
            async with aclosing(self._watch()) as events:
                async for event in events:
                    yield event

    async def _list(self) -> AsyncGenerator[Event]:
        self._register.begin()
        query = {**self._place.query, "limit": str(LIMIT)}
        while True:
            page = read_page(await self._api.read(self._place.path, query))
            for raw in page.items:
                if event := self._register.put(raw):
                    yield event
            if not page.metadata.token:
                break
            query["continue"] = page.metadata.token
        for gone in self._register.finish():
            yield gone
        self._version = page.metadata.resource_version
        log.debug("%s: %d objects", self._place, len(self._register))
        yield Listed()

    async def _watch(self) -> AsyncGenerator[Event]:
        begun, before = time.monotonic(), self._version
        try:
            async with self._api.lines(self._place.path, self._watch_query()) as lines:
                for back in self._works():
                    yield back
                async for line in lines:
                    if event := self._take(read_line(line)):
                        yield event
        finally:
            if worked := self._version != before or time.monotonic() - begun >= SHORTEST_WATCH:
                self._pauses = pauses()
        if not worked:
            raise ConnectionResetError(f"{self._api.server} ends watches as soon as they begin")

    def _watch_query(self) -> dict[str, str]:
        return {
            **self._place.query,
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": self._version,
            "timeoutSeconds": str(random.randint(LONGEST_WATCH // 2, LONGEST_WATCH)),  # noqa: S311  nothing is secret about it
        }

    def _take(self, line: Line) -> Event | None:
        """What one line of a watch says."""
        if line.type == "ERROR":
            raise ApiError(f"{self._api.server}: the watch of {self._place}", msgspec.json.decode(line.object, type=Failure))
        self._version = read_head(line.object).metadata.resource_version
        if line.type == "BOOKMARK":
            return None
        return self._register.delete(line.object) if line.type == "DELETED" else self._register.put(line.object)

    def _works(self) -> Iterator[Event]:
        """The API server answers."""
        self._outage.end(self._place)
        self._refused_since = None
        if self._reported:
            self._reported = False
            yield Report(self._place.address)

    def _pause(self, error: Exception) -> float:
        """Seconds to wait; few again where a server answers that did not."""
        answered = isinstance(error, ApiError)
        if answered and not self._answered:
            self._pauses = pauses()
        self._answered = answered
        return max(next(self._pauses), getattr(error, "retry_after", None) or 0)

    def _is_gone(self, error: Exception) -> bool:
        return isinstance(error, ApiError) and error.status == 404 and self._is_believed()

    def _is_believed(self) -> bool:
        """Whether the API server has been refusing long enough."""
        now = time.monotonic()
        self._refused_since = self._refused_since or now
        return now - self._refused_since >= BELIEVED

    def _failed(self, error: Exception) -> Iterator[Event]:
        """What a failure means for those who listen, and from where to go on."""
        status = error.status if isinstance(error, ApiError) else 0
        if status in (404, 410):
            self._version = ""
        if status in (403, 404):
            self._outage.end(self._place)
        else:
            self._outage.begin(self._place, error, logging.INFO if status in USUAL else logging.WARNING)
        if isinstance(error, ApiError) and status == 403 and self._is_believed() and not self._reported:
            self._reported = True
            yield Report(self._place.address, (self._complaint(error),))
            yield Listed()

    def _complaint(self, error: ApiError) -> Diagnostic:
        what = f"{self._place} cannot be read: {error.message}"
        hint = f"grant list and watch of {self._place}; what was read of it stays in force"
        return Diagnostic(what, origin=Origin(self._api.server, 0), hint=hint)

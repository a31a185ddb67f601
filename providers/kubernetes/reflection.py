"""The reflection: all places of a cluster as one stream of events."""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncGenerator, Collection
from contextlib import aclosing
from typing import Final

import anyio
from anyio.abc import TaskGroup
from anyio.streams.memory import MemoryObjectSendStream

from providers.kubernetes.api import Api
from providers.kubernetes.discovery import Served, ready, served
from providers.kubernetes.outage import Outage
from providers.kubernetes.pause import pauses
from providers.kubernetes.place import NAMESPACE, Place, places
from providers.kubernetes.reflector import TROUBLE, Reflector
from providers.kubernetes.register import Register
from providers.kubernetes.seen import Seen
from providers.kubernetes.settings import Settings
from xds.model import Delete, Event, Kind, Listed, Put, Report

log = logging.getLogger(__name__)

WAITING: Final = 100
"""Events that may wait to be taken; then the API server is read no further."""
LOOK_AGAIN: Final = 5.0
"""Seconds between one look for kinds that are not installed, and the next."""


class Reflection:
    """Everything of these kinds that the settings ask for, as events of a provider; `catalogue` has what is installed.

    A kind that is not installed is looked for again and again. Listed is said when all that is installed was listed once.
    """

    def __init__(self, api: Api, settings: Settings, kinds: Collection[Kind], seen: Seen) -> None:
        self._api, self._settings, self._seen = api, settings, seen
        self._kinds = frozenset(kinds)
        self._wanted = self._kinds | ({NAMESPACE} if settings.namespace_selector else set())
        self._outage = Outage(api.server)
        self._selected: set[str] = set()
        self._followed: dict[Place, anyio.CancelScope] = {}
        self._listed: set[Place] = set()
        self._changed = anyio.Event()
        self.catalogue: dict[Kind, Served] = {}

    async def events(self) -> AsyncGenerator[Event]:
        """The events, until cancelled. To be closed by the task that reads them."""
        send, receive = anyio.create_memory_object_stream[Event](WAITING)
        async with send, receive, anyio.create_task_group() as tasks:
            tasks.start_soon(self._run, tasks, send)
            try:
                async for event in receive:
                    yield event
            except GeneratorExit:  # a task group would wrap it
                tasks.cancel_scope.cancel()

    async def _run(self, tasks: TaskGroup, send: MemoryObjectSendStream[Event]) -> None:
        """Has what is wanted followed, and nothing else, whenever that changes."""
        begun, missing = time.monotonic(), await self._look()
        if missing:
            log.info("not installed, and looked for every %.0f s: %s", LOOK_AGAIN, _names(missing))
        tasks.start_soon(self._keep_looking)
        said = False
        while True:
            changed, wanted = self._changed, places(self.catalogue.values(), self._settings, self._selected)
            self._match(wanted, tasks, send)
            if not said and wanted <= self._listed:
                log.info("%s: all is listed, after %.1f s", self._api.server, time.monotonic() - begun)
                await send.send(Listed())
                said = True
            await changed.wait()

    def _match(self, wanted: Collection[Place], tasks: TaskGroup, send: MemoryObjectSendStream[Event]) -> None:
        for place, scope in self._followed.items():
            if place not in wanted:
                scope.cancel()
        for place in wanted:
            if place not in self._followed:  # else it is still being forgotten, and followed anew after that
                self._followed[place] = anyio.CancelScope()
                tasks.start_soon(self._follow, place, send)

    async def _follow(self, place: Place, send: MemoryObjectSendStream[Event]) -> None:
        """Passes on what is at a place until it is no longer wanted, or no longer installed; then it is all gone."""
        register = Register(place.served, self._seen)
        with self._followed[place]:
            async with aclosing(Reflector(self._api, place, register, self._outage).events()) as events:
                async for event in events:
                    await self._say(place, event, send)
            self._lost(place)
        self._outage.end(place)
        for gone in register.forget():
            await self._say(place, gone, send)
        await self._say(place, Report(place.address), send)
        self._listed.discard(place)
        del self._followed[place]
        self._change()

    async def _say(self, place: Place, event: Event, send: MemoryObjectSendStream[Event]) -> None:
        if isinstance(event, Listed):
            self._listed.add(place)
            self._change()
            return
        if place.labels:
            self._select(event)
        if place.served.kind in self._kinds:
            await send.send(event)

    def _select(self, event: Event) -> None:
        """A namespace begins to match the selector, or no longer does."""
        match event:
            case Put(one):
                self._selected.add(one.key.name)
            case Delete(key):
                self._selected.discard(key.name)
        self._change()

    def _lost(self, place: Place) -> None:
        if self.catalogue.pop(place.served.kind, None):
            log.warning("%s is no longer installed: all of its objects are gone", _names([place.served.kind]))

    async def _keep_looking(self) -> None:
        while True:
            await anyio.sleep(LOOK_AGAIN)
            if self._wanted - self.catalogue.keys():
                before = set(self.catalogue)
                await self._look()
                if found := self.catalogue.keys() - before:
                    log.info("installed by now: %s", _names(found))
                    self._change()

    async def _look(self) -> frozenset[Kind]:
        """Looks for the kinds that are not known to be installed; which still are not."""
        for pause in pauses():
            missing = self._wanted - self.catalogue.keys()
            try:
                if not self.catalogue:
                    await ready(self._api)
                self.catalogue.update(await served(self._api, missing))
            except TROUBLE as error:
                self._outage.begin("discovery", error)
                await anyio.sleep(pause)
            else:
                self._outage.end("discovery")
                break
        return self._wanted - self.catalogue.keys()

    def _change(self) -> None:
        self._changed.set()
        self._changed = anyio.Event()


def _names(kinds: Collection[Kind]) -> str:
    return ", ".join(f"{one.name} ({one.group})" if one.group else one.name for one in sorted(kinds))

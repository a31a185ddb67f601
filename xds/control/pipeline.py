"""The pipeline: the one writer. Events of all providers in, readings out, snapshots published."""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncGenerator, AsyncIterator, Collection, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import Final

import anyio
from anyio.lowlevel import checkpoint
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from xds.control.fault import Consistency, faults, told
from xds.control.ledger import Begun, Ledger, Said
from xds.control.office import Office
from xds.control.reading import Reading
from xds.control.scribe import Scribe
from xds.control.setback import Setbacks, in_words, is_bug
from xds.control.standing import Standing
from xds.control.translator import Translator
from xds.model import (
    Diagnostic,
    Event,
    NodeGroup,
    Objects,
    Provider,
    ProxyRunner,
    Severity,
    Snapshot,
    StatusWriter,
    Translation,
)
from xds.server.fleet import Fleet
from xds.server.metrics import Metrics
from xds.server.signal import Signal, Watch

log = logging.getLogger(__name__)

INBOX: Final = 1024
"""Events that may wait; a provider that is faster waits itself."""
BURST: Final = 10_000
"""Events of one pass at the most, so that a flood delays nothing for long."""
QUIET_TURNS: Final = 3
"""Turns of the event loop without an event after which a burst is over. Nothing ever waits for a clock."""


class Pipeline:
    """Providers to fleet. `readings` always holds the newest reading, `translated` the objects that the newest translation
    is of, `standing` how every object stands because of that and of the proxies, `office` whether this replica leads;
    `published` tells whether a reading was served yet.

    Rule 1: between an event and the publication of what it means nothing waits: one plain function does it all.
    """

    def __init__(
        self,
        providers: Mapping[str, Provider],
        translator: Translator,
        fleet: Fleet,
        metrics: Metrics,
        consistency: Consistency = "error",
    ) -> None:
        self._providers, self._translator = providers, translator
        self._fleet, self._metrics, self._consistency = fleet, metrics, consistency
        self._ledger = Ledger(translator, providers)
        self._checked: dict[str, tuple[Snapshot, tuple[Diagnostic, ...]]] = {}
        self.readings: Watch[Reading] = Watch(Reading())
        self.translated: Watch[Objects] = Watch(Objects())
        self.standing = Standing(self.readings, fleet)
        self.office = Office(providers)
        self.published = False

    async def run(self, runner: ProxyRunner | None = None) -> None:
        """Runs until cancelled."""
        send, receive = anyio.create_memory_object_stream[Said](INBOX)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self.standing.run)
            tasks.start_soon(self.office.run)
            for name, provider in self._providers.items():
                tasks.start_soon(self._follow, name, provider, send)
                if isinstance(provider, StatusWriter):
                    tasks.start_soon(self.office.while_leading, partial(self._write_back, name, provider))
            if runner is not None:
                tasks.start_soon(self._run_proxies, runner)
            async with send, receive:
                while True:
                    self._ledger.take(await burst(receive))
                    if not self.waiting_for():
                        self._publish()

    def waiting_for(self) -> list[str]:
        """The providers that have not listed yet."""
        return self._ledger.waiting_for()

    def _publish(self) -> None:
        """Translates, publishes what is consistent, and makes the new reading known."""
        started = time.perf_counter()
        try:
            translation = self._translator.translate(self._ledger.objects)
        except Exception as error:
            log.exception("a source failed; what is served stays as it is")
            self._publish_failure(f"a source failed: {type(error).__name__}: {error}")
            return
        sound, faulty = self._sound(translation)
        self._fleet.publish(sound)
        self.translated.publish(self._ledger.objects)
        self._metrics.translated(time.perf_counter() - started)
        self.published = True
        if faulty:
            translation = told(translation, faulty, self._ledger.objects)
        self.readings.publish(self._ledger.read(translation))

    def _publish_failure(self, words: str) -> None:
        """The last translation stays; the reading says that it is not the newest."""
        failure = Diagnostic(words, hint="what was in force stays; tell the authors of the source, with the log")
        last = self.readings.value.translation
        self.readings.publish(self._ledger.read(replace(last, diagnostics=(failure,))))

    def _sound(self, translation: Translation) -> tuple[dict[str, Snapshot], list[Diagnostic]]:
        """The snapshots to publish: where one names what it does not have, the last good one of its group stays, unless
        it is to be served all the same.
        """
        last = self._fleet.asked()
        self._checked = {group: known for group, known in self._checked.items() if group in translation.snapshots}
        sound: dict[str, Snapshot] = {}
        faulty: list[Diagnostic] = []
        for group, snapshot in translation.snapshots.items():
            found = self._faults(group, snapshot, translation)
            faulty += found
            if not found or self._consistency == "warning":
                sound[group] = snapshot
            elif group in last:
                sound[group] = last[group]
        return sound, faulty

    def _faults(self, group: str, snapshot: Snapshot, translation: Translation) -> tuple[Diagnostic, ...]:
        known, found = self._checked.get(group, (None, ()))
        if known is not snapshot:
            every = faults(group, snapshot, translation) if self._consistency != "accept" else ()
            found = tuple(self._weighed(group, one) for one in every)
            self._checked[group] = snapshot, found
        return found

    def _weighed(self, group: str, one: Diagnostic) -> Diagnostic:
        """A fault, with what becomes of the group."""
        if self._consistency == "warning":
            return replace(one, hint=f"{one.hint}; {group} is served it as it is", severity=Severity.WARNING)
        stays = "keeps its last good configuration" if group in self._fleet.asked() else "is served nothing"
        return replace(one, hint=f"{one.hint}; {group} {stays}")

    async def _follow(self, name: str, provider: Provider, inbox: MemoryObjectSendStream[Said]) -> None:
        """Passes on one provider's events, and starts it again whenever it fails."""
        setbacks = Setbacks()
        while True:
            await inbox.send((name, Begun()))
            try:
                async with closing(provider.watch(self._translator.kinds)) as events:
                    async for event in events:
                        self._metrics.provider_events(name)
                        setbacks.end()
                        await inbox.send((name, event))
                what = "the provider %s ended; what it said stays, and it is started again in %.1f s"
                log.error(what, name, setbacks.pause)
            except Exception as error:
                what = "the provider %s failed: %s; what it said stays, and it is started again in %.1f s"
                log.error(what, name, in_words(error), setbacks.pause, exc_info=is_bug(error))  # noqa: TRY400  a full disk needs no traceback
            self._metrics.provider_restarted(name)
            await setbacks.rest()

    async def _write_back(self, name: str, writer: StatusWriter) -> None:
        """Writes statuses until cancelled: whoever comes to lead begins with all of them."""
        await Scribe(name, writer, self._translator.reported, self.standing, self.translated).run()

    async def _run_proxies(self, runner: ProxyRunner) -> None:
        """Has the proxies run of every group that is hosted, as long as this replica leads: another one runs its own."""
        signal = Signal()
        self.readings.follow(signal)
        self.office.leads.follow(signal)
        while True:
            leads = self.office.leads.value
            if self.published and leads is not None:
                groups = self.readings.value.translation.groups.values()
                await runner.reconcile(hosted(groups) if leads else [])
            await signal.wait()


def hosted(groups: Iterable[NodeGroup]) -> list[NodeGroup]:
    """Those of the node groups whose proxies a runner runs."""
    return [one for one in groups if one.hosted]


@asynccontextmanager
async def closing(events: AsyncIterator[Event]) -> AsyncIterator[AsyncIterator[Event]]:
    """Ends a generator in the task that reads it: that is where its own tasks and timeouts belong."""
    try:
        yield events
    finally:
        if isinstance(events, AsyncGenerator):
            await events.aclose()


async def burst(receive: MemoryObjectReceiveStream[Said]) -> Collection[Said]:
    """The next event, and all that come without a pause: nothing waits while it is quiet, and a burst is one pass."""
    said, quiet = [await receive.receive()], 0
    while len(said) < BURST and quiet < QUIET_TURNS:
        quiet += 1
        try:
            while len(said) < BURST:
                said.append(receive.receive_nowait())
                quiet = 0
        except anyio.WouldBlock:
            await checkpoint()
    return said

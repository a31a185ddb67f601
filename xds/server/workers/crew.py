"""The crew: the worker processes, each started, fed, heard, and started again when it dies."""

from __future__ import annotations

import logging
import os
import socket
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final

import anyio
from anyio.abc import Process, TaskGroup

from xds.model import ConfigError, LoadSink, ProtocolError
from xds.server.background import background
from xds.server.csds import answered
from xds.server.load import give
from xds.server.workers.letter import Failed, Line, News, Question, Report, Reported, Status, Statuses
from xds.server.workers.link import Link
from xds.server.workers.post import Post
from xds.server.workers.reserve import reserved
from xds.server.workers.shared_fleet import SharedFleet
from xds.server.workers.terms import Terms

log = logging.getLogger(__name__)

PROGRAM: Final = (sys.executable, "-P", "-m", "xds.server.workers")
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
"""Seconds before a worker that died is started again."""
PATIENCE: Final = 15.0
"""Seconds that workers have to drain their connections, and to end."""


@dataclass(slots=True, eq=False)
class Member:
    """One worker. `known` is set when it `serves`, and when it is gone without; `fault` is why it is gone."""

    number: int
    process: Process
    post: Post
    known: anyio.Event = field(default_factory=anyio.Event)
    serves: bool = False
    fault: ConfigError | None = None


class Crew:
    """As many workers as the terms say. Each is given what the fleet serves, and tells it of its proxies."""

    def __init__(self, terms: Terms, fleet: SharedFleet, sinks: Sequence[LoadSink] = ()) -> None:
        self._terms, self._fleet, self._sinks = terms, fleet, tuple(sinks)
        self._packed = b""
        self._members: dict[int, Member] = {}
        self._ending = False

    @asynccontextmanager
    async def serve(self, host: str, port: int) -> AsyncIterator[tuple[str, int]]:
        """Serves inside the `async with`, as `grpc_server.serve` does; gives the (host, port).

        Raises ConfigError where the socket cannot be opened, and for terms that no worker can serve with.
        """
        async with reserved(host, port) as address:
            level = logging.getLogger().getEffectiveLevel()
            self._packed = replace(self._terms, host=address[0], port=address[1], level=level).pack()
            async with background() as tasks:
                await self._begin(tasks)
                try:
                    yield address
                finally:
                    await self._end()

    async def _begin(self, tasks: TaskGroup) -> None:
        """Returns when all serve."""
        self._ending = False
        for number in range(1, self._terms.transport.workers + 1):
            tasks.start_soon(self._keep, await self._start(number))
        for member in list(self._members.values()):
            await member.known.wait()
            if not member.serves and member.fault is not None:
                raise member.fault

    async def _end(self) -> None:
        """Returns when all have drained their connections and ended."""
        self._ending = True
        with anyio.CancelScope(shield=True), anyio.move_on_after(PATIENCE):
            for member in self._members.values():
                member.post.link.end()
            for member in self._members.values():
                await member.process.wait()

    async def _start(self, number: int) -> Member:
        ours, theirs = socket.socketpair()
        path = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        with theirs:
            # A session of its own keeps the terminal's Ctrl-C from it: it ends with this process, and drains first.
            process = await anyio.open_process(
                PROGRAM, stdin=theirs.fileno(), stdout=None, stderr=None, env=os.environ | path, start_new_session=True
            )
        member = self._members[number] = Member(number, process, Post(await Link.over(ours)))
        return member

    async def _again(self, number: int, pause: float) -> Member:
        while True:
            await anyio.sleep(pause)
            try:
                return await self._start(number)
            except OSError as error:
                pause = LONGEST_PAUSE
                log.error("worker %d cannot be started: %s; again in %.0f s", number, error, pause)  # noqa: TRY400  the system's fault

    async def _keep(self, member: Member) -> None:
        """Attends to a worker, and to those that take its place, until the end. One that never served is no use again."""
        pause, has_served = FIRST_PAUSE, False
        while True:
            began = time.monotonic()
            await self._attend(member)
            has_served |= member.serves
            if self._ending or not has_served:
                return
            pause = FIRST_PAUSE if time.monotonic() - began > LONGEST_PAUSE else pause
            log.error("%s; its proxies connect anew, and it is started again in %.1f s", member.fault, pause)
            member = await self._again(member.number, pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    async def _attend(self, member: Member) -> None:
        """Feeds and hears a worker until it is gone, and says why in its `fault`."""
        self._fleet.posts.add(member.post)
        try:
            async with background() as tasks:
                tasks.start_soon(self._feed, member.post)
                await member.post.link.follow(partial(self._take, member), self._answer)
        finally:
            self._fleet.dismiss(member.post)
            await self._bury(member)
            member.fault = member.fault or _lost(member)
            member.known.set()

    async def _bury(self, member: Member) -> None:
        """Returns when the process has ended: as it has no builder any more, or by force."""
        with anyio.CancelScope(shield=True):
            await member.post.link.close()
            with anyio.move_on_after(PATIENCE):
                await member.process.wait()
                return
            member.process.kill()
            await member.process.wait()

    async def _feed(self, post: Post) -> None:
        with suppress(ConnectionError):  # it is gone, as whoever hears it learns
            await post.link.send_bytes(self._packed)
            while True:
                if (update := post.update(self._fleet.snapshots())) is not None:
                    await post.link.send(update)
                else:
                    await post.news.wait()

    def _take(self, member: Member, news: News) -> None:
        match news:
            case Report():
                self._fleet.hear(member.post, news)
                _log(news.lines)
                if not member.serves:
                    log.info("worker %d serves", member.number)
                    member.serves = True
                    member.known.set()
            case Failed():
                member.fault = ConfigError(news.message, field=news.field, hint=news.hint)

    async def _answer(self, question: Question) -> object:
        match question:
            case Reported():
                await give(question.load, self._sinks)
                return None
            case Status():
                return await self._statuses(question)
            case _:
                raise NotImplementedError(f"a builder is not asked for {type(question).__name__}")

    async def _statuses(self, asked: Status) -> Statuses:
        try:
            return Statuses(await answered(self._fleet, self._terms.authority, asked.principal, asked.request))
        except ProtocolError as error:
            return Statuses(b"", str(error), error.code)


def _lost(member: Member) -> ConfigError:
    code = member.process.returncode or 0
    if code < 0:
        return ConfigError(f"worker {member.number} was ended by signal {-code}")
    return ConfigError(f"worker {member.number} ended with exit code {code}", hint="standard error says why")


def _log(lines: Sequence[Line]) -> None:
    for one in lines:
        logging.getLogger(one.logger).log(one.level, "%s", one.words)

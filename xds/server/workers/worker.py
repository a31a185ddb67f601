"""A worker: one process that serves the xDS port with others, for the builder that started it."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
import socket
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from types import NoneType
from typing import Any, Final

import anyio

from xds.codec.descriptors import pool
from xds.model import ConfigError, Load, Principal, ProtocolError
from xds.server import family
from xds.server.background import background
from xds.server.csds import ClientStatus
from xds.server.discovery import Discovery, PassThrough
from xds.server.grpc_server import Service, serve
from xds.server.metrics import Metrics
from xds.server.report import services
from xds.server.workers.letter import (
    Failed,
    Line,
    Measures,
    News,
    Proxies,
    Question,
    Reported,
    Stages,
    Status,
    Statuses,
    Update,
    Wanted,
)
from xds.server.workers.link import Link
from xds.server.workers.terms import Terms, unpack
from xds.server.workers.worker_fleet import WorkerFleet

try:
    import uvloop  # noqa: F401  anyio takes it by name
except ImportError:  # not every platform has it; the loop of the standard library does the same, slower
    BACKEND: dict[str, Any] = {}
else:
    BACKEND = {"use_uvloop": True}

THE_BUILDER_S: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Signals that a supervisor may send to all processes, and that the builder acts upon: a worker ends when it does."""


class Upward:
    """A load sink that is the builder's."""

    def __init__(self, link: Link) -> None:
        self._link = link

    async def take(self, load: Load) -> None:
        """Returns when the builder's own sinks have taken it."""
        with suppress(ConnectionError):  # there is no builder any more, and this process ends
            await self._link.ask(Reported(load), NoneType)


class Lines(logging.Handler):
    """Lines of the log: the builder's own log has them, with those of the other workers."""

    def __init__(self, fleet: WorkerFleet) -> None:
        super().__init__()
        self._fleet, self._loop = fleet, asyncio.get_running_loop()

    def emit(self, record: logging.LogRecord) -> None:
        """One record, with the traceback where it has one."""
        line = Line(record.name, record.levelno, self.format(record))
        with suppress(RuntimeError):  # the loop has ended, and so does this process
            self._loop.call_soon_threadsafe(self._fleet.say, line)


class Worker:
    """What runs in the process: `fleet` is served, and the builder is told of it."""

    def __init__(self, link: Link, terms: Terms) -> None:
        self._link, self._terms = link, terms
        self._fleet, self._metrics = WorkerFleet(), Metrics()
        self._metrics.observe_streams(self._fleet.tally)
        self._given, self._ended = anyio.Event(), anyio.Event()

    async def run(self) -> None:
        """Serves until the builder writes no more, and drains then."""
        logging.basicConfig(format="%(message)s", level=self._terms.level, handlers=[Lines(self._fleet)], force=True)
        async with background() as tasks:
            tasks.start_soon(self._follow)
            await self._given.wait()
            terms = self._terms
            try:
                async with serve(list(self._services()), PassThrough(), terms.transport, terms.host, terms.port):
                    tasks.start_soon(self._report)
                    await self._ended.wait()
                await self._tell()
            except ConfigError as error:
                await self._link.send(_failed(error))

    def _services(self) -> Iterator[Service]:
        terms = self._terms
        discovery = Discovery(
            self._fleet,
            self._metrics,
            grouping=terms.grouping,
            authority=terms.authority,
            identifier=terms.identifier,
            limits=terms.transport.limits(terms.on_demand),
        )
        yield discovery
        if terms.reports.client_status:
            yield ClientStatus(discovery, self._tell_status)
        reports = replace(terms.reports, client_status=False, load_sinks=(Upward(self._link),))
        yield from services(reports, self._fleet, self._metrics, discovery, terms.authority)

    async def _tell_status(self, principal: Principal, body: bytes) -> bytes:
        """The builder's answer: of the proxies of all workers."""
        try:
            told = await self._link.ask(Status(principal, body), Statuses)
        except ConnectionError:
            raise ProtocolError("this control plane is ending", code="UNAVAILABLE") from None
        if told.error:
            raise ProtocolError(told.error, code=told.code)
        return told.response

    async def _follow(self) -> None:
        await self._link.follow(self._take, self._answer)
        self._given.set()
        self._ended.set()

    def _take(self, news: News) -> None:
        if isinstance(news, Update):
            served_any = bool(self._fleet.snapshots())
            self._fleet.take(news)
            self._given.set()
            if not served_any:
                gc.freeze()  # it mostly stays: collections that walked over it would stop the loop for long

    async def _report(self) -> None:
        with suppress(ConnectionError):  # there is no builder any more, and this process ends
            while True:
                await self._fleet.news.wait()
                await self._tell()

    async def _tell(self) -> None:
        if (report := self._fleet.report()) is not None:
            await self._link.send(report)

    async def _answer(self, question: Question) -> object:
        match question:
            case Proxies():
                return self._fleet.numbered()
            case Stages():
                return self._fleet.stages(question)
            case Wanted():
                return await self._fleet.wanted(question.group, frozenset(question.references))
            case Measures():
                return family.read(self._metrics.registry)
            case _:
                raise NotImplementedError(f"a worker is not asked for {type(question).__name__}")


def _failed(error: ConfigError) -> Failed:
    return Failed(error.message, error.field, error.hint)


async def work() -> None:
    """Serves for the process whose socket is the standard input."""
    link = await Link.over(socket.socket(fileno=0))
    try:
        if (packed := await link.receive_bytes()) is not None:
            await Worker(link, unpack(packed)).run()
    except ConfigError as error:
        await link.send(_failed(error))
    await link.close()


def main() -> None:
    """The program."""
    for one in THE_BUILDER_S:
        signal.signal(one, signal.SIG_IGN)
    pool()  # read before the loop runs: nothing there waits for a file
    anyio.run(work, backend_options=BACKEND)

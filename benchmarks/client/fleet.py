"""The fleet: all proxies of one process, what is waited for together, and what became of their streams."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from time import monotonic_ns
from typing import Final

import anyio
from anyio.abc import TaskGroup
from msgspec import Struct

from benchmarks.client.arrival import Arrivals, Latencies, Spread
from benchmarks.client.check import Check, Digests
from benchmarks.client.dialect import DIALECTS, NOTHING, Ask, Dialect, Question
from benchmarks.client.http2 import Stream, opening
from benchmarks.client.node import node
from benchmarks.client.polling import REST, Poll
from benchmarks.client.proxy import Proxy, Wire
from benchmarks.error import BenchError
from xds.codec.wire import delimited

AGAIN: Final = 0.1
"""Seconds until a proxy that was refused tries again."""


class Terms(Struct, frozen=True):
    """Who the proxies are: so many of a group, at a server's `host:port`. A part of them is `checked`, and one at least."""

    target: str
    group: str
    dialect: str
    proxies: int
    checked: float = 0.01
    fat_acks: bool = False
    seed: int = 1


class Settled(Struct, frozen=True):
    """How it went until all had what they asked for: after how long each had it, how many bytes came, and how streams
    ended that proxies had to open again.
    """

    times: Spread
    bytes: int
    endings: Mapping[str, int]


class Fleet:
    """Many proxies of one group."""

    def __init__(self, terms: Terms) -> None:
        self._terms = terms
        self._dialect: Dialect = {**DIALECTS, "rest": REST}[terms.dialect]
        self._wire: type[Wire] = Poll if self._dialect is REST else Stream
        host, _, port = terms.target.rpartition(":")
        self._address = host.strip("[]"), int(port)
        self._opening = opening(terms.target, self._dialect.path)
        self._proxies = list(self._made())
        self._questions: Sequence[Question] = ()
        self._arrivals = Arrivals()
        self._endings: Counter[str] = Counter()
        self._streams: list[Wire] = []
        self._tasks: TaskGroup | None = None
        self._settled: list[int] = []
        self._awaited = self._missing = 0
        self._news: asyncio.Future[None] | None = None

    def _made(self) -> Iterator[Proxy]:
        terms = self._terms
        ids = [f"{terms.group}-{number}" for number in range(terms.proxies)]
        checked = set(random.Random(terms.seed).sample(ids, min(len(ids), max(1, round(terms.checked * len(ids))))))
        for one in ids:
            check = Check(self._dialect, one) if one in checked else None
            yield Proxy(self, one, check=check, fat=terms.fat_acks)

    @property
    def messages(self) -> int:
        """How many responses have come."""
        return sum(proxy.messages for proxy in self._proxies)

    @property
    def bytes(self) -> int:
        """How many bytes have come."""
        return sum(stream.bytes for stream in self._streams)

    async def settle(self, asks: Iterable[Ask], seconds: float) -> Settled:
        """Connects all at once, and returns when each has what it asked for. Raises BenchError when that takes longer."""
        checks = self._checks()
        self._questions = [
            Question(self._dialect, ask, checks[0].held(ask.type_url) if ask.returning else NOTHING) for ask in asks
        ]
        for check in checks:
            check.begin(frozenset(question.ask.type_url for question in self._questions if question.ask.returning))
        self.close()
        self._settled, self._endings, before, start = [], Counter(), self.bytes, monotonic_ns()
        async with anyio.create_task_group() as self._tasks:
            for proxy in self._proxies:
                self._tasks.start_soon(self._begin, proxy)
            lacking = await self._until(lambda: len(self._proxies) - len(self._settled), seconds)
            self._tasks.cancel_scope.cancel()
        self._tasks = None
        self._raise_for(lacking, "something that they asked for", seconds)
        endings, self._endings = self._endings, Counter()
        return Settled(Spread.of([at - start for at in self._settled]), self.bytes - before, endings)

    async def reach(self, change: int, seconds: float) -> None:
        """Returns when every proxy has a change, but for those that are stuck. Raises BenchError when that takes longer."""
        self._awaited = change
        self._missing = sum(proxy.seen < change for proxy in self._proxies if not proxy.mute)
        self._raise_for(await self._until(lambda: self._missing, seconds), f"change {change}", seconds)

    def latencies(self, begun: Mapping[int, int]) -> Latencies:
        """How long the changes took that were to be made at these times; what was noted is forgotten then."""
        found = self._arrivals.latencies(begun)
        self._arrivals.clear()
        return found

    def verify(self, expected: Digests) -> list[str]:
        """What was wrong since all settled, in words, now that every proxy should hold exactly this of these types."""
        ended = [f"{times} x {why}" for why, times in self._endings.items()]
        return ended + [fault for check in self._checks() for fault in check.verify(expected)]

    def stick(self, count: int, *, deaf: bool) -> None:
        """So many proxies that are not checked accept nothing from now on; deaf ones read nothing, either."""
        for proxy in [one for one in self._proxies if one.check is None][:count]:
            proxy.mute = True
            if deaf and proxy.stream is not None:
                proxy.stream.be_deaf()

    def close(self) -> None:
        """Ends all connections."""
        for proxy in self._proxies:
            if proxy.stream is not None:
                proxy.stream.close()

    def arrived(self, before: int, change: int, at: int) -> None:
        """A proxy that had the changes up to `before` got those up to `change`."""
        self._arrivals.add(before, change, at)
        if before < self._awaited <= change:
            self._missing -= 1
            self._tell(self._missing)

    def settled(self, at: int) -> None:
        """A proxy has all that it asked for."""
        self._settled.append(at)
        self._tell(len(self._proxies) - len(self._settled))

    def lost(self, proxy: Proxy, why: str) -> None:
        """Notes it. A proxy that lacks something comes back soon."""
        self._endings[why] += 1
        if self._tasks is not None and not proxy.is_settled:
            self._tasks.start_soon(self._begin, proxy, AGAIN)

    def _checks(self) -> list[Check]:
        return [proxy.check for proxy in self._proxies if proxy.check is not None]

    async def _until(self, lacking: Callable[[], int], seconds: float) -> int:
        """How many lack something still, when none does or the time is over."""
        if lacking():
            self._news = asyncio.get_running_loop().create_future()
            with anyio.move_on_after(seconds):
                await self._news
        return lacking()

    def _tell(self, lacking: int) -> None:
        if not lacking and self._news is not None and not self._news.done():
            self._news.set_result(None)

    def _raise_for(self, lacking: int, what: str, seconds: float) -> None:
        if lacking:
            ended = "; ".join(f"{times} x {why}" for why, times in self._endings.items()) or "no stream has ended"
            raise BenchError(f"{lacking} of {len(self._proxies)} proxies lack {what} after {seconds:.0f} s ({ended})")

    async def _begin(self, proxy: Proxy, after: float = 0.0) -> None:
        """Connects a proxy, as often as it takes, and begins its stream."""
        await anyio.sleep(after)
        stream = None
        while stream is None:
            stream = await self._connected(proxy)
        self._streams.append(stream)
        proxy.begin(stream, self._questions, delimited(self._dialect.node, node(proxy.id, self._terms.group)))

    async def _connected(self, proxy: Proxy) -> Wire | None:
        """A connection, or None when it was refused and a while has passed."""
        loop = asyncio.get_running_loop()
        try:
            _, stream = await loop.create_connection(lambda: self._wire(proxy, self._opening), *self._address)
        except OSError as error:
            self._endings[f"no connection: {error.strerror}"] += 1
            await anyio.sleep(AGAIN)
            return None
        return stream

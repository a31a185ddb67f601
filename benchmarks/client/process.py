"""The synthetic client, as the driver sees it: a process of its own that is told whom to be."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

import msgspec

from benchmarks.client.arrival import Latencies
from benchmarks.client.check import Digests
from benchmarks.client.dialect import Ask
from benchmarks.client.fleet import Settled, Terms
from benchmarks.conversation import Conversation, conversation
from benchmarks.error import BenchError

PATIENCE: Final = 90.0
"""Seconds, after which what did not come never will."""
MORE: Final = 30.0
"""Seconds that an answer may take beyond what it waits for."""
FEW: Final = 5
"""Faults that are told."""


class Clients:
    """All proxies of one measurement."""

    def __init__(self, talk: Conversation) -> None:
        self._talk = talk

    async def connect(self, terms: Terms, asks: Sequence[Ask]) -> Settled:
        """A fleet in place of the one before; returns when it has what it asks for."""
        return msgspec.convert(await self._ask("connect", terms=terms, asks=asks, seconds=PATIENCE), Settled)

    async def reconnect(self, asks: Sequence[Ask]) -> Settled:
        """The same proxies connect anew, all at once; returns when they have what they ask for."""
        return msgspec.convert(await self._ask("reconnect", asks=asks, seconds=PATIENCE), Settled)

    async def reach(self, change: int, *, seconds: float = PATIENCE) -> None:
        """Returns when every proxy has a change."""
        await self._ask("reach", change=change, seconds=seconds)

    async def latencies(self, begun: Mapping[int, int]) -> Latencies:
        """How long the changes took that were to be made at these times; what was noted is forgotten then."""
        return msgspec.convert(await self._ask("latencies", begun=begun), Latencies, strict=False)

    async def verify(self, expected: Digests) -> None:
        """Raises BenchError unless the checked proxies hold exactly this, and were told nothing wrong on the way."""
        faults = (await self._ask("verify", expected=expected))["faults"]
        if faults:
            more = f"; and {len(faults) - FEW} more" if len(faults) > FEW else ""
            raise BenchError("; ".join(faults[:FEW]) + more)

    async def stick(self, count: int, *, deaf: bool) -> None:
        """So many proxies accept nothing from now on; deaf ones read nothing, either."""
        await self._ask("stick", count=count, deaf=deaf)

    async def messages(self) -> int:
        """How many responses have come to all of them."""
        return int((await self._ask("count"))["messages"])

    async def cpu_seconds(self) -> float:
        """What the client itself used so far."""
        return float((await self._ask("count"))["cpu"])

    async def _ask(self, do: str, **told: Any) -> dict[str, Any]:
        return await self._talk.ask({"do": do, **told}, seconds=told.get("seconds", PATIENCE) + MORE)


@asynccontextmanager
async def clients(*, core: int | None = None) -> AsyncIterator[Clients]:
    """Runs the client's process inside the `async with`."""
    async with conversation("the client", [sys.executable, "-m", "benchmarks.client"], core=core) as talk:
        yield Clients(talk)

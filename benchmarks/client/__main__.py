"""The synthetic client's process: a JSON command a line on its standard input, an answer a line on its output.

    {"do": "connect", "terms": {…}, "asks": […], "seconds": s}   a fleet in place of the one before, with what it asks for
    {"do": "reconnect", "asks": […], "seconds": s}   the same proxies connect anew, all at once
    {"do": "reach", "change": n, "seconds": s}   every proxy has a change
    {"do": "latencies", "begun": {n: ns, …}}   how long changes took that were to be made at these times
    {"do": "verify", "expected": {type URL: {name: digest}}}  -> {"faults": [words, …]}
    {"do": "stick", "count": n, "deaf": bool}   so many proxies accept nothing any more; deaf ones read nothing, either
    {"do": "count"}  -> {"messages": n, "cpu": CPU seconds}

What cannot be done is answered {"error": words}.
"""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import Awaitable, Callable, Mapping
from time import process_time
from typing import Any, Final

import msgspec
import uvloop

from benchmarks.client.arrival import Latencies
from benchmarks.client.check import Digests
from benchmarks.client.dialect import Ask
from benchmarks.client.fleet import Fleet, Settled, Terms
from benchmarks.conversation import LONGEST
from benchmarks.error import BenchError


class Faults(msgspec.Struct, frozen=True):
    """What was wrong, in words."""

    faults: list[str]


class Count(msgspec.Struct, frozen=True):
    """What came to all proxies so far, and what it took to take it."""

    messages: int
    cpu: float


class Nothing(msgspec.Struct, frozen=True):
    """The answer that says that it is done."""


class Obedience:
    """Does what it is told, with one fleet at a time."""

    def __init__(self) -> None:
        self._fleet = Fleet(Terms("127.0.0.1:1", "", "delta", 0, checked=0))

    async def connect(self, terms: Terms, asks: list[Ask], seconds: float) -> Settled:
        """A fleet, in place of the one before, that has what it asks for."""
        self._fleet.close()
        gc.collect()
        self._fleet = Fleet(terms)
        return await self._fleet.settle(asks, seconds)

    async def reconnect(self, asks: list[Ask], seconds: float) -> Settled:
        """The same proxies connect anew."""
        return await self._fleet.settle(asks, seconds)

    async def reach(self, change: int, seconds: float) -> Nothing:
        """Every proxy has a change."""
        await self._fleet.reach(change, seconds)
        return Nothing()

    async def latencies(self, begun: dict[int, int]) -> Latencies:
        """How long changes took that were to be made at these times."""
        return self._fleet.latencies(begun)

    async def verify(self, expected: Digests) -> Faults:
        """What was wrong, in words."""
        return Faults(self._fleet.verify(expected))

    async def stick(self, count: int, deaf: bool) -> Nothing:  # noqa: FBT001  as it is told
        """So many proxies accept nothing any more."""
        self._fleet.stick(count, deaf=deaf)
        return Nothing()

    async def count(self) -> Count:
        """What came so far."""
        return Count(self._fleet.messages, process_time())


Told = Callable[..., Awaitable[msgspec.Struct]]


async def main() -> None:
    """Does what it is told, until its standard input ends."""
    one = Obedience()
    telling: Mapping[str, Told] = {
        told.__name__: told
        for told in (
            *(one.connect, one.reconnect, one.reach, one.latencies),
            *(one.verify, one.stick, one.count),
        )
    }
    lines = asyncio.StreamReader(limit=LONGEST)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    _say({"name": "client"})
    while line := await lines.readline():
        _say(await _answer(telling, msgspec.json.decode(line)))


PARAMETERS: Final[Mapping[str, Any]] = {
    "terms": Terms,
    "asks": list[Ask],
    "seconds": float,
    "change": int,
    "begun": dict[int, int],
    "expected": dict[str, dict[str, str]],
    "count": int,
    "deaf": bool,
}
"""Name of a parameter of a command -> its type."""


async def _answer(telling: Mapping[str, Told], command: dict[str, Any]) -> object:
    try:
        told = telling[command.pop("do")]
        given = {name: msgspec.convert(value, PARAMETERS[name], strict=False) for name, value in command.items()}
        return await told(**given)
    except BenchError as error:
        return {"error": str(error)}


def _say(told: object) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(told) + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    gc.disable()  # there are no cycles to collect but those of closed connections, and a collection would be a latency
    uvloop.run(main())

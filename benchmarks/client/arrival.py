"""Arrivals: when which change reached a proxy, whichever it was."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping, Sequence
from math import ceil

from msgspec import Struct


class Spread(Struct, frozen=True):
    """How long something took, over all times that it happened: nanoseconds."""

    count: int = 0
    p50: int = 0
    p90: int = 0
    p99: int = 0
    max: int = 0

    @classmethod
    def of(cls, times: Sequence[int]) -> Spread:
        """The spread of these; of none, all zeros."""
        ordered = sorted(times)
        return cls(len(ordered), *(quantile(ordered, part) for part in (0.5, 0.9, 0.99, 1.0))) if ordered else cls()


def quantile(ordered: Sequence[int], part: float) -> int:
    """The least value that so large a part of all does not exceed: one that happened, nothing in between."""
    return ordered[max(0, ceil(part * len(ordered)) - 1)]


class Latencies(Struct, frozen=True):
    """Of all proxies and changes; `last` is by change until the last proxy had it."""

    every: Spread
    last: Mapping[int, int]


class Arrivals:
    """The log of one measurement. A proxy that sees a change has all before it, too: the newest state is what it is sent."""

    def __init__(self) -> None:
        self._log = array("q")

    def add(self, before: int, change: int, at: int) -> None:
        """A proxy that had the changes up to `before` got those up to `change`."""
        self._log.extend((before, change, at))

    def clear(self) -> None:
        """Forgets them."""
        self._log = array("q")

    def latencies(self, begun: Mapping[int, int]) -> Latencies:
        """How long the changes took that were to be made at these times."""
        every = array("q")
        last: dict[int, int] = {}
        for before, change, at in self._entries():
            for one in range(before + 1, change + 1):
                if one in begun:
                    took = at - begun[one]
                    every.append(took)
                    last[one] = max(took, last.get(one, 0))
        return Latencies(Spread.of(every), last)

    def _entries(self) -> Iterator[tuple[int, int, int]]:
        log = self._log
        return zip(log[0::3], log[1::3], log[2::3], strict=True)

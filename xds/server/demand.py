"""Demands: what proxies ask for by name and nobody configured. Each is known once, and there are never too many."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final

from xds.server.signal import Signal

MOST: Final = 1_000
"""Demands that may be open at once."""
TOO_MANY: Final = "too much is asked for at once, try again later"


@dataclass(frozen=True, slots=True)
class Demand:
    """One name that some proxy of a node group wants."""

    group: str
    type_url: str
    name: str


class Demands:
    """The demands that are open, first come, first served. `news` is set whenever there may be one to take."""

    def __init__(self) -> None:
        self.news = Signal()
        self._open: set[Demand] = set()
        self._waiting: deque[Demand] = deque()

    def add(self, demand: Demand) -> bool:
        """Opens a demand, unless it is open already. Returns whether it is now; it is not where too many are."""
        if demand in self._open:
            return True
        if len(self._open) >= MOST:
            return False
        self._open.add(demand)
        self._waiting.append(demand)
        self.news.set()
        return True

    def take(self) -> Demand | None:
        """The next demand that nobody took; None when there is none."""
        return self._waiting.popleft() if self._waiting else None

    def close(self, demand: Demand) -> None:
        """A demand that was taken is answered."""
        self._open.discard(demand)
        self.news.set()

"""Turns: many that have something to do at the same moment do it one after the other, and each once."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from typing import Final, Protocol

SLICE: Final = 0.02
"""Seconds in which players have their turn before the event loop reads again: what is to be said comes before answers."""


class Player(Protocol):
    """Who takes turns."""

    def play(self) -> None:
        """Does what there is to do. Raises nothing."""
        ...


class Turns:
    """A queue, served in slices, one for each round of the event loop. That a player is in it but once is its own care, and
    that its turn is short.
    """

    def __init__(self) -> None:
        self._waiting: deque[Player] = deque()

    def add(self, player: Player) -> None:
        """Gives it a turn, after those that wait already."""
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self._serve)
        self._waiting.append(player)

    def _serve(self) -> None:
        end = time.monotonic() + SLICE
        try:
            while self._waiting:
                self._waiting.popleft().play()
                if time.monotonic() >= end:
                    break
        finally:  # whatever becomes of one, the others have theirs
            if self._waiting:
                asyncio.get_running_loop().call_soon(self._serve)

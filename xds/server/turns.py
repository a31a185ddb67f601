"""Turns: many that have something to do at the same moment do it some at a time, and each once."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final, Protocol

SLICE: Final = 64
"""How many have their turn before the event loop reads and writes again."""


class Player(Protocol):
    """Who takes turns."""

    def play(self) -> None:
        """Does what there is to do. Raises nothing."""
        ...


class Turns:
    """A queue, served in slices, one for each round of the event loop. That a player is in it but once is its own care."""

    def __init__(self) -> None:
        self._waiting: deque[Player] = deque()

    def add(self, player: Player) -> None:
        """Gives it a turn, after those that wait already."""
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self._serve)
        self._waiting.append(player)

    def _serve(self) -> None:
        try:
            for _ in range(min(SLICE, len(self._waiting))):
                self._waiting.popleft().play()
        finally:  # whatever becomes of one, the others have theirs
            if self._waiting:
                asyncio.get_running_loop().call_soon(self._serve)

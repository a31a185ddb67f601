"""Setbacks: a plug-in failed. That is told in words, and it is tried again after pauses that grow."""

from __future__ import annotations

from typing import Final

import anyio

from xds.model import LegationError

FIRST_PAUSE: Final = 0.5
LONGEST_PAUSE: Final = 30.0
"""Seconds before what failed is tried again."""


class Setbacks:
    """The setbacks of one plug-in. `pause` is how many seconds the next one costs."""

    def __init__(self) -> None:
        self.pause = FIRST_PAUSE

    def end(self) -> None:
        """It works again: the next pause is a first one."""
        self.pause = FIRST_PAUSE

    async def rest(self) -> None:
        """Waits, and longer the next time."""
        await anyio.sleep(self.pause)
        self.pause = min(2 * self.pause, LONGEST_PAUSE)


def in_words(error: Exception) -> str:
    """What is told of an error."""
    return str(error) or type(error).__name__


def is_bug(error: Exception) -> bool:
    """Whether the author of the plug-in needs to see where it came from."""
    return not isinstance(error, (LegationError, OSError))

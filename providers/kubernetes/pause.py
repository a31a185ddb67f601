"""Pauses: how long to wait before something that failed is tried again."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Final

FIRST: Final = 0.25
LONGEST: Final = 5.0
"""Seconds, before chance has its say."""


def pauses() -> Iterator[float]:
    """Seconds to wait: longer each time, and never the same for all who wait for the same thing."""
    pause = FIRST
    while True:
        yield pause * random.uniform(0.5, 1.5)  # noqa: S311  nothing is secret about it
        pause = min(2 * pause, LONGEST)

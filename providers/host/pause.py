"""Pauses between two starts of an Envoy that does not stay up."""

from __future__ import annotations

from typing import Final

FIRST: Final = 0.2
LONGEST: Final = 30.0
HEALTHY: Final = 60.0
"""Seconds: an Envoy that lived this long has put its earlier failures behind it."""


def failures_after(lived: float, failures: int) -> int:
    """How many lives in a row were short, when the one that just ended took `lived` seconds."""
    return 1 if lived >= HEALTHY else failures + 1


def pause_after(failures: int) -> float:
    """Seconds to wait after so many short lives in a row: twice as long each time, up to a cap."""
    return float(min(FIRST * 2 ** min(failures - 1, 16), LONGEST))

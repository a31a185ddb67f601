"""Durations as Gateway API writes them (GEP-2257): `10s`, `500ms`, `1h30m`."""

from __future__ import annotations

import re
from typing import Final

MILLISECONDS: Final = {"h": 3_600_000, "m": 60_000, "s": 1_000, "ms": 1}
_PART: Final = re.compile(r"(\d+)(ms|h|m|s)")


def milliseconds(duration: str) -> int:
    """A valid duration in milliseconds."""
    return sum(int(amount) * MILLISECONDS[unit] for amount, unit in _PART.findall(duration))

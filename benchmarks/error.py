"""What a run says when it cannot be made, or when what it saw was wrong."""

from __future__ import annotations

from xds.model import LegationError


class BenchError(LegationError):
    """A run that cannot be made, or a server that did what it must not: no number of such a run is worth anything."""

"""S3: propagation. From the change that the store takes to the proxies that have it."""

from __future__ import annotations

from typing import Final

from benchmarks.bench import Grids, everyone
from benchmarks.scenario.propagation import costs, times
from benchmarks.scenario.scenario import Gridded

QUICK: Final[Grids] = (
    {"proxies": (100,), "resources": (1000,), "type": ("cds",), "changed": (1, 10), "dialect": ("delta",)},
    {"proxies": (100,), "resources": (1000,), "type": ("cds",), "changed": (1,), "dialect": ("sotw",)},
)
FULL: Final[Grids] = (
    {"proxies": (100, 500, 1000), "resources": (1000,), "type": ("cds",), "changed": (1, 10), "dialect": ("delta",)},
    {"proxies": (1000,), "resources": (10,), "type": ("cds",), "changed": (1,), "dialect": ("delta",)},
    {"proxies": (100,), "resources": (10_000,), "type": ("cds",), "changed": (1,), "dialect": ("delta",)},
    {"proxies": (10, 500), "resources": (1000,), "type": ("cds",), "changed": (1,), "dialect": ("sotw",)},
)

S3: Final = Gridded("S3", "propagation: from a change to the proxies that have it", QUICK, FULL, times, everyone)
S6: Final = Gridded("S6", "CPU: what a push and its ACK cost the server", QUICK, FULL, costs)

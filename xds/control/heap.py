"""The heap: what the garbage collector need not look at."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def growing() -> Iterator[None]:
    """Leaves the heap to itself while it grows, and what is there at the end out of all collections: it mostly stays.

    Collections would take a third of a first translation of a thousand routes, and later ones stop the loop for long.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()

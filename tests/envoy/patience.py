"""Patience: how a test waits for what happens in other processes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

import anyio

POLL: Final = 0.02
SECONDS: Final = 10.0
"""Long for a slow machine, and shorter than a stall: an Envoy that misses something waits 15 s for it."""


async def until(true: Callable[[], Awaitable[object] | bool]) -> None:
    """Returns when the condition holds. Raises TimeoutError when it does not come to hold."""
    with anyio.fail_after(SECONDS):
        while True:
            answer = true()
            if answer if isinstance(answer, bool) else await answer:
                return
            await anyio.sleep(POLL)

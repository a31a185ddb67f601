"""Background: tasks that run beside a block, and end with it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
from anyio.abc import TaskGroup


@asynccontextmanager
async def background() -> AsyncIterator[TaskGroup]:
    """Tasks that end with the block. What the block raises is raised as it is, not in a group."""
    faults: list[Exception] = []
    async with anyio.create_task_group() as tasks:
        try:
            yield tasks
        except Exception as fault:  # noqa: BLE001  it is raised again
            faults.append(fault)
        tasks.cancel_scope.cancel()
    for one in faults:
        raise one

"""Processes that serve as long as they are wanted, on a core of their own."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

from benchmarks.error import BenchError

END: Final = 10.0
"""Seconds that a process may take to end."""
LONGEST: Final = 1 << 20
"""Bytes of one line that it says."""


@asynccontextmanager
async def process(command: Sequence[str | Path], *, core: int | None) -> AsyncIterator[Process]:
    """Runs a program on one core (None: on any) inside the `async with`, whose standard error can be read; then ends it as
    Ctrl-C does. Raises BenchError when it cannot be started.
    """

    def pin() -> None:
        if core is not None:
            os.sched_setaffinity(0, {core})

    try:
        running = await asyncio.create_subprocess_exec(
            *command, stdin=DEVNULL, stdout=DEVNULL, stderr=PIPE, limit=LONGEST, start_new_session=True, preexec_fn=pin
        )
    except OSError as error:
        raise BenchError(f"{command[0]} cannot be started: {error}") from None
    try:
        yield running
    finally:
        await _end(running)


async def _end(running: Process) -> None:
    with suppress(ProcessLookupError):
        running.send_signal(signal.SIGINT)
    try:
        async with asyncio.timeout(END):
            await running.communicate()
    except TimeoutError:
        running.kill()
        await running.communicate()


def free_port() -> int:
    """A port of loopback that nobody has."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port

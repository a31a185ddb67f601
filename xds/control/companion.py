"""Companions: programs that run as long as Legation does, such as an example's backend."""

from __future__ import annotations

import logging
import shlex
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager

import anyio
from anyio.abc import Process

from xds.model import ConfigError

log = logging.getLogger(__name__)

PATIENCE = 5.0
"""Seconds that a program has to end after SIGTERM."""


@asynccontextmanager
async def companions(commands: Iterable[str]) -> AsyncIterator[None]:
    """Runs every command inside the `async with`, and ends them all after it.

    A session of its own keeps the terminal's Ctrl-C from a program: it ends after the proxies in front of it were
    drained. Raises ConfigError when a command cannot be started.
    """
    async with AsyncExitStack() as stack:
        for command in commands:
            await stack.enter_async_context(companion(command))
        yield


@asynccontextmanager
async def companion(command: str) -> AsyncIterator[None]:
    """One command of `companions`."""
    process = await _started(command)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_watch, process, command)
        try:
            yield
        finally:
            tasks.cancel_scope.cancel()
            with anyio.CancelScope(shield=True):
                await _end(process)


async def _started(command: str) -> Process:
    try:
        words = shlex.split(command)
        if not words:
            raise ValueError("it is empty")  # noqa: TRY301  one place says what is wrong
        return await anyio.open_process(words, stdin=None, stdout=None, stderr=None, start_new_session=True)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise ConfigError(f"--with {command!r} cannot be started: {(why or str(error)).lower()}") from error


async def _watch(process: Process, command: str) -> None:
    log.error("%s ended with exit code %d", command, await process.wait())


async def _end(process: Process) -> None:
    if process.returncode is not None:
        return
    process.terminate()
    with anyio.move_on_after(PATIENCE):
        await process.wait()
        return
    process.kill()
    await process.wait()

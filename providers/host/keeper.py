"""One Envoy of one node group, kept alive."""

from __future__ import annotations

import logging
import os
import signal
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Final

import anyio
from aiohttp import ClientError
from anyio.abc import Process

from providers.host.admin import admin
from providers.host.directory import SECONDS
from providers.host.launch import Launch
from providers.host.log import Log
from providers.host.pause import failures_after, pause_after
from providers.host.state import Phase, State
from xds.model import NodeGroup

LOG: Final = logging.getLogger(__name__)


class Keeper:
    """Keeps one Envoy alive until `stop`; then drains and ends it. A stopped keeper stays stopped."""

    def __init__(self, group: NodeGroup, launch: Launch, home: Path) -> None:
        self.group, self._launch, self._home = group, launch, home
        self.state = State(Phase.STARTING, str(home / "admin.sock"))
        self._life, self._drain = anyio.CancelScope(), anyio.CancelScope(shield=True)

    @property
    def stopped(self) -> bool:
        """Whether `stop` was called."""
        return self._life.cancel_called

    def stop(self) -> None:
        """Lets the Envoy drain and end."""
        self._life.cancel()

    def hurry(self) -> None:
        """Ends the drain, now or when it comes."""
        self._drain.cancel()

    async def keep(self) -> None:
        """Starts the Envoy, and again whenever it ends, with growing pauses. Returns when it is stopped and has ended."""
        failures = 0
        with self._life:
            while True:
                started = anyio.current_time()
                why = await self._live()
                failures = failures_after(anyio.current_time() - started, failures)
                await self._back_off(why, pause_after(failures))

    async def _back_off(self, why: str, pause: float) -> None:
        LOG.error("%s: its Envoy %s; it starts again in %.1f s", self.group.name, why, pause)
        self.state = replace(self.state, phase=Phase.BACKING_OFF, pid=None, restarts=self.state.restarts + 1)
        await anyio.sleep(pause)

    async def _live(self) -> str:
        """One life of the Envoy, from its start to its end. Returns why it ended, in words."""
        self.state = replace(self.state, phase=Phase.STARTING)
        try:
            with anyio.CancelScope(shield=True):  # a process half started would be nobody's
                process = await self._launch.start(self.group.name, self._home)
        except OSError as error:
            return f"cannot be started: {error}"
        self.state = replace(self.state, pid=process.pid)
        log = Log(self.group.name)
        await self._accompany(process, log)
        return "; ".join([_ending(process.returncode or 0), *log.errors])

    async def _accompany(self, process: Process, log: Log) -> None:
        """Stays with the process until it has ended, and sees to it that it has."""
        assert process.stdout is not None
        assert process.stderr is not None
        async with process, anyio.create_task_group() as tasks:
            tasks.start_soon(log.relay, process.stdout)
            tasks.start_soon(log.relay, process.stderr)
            tasks.start_soon(self._await_live)
            try:
                await process.wait()
            finally:
                with anyio.CancelScope(shield=True):
                    await self._end(process, log)
                tasks.cancel_scope.cancel()

    async def _await_live(self) -> None:
        async with admin(self.state.admin) as page:
            await page.until_live()
        self.state = replace(self.state, phase=Phase.LIVE)
        LOG.debug("%s: its Envoy is live", self.group.name)

    async def _end(self, process: Process, log: Log) -> None:
        if process.returncode is None:
            await self._drained()
            log.ending = True
            _signal(process, signal.SIGTERM)
            with anyio.move_on_after(SECONDS):
                await process.wait()
        _signal(process, signal.SIGKILL)  # to what it may have started, too
        await process.wait()

    async def _drained(self) -> None:
        """Returns when the last connection is closed, or drain_seconds are over, or somebody is in a hurry."""
        self.state = replace(self.state, phase=Phase.DRAINING)
        self._drain.deadline = anyio.current_time() + self._launch.settings.drain_seconds
        with self._drain, suppress(ClientError, OSError):
            async with admin(self.state.admin) as page:
                await page.drain()


def _signal(process: Process, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)  # the group of the session that it leads


def _ending(code: int) -> str:
    if code >= 0:
        return f"ended with exit code {code}"
    return f"was killed by {signal.Signals(-code).name}"

"""A real Envoy of its own, asked over its admin page."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from subprocess import DEVNULL
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Any, Final

import aiohttp
import anyio
from anyio.abc import Process

from providers.host.binary import locate
from xds.codec.bootstrap import Dialect, bootstrap

POLL: Final = 0.003
PATIENCE: Final = 40.0
"""Seconds, after which what did not happen never will: an Envoy that misses something goes on after 15 s."""


class Proxy:
    """A running Envoy."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    async def live(self) -> float:
        """Returns when the Envoy calls itself ready: how many seconds after it began to answer."""
        await self.until(self._answers)
        started = monotonic()
        await self.until(self._is_ready)
        return monotonic() - started

    async def page(self, path: str) -> Any:
        """A page of the admin service, as data."""
        async with self._session.get(path) as answer:
            return await answer.json(content_type=None)

    async def active_cluster(self, name: str) -> dict[str, Any]:
        """A cluster as it is in force: one that still warms is not. Empty when there is none."""
        found = (await self.page("/config_dump?resource=dynamic_active_clusters")).get("configs", ())
        return next((one["cluster"] for one in found if one["cluster"]["name"] == name), {})

    async def stat(self, name: str) -> int:
        """The value of one counter or gauge; 0 while Envoy has none."""
        found = await self.page(f"/stats?filter=^{re.escape(name)}$&format=json")
        return sum(one["value"] for one in found["stats"])

    async def until(self, holds: Callable[[], Any]) -> None:
        """Returns when the condition, a coroutine function, holds. Raises TimeoutError when it does not come to hold."""
        with anyio.fail_after(PATIENCE):
            while not await holds():  # noqa: ASYNC110  Envoy can only be asked
                await anyio.sleep(POLL)

    async def _answers(self) -> bool:
        with suppress(aiohttp.ClientError, OSError):
            await self._is_ready()
            return True
        return False

    async def _is_ready(self) -> bool:
        async with self._session.get("/ready") as answer:
            return answer.status == 200


@asynccontextmanager
async def proxy(group: str, xds: tuple[str, int], dialect: Dialect) -> AsyncIterator[Proxy]:
    """An Envoy of the group with one worker, inside the `async with`; nothing of it is left after it."""
    with TemporaryDirectory(prefix="lg") as folder:  # a unix socket's path is short
        admin = str(Path(folder, "admin.sock"))
        told = json.dumps(patient(bootstrap(group, group, xds, admin=admin, dialect=dialect)))
        command = [locate(None), "--config-yaml", told, "--concurrency", "1", "--disable-hot-restart", "--log-level", "off"]
        connector = aiohttp.UnixConnector(admin)
        async with aiohttp.ClientSession("http://envoy", connector=connector) as session:
            process = await anyio.open_process(command, stdin=DEVNULL, stdout=DEVNULL, stderr=DEVNULL)
            try:
                yield Proxy(session)
            finally:
                await end(process)


def patient(body: dict[str, Any]) -> dict[str, Any]:
    """The bootstrap as most write it, where Envoy starts without what did not come in 15 s; ours waits."""
    for which in ("cds_config", "lds_config"):
        del body["dynamic_resources"][which]["initial_fetch_timeout"]
    return body


async def end(process: Process) -> None:
    """Ends a program at once."""
    with anyio.CancelScope(shield=True):
        process.kill()
        await process.wait()

"""A real Envoy of one node group: started from a bootstrap, asked over its admin service, ended by its process id."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from subprocess import DEVNULL, STDOUT
from typing import Any

import aiohttp
import anyio
from anyio.abc import Process
from patience import until

from xds.codec.bootstrap import bootstrap

GROUP = "edge"
STALLS = "init_fetch_timeout"
"""What Envoy counts when it waited for a resource in vain: 15 s by default."""


class Proxy:
    """An Envoy of the group `edge`. `home` is a short path: a unix socket's has at most 107 characters."""

    def __init__(self, program: str, home: Path, xds: tuple[str, int], dialect: Any, *, wordy: bool = False) -> None:
        self._program, self._home = program, home
        self._bootstrap = bootstrap(GROUP, home.name, xds, admin=str(home / "admin.sock"), dialect=dialect)
        self._bootstrap["dynamic_resources"]["ads_config"]["set_node_on_first_message_only"] = not wordy
        self._process: Process | None = None

    async def start(self) -> None:
        """Starts it; it may take a while until it serves."""
        self._home.mkdir(exist_ok=True)
        file = self._home / "bootstrap.json"
        file.write_text(json.dumps(self._bootstrap))
        options = ("--concurrency", "1", "--disable-hot-restart", "--drain-time-s", "2", "--log-level", "warning")
        with (self._home / "log").open("ab") as log:
            command = [self._program, "-c", str(file), *options]
            self._process = await anyio.open_process(command, stdin=DEVNULL, stdout=log, stderr=STDOUT)

    async def stop(self) -> None:
        """Ends it, and nothing else."""
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        await self._process.wait()
        sys.stdout.write((self._home / "log").read_text())  # shown when a test fails

    async def page(self, path: str) -> Any:
        """A page of its admin service, as data."""
        connector = aiohttp.UnixConnector(str(self._home / "admin.sock"))
        async with aiohttp.ClientSession(connector=connector) as session, session.get(f"http://envoy{path}") as answer:
            return await answer.json(content_type=None)

    async def is_live(self) -> bool:
        """Whether it serves: it was told of everything that it asked for."""
        try:
            return (await self.page("/server_info"))["state"] == "LIVE"
        except aiohttp.ClientError:
            return False

    async def stats(self, pattern: str) -> Mapping[str, int]:
        """Its counters and gauges whose whole name has this regular expression."""
        found = (await self.page(f"/stats?filter=^{pattern}$&format=json"))["stats"]
        assert found, f"this Envoy has no statistics named {pattern}"
        return {one["name"]: one["value"] for one in found}

    async def total(self, pattern: str) -> int:
        """The sum of those."""
        return sum((await self.stats(pattern)).values())

    async def stalls(self) -> list[str]:
        """What it waited for in vain."""
        return [name for name, times in (await self.stats(f".*{STALLS}")).items() if times]

    async def refused(self, pattern: str = ".*") -> int:
        """How many updates it refused."""
        return await self.total(rf"{pattern}\.update_rejected")

    async def clusters(self, state: str = "active") -> dict[str, Any]:
        """The clusters from ADS that are `active` or `warming`, by name."""
        page = await self.page(f"/config_dump?resource=dynamic_{state}_clusters")
        return {one["cluster"]["name"]: one["cluster"] for one in page.get("configs", ())}


@asynccontextmanager
async def running(proxy: Proxy) -> AsyncIterator[Proxy]:
    """The Envoy inside the `async with`, from when it is live."""
    await proxy.start()
    try:
        await until(proxy.is_live)
        yield proxy
    finally:
        with anyio.CancelScope(shield=True):
            await proxy.stop()

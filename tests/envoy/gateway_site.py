"""A site: one manifest, `legation run` over it with real Envoys, and the backends behind them. All on loopback."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any

import aiohttp
import anyio
from aiohttp import web
from anyio.abc import Process
from manifest import Document, stream
from patience import until

_ports = count(20_000 + os.getpid() * 7 % 10_000)


def free_port() -> int:
    """A port that nobody has, below those that the system gives to clients: it is still free when it is opened later."""
    for port in _ports:
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("the ports never end")


@asynccontextmanager
async def serving(name: str, port: int = 0) -> AsyncIterator[int]:
    """A backend that answers every request with its name; gives its port."""

    async def answer(request: web.Request) -> web.Response:
        await request.read()
        return web.Response(text=name)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port or free_port()).start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


async def ask(url: str, **options: Any) -> str:
    """What one request over a connection of its own gets: `200 one`, or the name of an error."""
    connector = aiohttp.TCPConnector(force_close=True)
    timeout = aiohttp.ClientTimeout(total=5)
    try:
        async with (
            aiohttp.ClientSession(connector=connector, timeout=timeout) as session,
            session.get(url, allow_redirects=False, **options) as answer,
        ):
            return f"{answer.status} {await answer.text()}"
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        return type(error).__name__


class Site:
    """A manifest and the control plane over it; `port` is free, for its first listener.

    `home` is a short path: a unix socket's has at most 107 characters.
    """

    def __init__(self, home: Path, **host: Any) -> None:
        self.manifest, self._home = home / "site.yaml", home
        self.port, self.xds, self.admin = free_port(), free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.port}/"
        self._settings: dict[str, Any] = {
            "xds": {"port": self.xds},
            "admin": {"port": self.admin},
            "providers": {"file": {"paths": [str(self.manifest)]}},
            "runner": {"host": {"concurrency": 2, "drain_seconds": 2, **host}},
        }
        self._environment = {**os.environ, "TMPDIR": str(home)}
        self._process: Process | None = None

    def hook(self, name: str, plugins: Path) -> None:
        """Uses a hook of a stranger, whose package is installed in this directory."""
        self._settings["hooks"] = {name: {}}
        self._environment["PYTHONPATH"] = os.pathsep.join([str(plugins), *filter(None, [os.environ.get("PYTHONPATH")])])

    def bring_your_own(self) -> None:
        """Lets Legation start no Envoy."""
        self._settings["runner"] = "none"

    def save(self, *documents: Document) -> None:
        """Writes the manifest the way most editors do: in place."""
        self.manifest.write_text(stream(documents))

    async def start(self) -> None:
        """Starts `legation run`."""
        settings = self._home / "legation.yaml"
        settings.write_text(json.dumps(self._settings))
        command = [str(Path(sys.executable).with_name("legation")), "run", "--config", str(settings)]
        with (self._home / "log").open("ab") as log:
            self._process = await anyio.open_process(command, stdout=log, stderr=subprocess.STDOUT, env=self._environment)

    async def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """Ends it, as Ctrl-C does, and gives its exit code."""
        assert self._process is not None
        with suppress(ProcessLookupError):
            self._process.send_signal(number)
        return await self._process.wait()

    def log(self) -> str:
        """All that it said in the terminal."""
        return (self._home / "log").read_text()

    async def said(self, pattern: str, times: int = 1) -> str:
        """Returns a line of the log that has the pattern, when there are so many."""
        expression = re.compile(f".*{pattern}.*")
        await until(lambda: len(expression.findall(self.log())) >= times)
        return expression.findall(self.log())[times - 1]

    async def answers(self, expected: str, url: str, **options: Any) -> None:
        """Returns when this is the answer to a request."""

        async def so() -> bool:
            return await ask(url, **options) == expected

        await until(so)

    async def page(self, path: str) -> Any:
        """A page of the admin service, as data."""
        async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{self.admin}{path}") as answer:
            return await answer.json()

    async def status(self, name: str) -> dict[str, Any]:
        """The entry of one object on the status page."""
        return next(one for one in await self.page("/status") if one["object"] == name)

    def envoys(self) -> list[int]:
        """The process ids of the Envoys that were started for this site and are alive."""
        return [int(process.name) for process in Path("/proc").glob("[0-9]*") if self._is_ours(process)]

    def _is_ours(self, process: Path) -> bool:
        with suppress(OSError):
            return f"-c\0{self._home}/" in (process / "cmdline").read_text()
        return False

    async def envoy(self, path: str) -> Any:
        """A page of the newest Envoy's own admin service, as data."""
        sockets = sorted(self._home.rglob("admin.sock"), key=lambda one: one.stat().st_mtime_ns)
        connector = aiohttp.UnixConnector(str(sockets[-1]))
        async with aiohttp.ClientSession(connector=connector) as session, session.get(f"http://envoy{path}") as answer:
            return await answer.json(content_type=None)

    async def stat(self, suffix: str) -> int:
        """The sum of the newest Envoy's counters whose names end like this."""
        stats = (await self.envoy(f"/stats?filter={suffix}$&format=json"))["stats"]
        assert stats, f"Envoy has no counter that ends with {suffix}"
        return sum(one["value"] for one in stats)


@asynccontextmanager
async def running(site: Site) -> AsyncIterator[Site]:
    """`legation run` inside the `async with`; nothing of it is left after it."""
    await site.start()
    try:
        yield site
    finally:
        with anyio.CancelScope(shield=True), anyio.move_on_after(20):
            await site.stop()
        for pid in site.envoys():
            os.kill(pid, signal.SIGKILL)
        sys.stdout.write(site.log())  # shown when a test fails

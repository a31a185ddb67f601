"""The control plane as a person runs it: `legation serve` over a folder of files, or as a settings file says."""

from __future__ import annotations

import asyncio
import re
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from time import time
from typing import Any, Final, NamedTuple

import aiohttp
import msgspec

from benchmarks.error import BenchError
from benchmarks.gateway import manifest
from benchmarks.gateway.manifest import Document
from benchmarks.gateway.process import free_port, process

PATIENCE: Final = 60.0
"""Seconds until something that does not happen ends the run."""

_LIVE: Final = re.compile(r"live after ([\d.]+) ms")
_SPENT: Final = re.compile(r"^legation_translation_seconds_sum (\S+)", re.MULTILINE)


class Live(NamedTuple):
    """When a change was published, and when the last Envoy had accepted it: seconds of the clock of files and logs."""

    published: float
    accepted: float


class Plane:
    """A running `legation serve`, and the folder that it reads."""

    def __init__(self, folder: Path, xds: tuple[str, int], running: Process, session: aiohttp.ClientSession) -> None:
        self.folder, self.xds, self.pid = folder, xds, running.pid
        self._running, self._session = running, session

    def write(self, name: str, documents: Iterable[Document]) -> float:
        """Saves a file at once, as most editors do, by renaming; gives the moment before."""
        text, new = manifest.text(documents), self.folder / f".{name}.new"
        new.write_text(text)
        before = time()
        new.replace(self.folder / name)
        return before

    def remove(self, name: str) -> None:
        """Deletes a file."""
        (self.folder / name).unlink()

    async def live(self, since: float) -> Live:
        """Returns when the Envoys have accepted what was published after a moment.

        Raises BenchError when they do not, and when the control plane ends.
        """
        try:
            async with asyncio.timeout(PATIENCE):
                while (told := await self._told()) is None or told.published < since:
                    pass
        except TimeoutError:
            raise BenchError(f"no Envoy had accepted the configuration after {PATIENCE:.0f} s") from None
        return told

    async def _told(self) -> Live | None:
        """What a line of the log says."""
        assert self._running.stderr is not None
        line = await self._running.stderr.readline()
        if not line:
            raise BenchError(f"legation serve ended by itself, with code {await self._running.wait()}")
        try:
            record: dict[str, Any] = msgspec.json.decode(line)
        except msgspec.DecodeError:
            raise BenchError(f"legation serve said: {line.decode(errors='replace').strip()}") from None
        found = _LIVE.search(record["message"])
        return Live(record["time"] - float(found[1]) / 1e3, record["time"]) if found else None

    async def status(self, name: str) -> dict[str, Any] | None:
        """The entry of an object on the status page; None while there is none."""
        async with self._session.get("/status") as answer:
            listed: list[dict[str, Any]] = msgspec.json.decode(await answer.read())
        return next((one for one in listed if one["object"] == name), None)

    async def translation_seconds(self) -> float:
        """How long it has translated so far."""
        async with self._session.get("/metrics") as answer:
            found = _SPENT.search(await answer.text())
        return float(found[1]) if found else 0.0


@asynccontextmanager
async def plane(folder: Path, *, core: int | None, config: Path | None = None) -> AsyncIterator[Plane]:
    """A control plane inside the `async with`: over the files of a folder, unless a settings file says otherwise."""
    xds, admin = free_port(), free_port()
    program = Path(sys.executable).with_name("legation")
    what = [folder] if config is None else ["--config", config]
    flags = ["--port", str(xds), "--admin-port", str(admin), "--log-format", "json"]
    async with (
        process([program, "serve", *what, *flags], core=core) as running,
        aiohttp.ClientSession(f"http://127.0.0.1:{admin}") as session,
    ):
        yield Plane(folder, ("127.0.0.1", xds), running, session)

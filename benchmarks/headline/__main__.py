"""The numbers that a control plane is judged by, ours beside go-control-plane's, from one run with real Envoys.

    make headline

Every server is told the same through its adapter (tests/wire/README.md). go-control-plane is measured twice: put together
as in its own example, and with all that it offers; it needs Go, and is left out where there is none. Prints a table, and
writes it to RESULTS.md and RESULTS.json beside this file. It takes about three minutes.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

import aiohttp
from rich.console import Console
from rich.progress import Progress, TaskID

ROOT: Final = Path(__file__).parents[2]
sys.path += [str(ROOT / "tests" / "wire"), str(ROOT / "tests" / "envoy")]

from target import Adapter, Target, started  # noqa: E402  found because of the line above, like all that follows

from benchmarks.headline.rows import ROWS, Row, Stand  # noqa: E402
from benchmarks.headline.sheet import Line, Results  # noqa: E402
from benchmarks.server.go_program import go  # noqa: E402
from providers.host.binary import find  # noqa: E402
from xds.codec.bootstrap import Dialect  # noqa: E402

PEER: Final = str(ROOT / "tests" / "wire" / "peers" / "go_control_plane.py")
SERVERS: Final[Mapping[str, str]] = {
    "Legation": str(ROOT / "tests" / "wire" / "ours.py"),
    "go-control-plane": f"{PEER} -setup S",
    "go-control-plane, best": f"{PEER} -setup O -content-versions",
}
"""Title -> the command of a target."""

HEAD_START: Final = 3.0
"""Seconds that a measurement has the machine for itself; what is left of it then is waiting, and others begin beside it."""

DIALECTS: Final[tuple[Dialect, ...]] = ("sotw", "delta")


class Run:
    """One run over all rows, on servers that are there."""

    def __init__(self, columns: Mapping[str, Target], session: aiohttp.ClientSession, progress: Progress) -> None:
        self.columns, self._session, self._progress = columns, session, progress

    async def lines(self) -> list[Line]:
        """Measures everything."""
        task = self._progress.add_task("", total=len(ROWS) * len(DIALECTS) * len(self.columns))
        return [line for row in ROWS for line in await self._row(row, task)]

    async def _row(self, row: Row, task: TaskID) -> list[Line]:
        self._progress.update(task, description=row.what)
        todo = [(title, dialect) for dialect in DIALECTS for title in self.columns]
        measured: dict[tuple[str, Dialect], asyncio.Task[float | None]] = {}
        async with asyncio.TaskGroup() as tasks:
            for title, dialect in todo:
                measured[title, dialect] = one = tasks.create_task(self._measure(row, title, dialect))
                one.add_done_callback(lambda _: self._progress.advance(task))
                await asyncio.wait([one], timeout=None if row.alone else HEAD_START)
        return [
            Line(row, dialect, {title: measured[title, dialect].result() for title in self.columns}) for dialect in DIALECTS
        ]

    async def _measure(self, row: Row, title: str, dialect: Dialect) -> float | None:
        """One number; None when what it waits for did not happen."""
        target, group = self.columns[title], f"{row.measure.__name__}-{dialect}"
        async with AsyncExitStack() as begun:
            stand = Stand(target, dialect, group, Adapter(self._session, target, group), begun)
            try:
                return await row.measure(stand)
            except TimeoutError:
                return None


async def run() -> None:
    """Starts the servers, measures, prints and writes."""
    console = Console()
    servers = dict(SERVERS)
    if go() is None:
        console.print("There is no Go here to build go-control-plane with: Legation alone is measured.")
        servers = {title: command for title, command in servers.items() if PEER not in command}
    async with AsyncExitStack() as begun:
        session = await begun.enter_async_context(aiohttp.ClientSession())
        columns = {title: await begun.enter_async_context(started(command)) for title, command in servers.items()}
        with Progress(console=console, transient=True) as progress:
            lines = await Run(columns, session, progress).lines()
    results = Results((await find(None)).version, columns, lines)
    console.print(results.as_table())
    file = Path(__file__).with_name("RESULTS.md")
    file.write_text(results.as_markdown())
    file.with_suffix(".json").write_text(results.as_json())


if __name__ == "__main__":
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    asyncio.run(run())

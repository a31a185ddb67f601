"""A measured server, as the driver sees it: it is started, told what to serve, and watched."""

from __future__ import annotations

import asyncio
import shlex
import sys
from base64 import b64encode
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, NamedTuple

from benchmarks import usage
from benchmarks.conversation import Conversation, conversation
from benchmarks.workload import Named

BOOT: Final = 300.0
"""Seconds until a server is up: some are built first."""


class Change(NamedTuple):
    """When the store was asked, and when it had taken the change: nanoseconds of CLOCK_MONOTONIC."""

    start: int
    end: int


class Program:
    """A running server: where it speaks xDS (`xds`) or REST (`rest`), and what it uses."""

    def __init__(self, talk: Conversation) -> None:
        self._talk = talk
        hello = talk.hello
        self.version: str = hello.get("version", "")
        self.note: str = hello.get("note", "")
        self.xds: str = hello.get("xds", "")
        self.rest: str = hello.get("rest", "")
        self.pid: int = hello.get("pid", talk.pid)

    async def set(self, group: str, resources: Iterable[Named]) -> Change:
        """The group has exactly these resources."""
        return _change(await self._talk.ask({"do": "set", "group": group, "resources": _told(resources)}))

    async def update(self, group: str, resources: Iterable[Named]) -> Change:
        """These resources take the place of those with the same names."""
        return _change(await self._talk.ask({"do": "update", "group": group, "resources": _told(resources)}))

    def begin_update(self, group: str, resources: Iterable[Named]) -> asyncio.Future[dict[str, Any]]:
        """Tells the update, and waits for nothing."""
        return self._talk.tell({"do": "update", "group": group, "resources": _told(resources)})

    async def nodes(self, ids: Sequence[str]) -> None:
        """Says which nodes are to come, for servers that must know."""
        await self._talk.ask({"do": "nodes", "ids": ids})

    async def collect(self) -> None:
        """Collects garbage, and gives memory back to the system where the language can."""
        await self._talk.ask({"do": "collect"})

    async def build(self, resources: Iterable[Named], times: int) -> dict[str, list[float]]:
        """CPU seconds of so many builds of a snapshot: `cold`, and with one message `changed`."""
        return await self._talk.ask({"do": "build", "resources": _told(resources), "times": times}, seconds=300.0)

    def cpu_seconds(self) -> float:
        """CPU time so far, with its children's."""
        return usage.cpu_seconds(self.pid)

    def memory(self) -> int:
        """PSS in bytes, with its children's."""
        return usage.memory(self.pid)

    def kill(self) -> None:
        """SIGKILL."""
        self._talk.kill()


@asynccontextmanager
async def program(name: str, command: str, *, core: int | None = None) -> AsyncIterator[Program]:
    """Runs a measured server inside the `async with`; a command that is a .py file runs with this Python.

    Raises BenchError when it does not come up.
    """
    words = shlex.split(command)
    if words[0].endswith(".py"):
        words.insert(0, sys.executable)
    async with conversation(name, words, core=core, seconds=BOOT) as talk:
        yield Program(talk)


def _change(answer: dict[str, Any]) -> Change:
    return Change(answer["from"], answer["to"])


def _told(resources: Iterable[Named]) -> list[dict[str, str]]:
    return [{"type_url": one.type_url, "name": one.name, "value": b64encode(one.value).decode()} for one in resources]

"""Targets: the servers that the suite is pointed at, and the adapter through which they are told what to serve."""

from __future__ import annotations

import asyncio
import json
import shlex
import sys
from base64 import b64encode
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import aiohttp
from resources import Resource

BOOT = 120
"""Seconds that a target may take to start; it may have to be built first."""

END = 10
"""Seconds that it may take to end, before it is killed."""


@dataclass(frozen=True, slots=True)
class Target:
    """A running server: where it speaks xDS, and where its adapter is."""

    name: str
    version: str
    xds: str
    adapter: str
    rest: str = ""
    note: str = ""


class TargetError(Exception):
    """A target that did not start, or whose adapter refused a call."""


@asynccontextmanager
async def started(command: str) -> AsyncIterator[Target]:
    """Runs a target's program, and ends it. Raises TargetError when it does not say where it is."""
    words = shlex.split(command)
    if words[0].endswith(".py"):
        words.insert(0, sys.executable)
    try:
        program = await asyncio.create_subprocess_exec(*words, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE)
    except OSError as error:
        raise TargetError(f"{command}: cannot be started ({error}): give a program and its flags") from None
    assert program.stdin is not None
    assert program.stdout is not None
    try:
        async with asyncio.timeout(BOOT):
            line = await program.stdout.readline()
        yield _target(command, line)
    finally:
        program.stdin.close()
        try:
            async with asyncio.timeout(END):
                await program.wait()
        except TimeoutError:
            program.kill()
            await program.wait()


def _target(command: str, line: bytes) -> Target:
    try:
        return Target(**json.loads(line))
    except (ValueError, TypeError) as error:
        said = f"the first line of its output is no target ({error}): {line[:200]!r}"
        raise TargetError(f"{command}: {said}; see tests/wire/README.md") from None


class Adapter:
    """Tells a target what one group is served. Every call returns when streams can see the change."""

    def __init__(self, session: aiohttp.ClientSession, target: Target, group: str) -> None:
        self._session, self._url, self._group = session, target.adapter, group
        self._calls = 0

    async def set(self, resources: Iterable[Resource]) -> None:
        """The group has exactly these."""
        await self._post("set", resources)

    async def add(self, resources: Iterable[Resource]) -> None:
        """The group has these, too."""
        await self._post("add", resources)

    async def update(self, resources: Iterable[Resource]) -> None:
        """These take the place of those with the same names."""
        await self._post("update", resources)

    async def remove(self, resources: Iterable[Resource]) -> None:
        """The group no longer has these."""
        await self._post("remove", resources)

    async def clear(self) -> None:
        """Nothing is known of the group."""
        await self._post("clear")

    async def _post(self, call: str, resources: Iterable[Resource] | None = None) -> None:
        self._calls += 1
        body: dict[str, Any] = {"group": self._group}
        if resources is not None:
            body |= {"version": f"v{self._calls}", "resources": [_json(one) for one in resources]}
        data, headers = BytesIO(json.dumps(body).encode()), {"Content-Type": "application/json"}
        async with self._session.post(f"{self._url}/{call}", data=data, headers=headers) as answer:
            if answer.status != 200:
                raise TargetError(f"the adapter answered {answer.status} to /{call}: {await answer.text()}")


def _json(one: Resource) -> dict[str, Any]:
    body: dict[str, Any] = {"type_url": one.type_url, "name": one.name, "value": b64encode(one.value).decode()}
    if one.ttl is not None:
        body["ttl"] = one.ttl
    if one.aliases:
        body["aliases"] = list(one.aliases)
    return body

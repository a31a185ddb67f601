"""How a measured server is told what to do: a JSON command a line on its standard input, an answer a line on its output.

On start it prints one line: its `name`, `version`, `pid`, a `note`, where it speaks `xds`, and REST servers where they
speak `rest`. Then it answers every command, in order, and ends when its standard input ends:

    {"do": "set", "group": G, "resources": [{"type_url": T, "name": N, "value": BASE64}, …]}   the whole state of a group
    {"do": "update", "group": G, "resources": […]}   changes these resources of it only
        -> {"from": ns, "to": ns}: CLOCK_MONOTONIC before and after the change was made from messages in memory
    {"do": "nodes", "ids": […]}   all node ids to come, before the `set` for them: some servers must know  -> {}
    {"do": "collect"}   collects garbage, and gives memory back to the system where the language can  -> {}
    {"do": "build", "resources": […], "times": n}   messages in memory -> a snapshot, versioned and encoded, n times;
        then n times with one message changed  -> {"cold": [CPU seconds, …], "changed": [CPU seconds, …]}

What cannot be done is answered {"error": words}.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import msgspec

from xds.model import ConfigError

LONGEST: Final = 1 << 30
"""Bytes of one command: the state of a group is one line."""


class Named(msgspec.Struct, frozen=True):
    """One resource: the bytes of its message."""

    type_url: str
    name: str
    value: bytes


class Set(msgspec.Struct, frozen=True, tag_field="do", tag="set"):
    """The group has exactly these resources."""

    group: str
    resources: tuple[Named, ...]


class Update(msgspec.Struct, frozen=True, tag_field="do", tag="update"):
    """These resources take the place of those with the same names."""

    group: str
    resources: tuple[Named, ...]


class Nodes(msgspec.Struct, frozen=True, tag_field="do", tag="nodes"):
    """The ids of nodes that are to come."""

    ids: tuple[str, ...]


class Collect(msgspec.Struct, frozen=True, tag_field="do", tag="collect"):
    """Memory that nobody uses is given back."""


class Build(msgspec.Struct, frozen=True, tag_field="do", tag="build"):
    """Snapshots are built so many times, and not served."""

    resources: tuple[Named, ...]
    times: int


Command = Set | Update | Nodes | Collect | Build


class Changed(msgspec.Struct, frozen=True, rename={"start": "from", "end": "to"}):
    """When a change was begun and when the store had taken it: nanoseconds of CLOCK_MONOTONIC."""

    start: int
    end: int


class Built(msgspec.Struct, frozen=True):
    """CPU seconds of each build: from nothing, and with one message changed."""

    cold: tuple[float, ...]
    changed: tuple[float, ...]


class Refused(msgspec.Struct, frozen=True):
    """Why a command was not done."""

    error: str


class Hello(msgspec.Struct, frozen=True, omit_defaults=True):
    """The first line of a measured server."""

    name: str
    version: str
    xds: str = ""
    rest: str = ""
    note: str = ""
    pid: int = msgspec.field(default_factory=os.getpid)


Doing = Mapping[Any, Callable[[Any], Awaitable[object]]]
"""Kind of command -> what does it. One that is not in it cannot be done."""

_commands: Final = msgspec.json.Decoder(Command)
_json: Final = msgspec.json.Encoder()


async def obey(hello: Hello, doing: Doing) -> None:
    """Prints the first line, and answers commands on this event loop until standard input, a pipe, ends."""
    lines = asyncio.StreamReader(limit=LONGEST)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    _say(hello)
    while line := await lines.readline():
        _say(await _answer(line, doing))


async def _answer(line: bytes, doing: Doing) -> object:
    try:
        command = _commands.decode(line)
        if type(command) not in doing:
            return Refused(f"this server cannot do {type(command).__name__.lower()!r}")
        return await doing[type(command)](command)
    except ConfigError as error:
        return Refused(str(error))
    except msgspec.DecodeError as error:
        return Refused(f"{error}: see benchmarks/server/control.py for what a command is")


def _say(told: object) -> None:
    sys.stdout.buffer.write(_json.encode(told) + b"\n")
    sys.stdout.buffer.flush()

"""Real Envoys of one node group. All of them listen on the same port, and each is probed over a connection to it."""

from __future__ import annotations

import asyncio
import json
import re
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Collection
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from time import time
from typing import Final

from benchmarks.error import BenchError
from benchmarks.gateway.manifest import GROUP, hostname
from benchmarks.gateway.process import process
from providers.host.binary import find, locate
from xds.codec.bootstrap import bootstrap
from xds.model import ConfigError

EVERY: Final = 0.005
"""Seconds between one answer and the next question, as in gateway-api-bench."""
PATIENCE: Final = 60.0
"""Seconds until a route must answer."""
ATTEMPTS: Final = 300
"""Connections that may be opened until every Envoy has one: the kernel chooses who gets which."""

_LENGTH: Final = re.compile(rb"content-length: (\d+)")


class Probe:
    """A connection to one Envoy. `errors` counts the answers that were neither 200 nor 404."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self.errors = 0

    @property
    def ports(self) -> tuple[int, int]:
        """The ports of the connection: the Envoy's, and ours."""
        return self._writer.get_extra_info("peername")[1], self._writer.get_extra_info("sockname")[1]

    async def status(self, index: int) -> int:
        """The status that a request of route number `index` is answered with. Raises BenchError when there is no answer."""
        self._writer.write(b"GET /%d HTTP/1.1\r\nhost: %s\r\n\r\n" % (index, hostname(index).encode()))
        try:
            async with asyncio.timeout(PATIENCE):
                head = await self._reader.readuntil(b"\r\n\r\n")
                if found := _LENGTH.search(head):
                    await self._reader.readexactly(int(found[1]))
        except (OSError, EOFError, TimeoutError) as error:
            raise BenchError(f"an Envoy did not answer a request of route {index}: {error!r}") from None
        return int(head[9:12])

    async def until_ready(self, index: int) -> float:
        """The moment when a route answers 200. Raises BenchError when it does not."""
        deadline = time() + PATIENCE
        while (status := await self.status(index)) != 200:
            self.errors += status != 404
            if time() > deadline:
                raise BenchError(f"route {index} still answers {status} after {PATIENCE:.0f} s")
            await asyncio.sleep(EVERY)
        return time()

    async def close(self) -> None:
        """Closes the connection."""
        self._writer.close()
        with suppress(OSError):
            await self._writer.wait_closed()


async def release() -> str:
    """The version of the Envoy that is run. Raises ConfigError when there is none."""
    return (await find(None)).version


def without_envoy() -> str | None:
    """What a machine lacks that has no Envoy."""
    try:
        locate(None)
    except ConfigError as error:
        return str(error)
    return None


@asynccontextmanager
async def envoys(
    count: int, xds: tuple[str, int], folder: Path, *, core: int | None, group: str = GROUP
) -> AsyncIterator[list[Process]]:
    """So many Envoys of a node group inside the `async with`, each with one worker; their files go into a folder.

    Raises ConfigError when there is no Envoy.
    """
    program = locate(None)
    async with AsyncExitStack() as stack:
        started = []
        for number in range(count):
            file = folder / f"envoy-{number}.json"
            admin = str(folder / f"envoy-{number}.sock")
            file.write_text(json.dumps(bootstrap(group, f"envoy-{number}", xds, admin=admin)))
            flags = ["--concurrency", "1", "--disable-hot-restart", "--log-level", "critical"]
            started.append(await stack.enter_async_context(process([program, "-c", file, *flags], core=core)))
        yield started


@asynccontextmanager
async def probes(port: int, pids: Collection[int]) -> AsyncIterator[list[Probe]]:
    """A connection to each of these Envoys, which listen on one port, inside the `async with`.

    Raises BenchError when one of them cannot be reached.
    """
    found: dict[int, Probe] = {}
    opened = []
    try:
        for _ in range(ATTEMPTS):
            probe = Probe(*await asyncio.open_connection("127.0.0.1", port))
            opened.append(probe)
            await probe.status(0)  # once it has answered, the connection is accepted
            found.setdefault(_owner(probe, pids), probe)
            if len(found) == len(pids):
                break
        else:
            raise BenchError(f"of {len(pids)} Envoys, {len(found)} took a connection out of {ATTEMPTS}")
        yield list(found.values())
    finally:
        for probe in opened:
            await probe.close()


def _owner(probe: Probe, pids: Collection[int]) -> int:
    """The process that has the other end of a connection. Raises BenchError when it is none of these."""
    ends = "".join(f" 0100007F:{port:04X}" for port in probe.ports)
    for line in Path("/proc/net/tcp").read_text().splitlines():
        if ends in line:
            socket = f"socket:[{line.split()[9]}]"
            for pid in pids:
                if socket in _files(pid):
                    return pid
    raise BenchError("somebody else listens on the port of the gateway")


def _files(pid: int) -> set[str]:
    found = set()
    for file in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(OSError):  # it may be closed meanwhile
            found.add(str(file.readlink()))
    return found

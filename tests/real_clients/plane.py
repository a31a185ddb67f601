"""A control plane in a process of its own, which can be killed; as a program it is that process.

It is told what to serve line by line, each a JSON list of resources, and tells when it serves and when a proxy is live.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from subprocess import PIPE
from typing import Self

import anyio
from anyio.abc import Process
from anyio.streams.buffered import BufferedByteReceiveStream
from envoy_proxy import GROUP
from patience import SECONDS, until

from xds.codec import resource, resource_to_json
from xds.model import Resource, Snapshot
from xds.server.xds_server import XdsServer

SERVES, LIVE = b"serves", b"live"


class Plane:
    """Runs inside an `async with`, on this address."""

    def __init__(self, address: tuple[str, int]) -> None:
        self._address = address
        self._process: Process | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *error: object) -> None:
        with anyio.CancelScope(shield=True):
            await self.kill()

    async def start(self) -> None:
        """Starts it; returns when it serves."""
        command = [sys.executable, __file__, *map(str, self._address)]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        self._process = await anyio.open_process(command, stdin=PIPE, stdout=PIPE, stderr=None, env=environment)
        self._said = BufferedByteReceiveStream(self._process.stdout)
        await self._hears(SERVES)

    async def kill(self) -> None:
        """Ends it without a word."""
        self._process.send_signal(signal.SIGKILL)
        await self._process.wait()

    async def publish(self, *resources: Resource) -> None:
        """Serves these from now on."""
        await self._process.stdin.send(json.dumps([resource_to_json(one) for one in resources]).encode() + b"\n")

    async def joined(self) -> None:
        """Returns when a proxy has all that was published."""
        await self._hears(LIVE)

    async def _hears(self, word: bytes) -> None:
        with anyio.fail_after(SECONDS):
            while await self._said.receive_until(b"\n", 100) != word:
                pass


async def _run(host: str, port: int) -> None:
    server = XdsServer()
    async with server.serve(host, port), anyio.create_task_group() as tasks:
        _say(SERVES)
        tasks.start_soon(_tell, server)
        async for line in anyio.wrap_file(sys.stdin):
            await server.publish(GROUP, Snapshot.of(map(resource, json.loads(line))))


async def _tell(server: XdsServer) -> None:
    while True:
        await until(lambda: server.fleet.is_live(GROUP))
        _say(LIVE)
        await until(lambda: not server.fleet.is_live(GROUP))


def _say(word: bytes) -> None:
    sys.stdout.buffer.write(word + b"\n")
    sys.stdout.flush()


if __name__ == "__main__":
    anyio.run(_run, sys.argv[1], int(sys.argv[2]))

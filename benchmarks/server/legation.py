"""Legation as a measured server: an XdsServer and its snapshots, used as any program would use them.

python benchmarks/server/legation.py [--port PORT] [--loop uvloop] [--workers N]

Started by its path, it measures the `xds` that PYTHONPATH leads to.
"""

from __future__ import annotations

import argparse
import asyncio
import ctypes
import gc
import re
import subprocess
import sys
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from pathlib import Path
from time import monotonic_ns, process_time
from typing import Any, Final

import uvloop

import xds
from benchmarks.server.control import Build, Built, Changed, Collect, Doing, Hello, Named, Nodes, Set, Update, obey
from xds.codec import decode, resource
from xds.model import ConfigError, Resource, Resources, Snapshot
from xds.model.type_url import CDS
from xds.server.transport import Transport
from xds.server.xds_server import XdsServer

LOOPS: Final = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}
MARK: Final = re.compile(rb"change-\d{9}")
"""What tells one state of a resource from the next."""

NOTHING: Final = Snapshot()

Messages = Sequence[tuple[str, Any]]
"""Names and messages."""


class Store:
    """What the groups are served, and how it is changed."""

    def __init__(self, server: XdsServer) -> None:
        self._server = server
        self._served: dict[str, Snapshot] = {}
        self.doing: Doing = {
            Set: self._set,
            Update: self._update,
            Nodes: self._expect,
            Collect: self._collect,
            Build: self._build,
        }

    async def _set(self, asked: Set) -> Changed:
        return await self._publish(asked.group, NOTHING, _messages(asked.resources))

    async def _update(self, asked: Update) -> Changed:
        return await self._publish(asked.group, self._served.get(asked.group, NOTHING), _messages(asked.resources))

    async def _publish(self, group: str, before: Snapshot, messages: Messages) -> Changed:
        start = monotonic_ns()
        snapshot = updated(before, messages)
        await self._server.publish(group, snapshot)
        end = monotonic_ns()
        self._served[group] = snapshot
        return Changed(start, end)

    async def _expect(self, _: Nodes) -> dict[str, str]:
        """Nodes need not be known: they are of a group."""
        return {}

    async def _collect(self, _: Collect) -> dict[str, str]:
        gc.collect()
        if sys.platform == "linux":
            ctypes.CDLL(None).malloc_trim(0)
        return {}

    async def _build(self, asked: Build) -> Built:
        messages = _messages(asked.resources)
        cold = [_timed(NOTHING, messages) for _ in range(asked.times)]
        before = updated(NOTHING, messages)
        _versions(before)
        return Built(tuple(cold), tuple(_timed(before, one) for one in _changes(asked)))


def updated(before: Snapshot, messages: Messages) -> Snapshot:
    """The snapshot with these resources in the place of those with their names; it shares the rest with the one before."""
    made = [resource(message, name=name) for name, message in messages]
    if hasattr(before, "edited"):  # older versions, which are measured too, have nothing of the kind
        return before.edited(made)
    new: dict[str, dict[str, Resource]] = {}
    for one in made:
        new.setdefault(one.type_url, {})[one.name] = one
    types = {type_url: Resources({**before.of_type(type_url), **by_name}) for type_url, by_name in new.items()}
    return Snapshot({**before.types, **types})


def _messages(resources: Iterable[Named]) -> Messages:
    return [(one.name, decode(one.type_url, one.value)) for one in resources]


def _changes(asked: Build) -> Iterable[Messages]:
    """The first message, with a mark each time that it never had."""
    first = asked.resources[0] if asked.resources else Named("", "", b"")
    if not MARK.search(first.value):
        raise ConfigError("the first resource of a build must have a mark such as change-000000001")
    for number in range(asked.times):
        yield _messages([Named(first.type_url, first.name, MARK.sub(b"change-9%08d" % number, first.value))])


def _timed(before: Snapshot, messages: Messages) -> float:
    """CPU seconds until a snapshot is made and its lists have versions."""
    gc.collect()
    start = process_time()
    _versions(updated(before, messages))
    return process_time() - start


def _versions(snapshot: Snapshot) -> list[str]:
    """Those of its lists, which are worked out when they are asked for."""
    return [resources.version for resources in snapshot.types.values()]


def release() -> str:
    """The version of Legation, and the commit of its sources where they come with git."""
    command = ["git", "-C", str(Path(xds.__file__).parent), "rev-parse", "--short=7", "HEAD"]
    try:
        commit = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    except OSError:
        commit = ""
    return f"{version('legation')} {commit}".strip()


async def main(port: int, loop: str, workers: int) -> None:
    """Serves until standard input ends."""
    decode(CDS, b"")  # loads Envoy's types: what they take is no resource's memory
    gc.collect()
    gc.freeze()  # as the control plane does with what it has when it begins to serve
    server = XdsServer(identifier="legation", transport=Transport(workers=workers) if workers > 1 else Transport())
    note = loop if workers == 1 else f"{loop}, {workers} workers"
    async with server.serve("127.0.0.1", port) as (host, at):
        await obey(Hello("legation", release(), f"{host}:{at}", note=note), Store(server).doing)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=0, help="where to listen on 127.0.0.1 (default: any free port)")
    parser.add_argument("--loop", choices=LOOPS, default="uvloop", help="the event loop (default: %(default)s)")
    parser.add_argument("--workers", type=int, default=1, help="processes that serve (default: this one)")
    flags = parser.parse_args()
    with asyncio.Runner(loop_factory=LOOPS[flags.loop]) as runner:
        runner.run(main(flags.port, flags.loop, flags.workers))

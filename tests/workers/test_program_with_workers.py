"""`legation serve --workers`: the whole program, its admin service, and its end."""

from __future__ import annotations

import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import anyio
import grpc.aio
import pytest
from crew_world import until
from discovery_world import SOON, Call

from xds.server.service import METHODS

CLUSTERS = """\
apiVersion: legation.dev/v1alpha1
kind: EnvoyResources
metadata: {name: edge}
spec:
  groups: [edge]
  resources: [{"@type": type.googleapis.com/envoy.config.cluster.v3.Cluster, name: a}]
"""


@dataclass
class Program:
    process: Any
    printed: str

    def address(self, of: str) -> str:
        return re.search(rf"{of} +(?:http://)?(127\.0\.0\.1:\d+)", self.printed).group(1)

    def workers(self) -> list[int]:
        pid = self.process.pid
        return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def is_alive(pid: int) -> bool:
    """Whether a process runs: one that ended and that nobody asks about does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.fixture
async def program(tmp_path) -> AsyncIterator[Program]:
    (tmp_path / "clusters.yaml").write_text(CLUSTERS)
    (tmp_path / "free.yaml").write_text("xds: {port: 0}\nadmin: {port: 0}\n")
    command = [sys.executable, "-c", "from xds.control.cli import main; main()", "serve", "clusters.yaml"]
    command += ["--config", "free.yaml", "--workers", "2"]
    async with await anyio.open_process(command, cwd=tmp_path, stderr=None) as process:
        made = Program(process, "")
        with anyio.fail_after(SOON):
            while "xds " not in made.printed:
                made.printed += (await process.stdout.receive()).decode()
        yield made
        if process.returncode is None:
            process.terminate()
            with anyio.fail_after(SOON):
                await process.wait()


async def test_the_admin_service_shows_all_proxies(program, dialect):
    (path,) = [path for path, one in METHODS.items() if (one.dialect, one.only) == (dialect, "")]
    own = [("grpc.use_local_subchannel_pool", 1)]
    channels = [grpc.aio.insecure_channel(program.address("xds"), options=own) for _ in range(8)]
    for number, channel in enumerate(channels):
        call = Call(channel.stream_stream(path)(), dialect)
        await call.send(node={"id": f"n{number}", "cluster": "edge"})
        assert await call.names() == {"a"}
    async with aiohttp.ClientSession(f"http://{program.address('admin')}") as session:
        async with session.get("/proxies") as answer:
            told = await answer.json()
        assert [one["id"] for one in told["proxies"]] == [f"n{number}" for number in range(8)]
        assert {one["types"]["cds"]["resources"] for one in told["proxies"]} == {1}
        async with session.get("/metrics") as answer:
            text = await answer.text()
        assert f'legation_xds_streams{{dialect="{dialect.name}",service="ads"}} 8.0' in text
        assert 'legation_resources{group="edge",type="cds"} 1.0' in text
    for channel in channels:
        await channel.close()


async def test_a_signal_ends_it_with_all_its_workers(program):
    workers = program.workers()
    assert len(workers) == 2
    for worker in workers:
        os.kill(worker, signal.SIGTERM)  # as a supervisor may, to all: the builder's alone counts
    async with aiohttp.ClientSession(f"http://{program.address('admin')}") as session, session.get("/metrics") as answer:
        assert answer.status == 200  # the workers were asked
    assert program.workers() == workers
    program.process.terminate()
    with anyio.fail_after(SOON):
        assert await program.process.wait() == 0
    assert not any(map(is_alive, workers))


async def test_workers_end_when_their_builder_is_killed(program):
    workers = program.workers()
    program.process.kill()
    await until(lambda: not any(map(is_alive, workers)))

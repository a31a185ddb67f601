"""A site: a control plane over files, its Envoys, a backend, and a probe of each Envoy."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.bench import Bench
from benchmarks.gateway import manifest
from benchmarks.gateway.backend import backend
from benchmarks.gateway.envoy import Probe, envoys, probes, release
from benchmarks.gateway.manifest import Document
from benchmarks.gateway.plane import Plane, plane
from benchmarks.gateway.process import free_port


@dataclass(frozen=True, slots=True)
class Site:
    """What runs: the control plane, the Envoys by their `pids`, and a probe of each. The Gateway listens on `port`; the
    backend of all routes, on `behind`.
    """

    plane: Plane
    pids: tuple[int, ...]
    probes: tuple[Probe, ...]
    port: int
    behind: int

    async def until_ready(self, index: int) -> float:
        """The moment when a route answers 200 at the last Envoy, each asked every 5 ms."""
        return max(await asyncio.gather(*(one.until_ready(index) for one in self.probes)))

    def judge(self, bench: Bench, *more: Probe) -> float:
        """How many answers were neither 200 nor 404, of more probes, too: which is told as a fault when there are any."""
        if errors := sum(one.errors for one in (*self.probes, *more)):
            bench.faults.append(f"answers of Envoy that were neither 200 nor 404: {errors}")
        return errors


Files = Iterable[tuple[str, Iterable[Document]]]
"""Names of files, and what stands in them."""
Backed = Callable[[int], Files]
"""The port of the backend -> the files that lead to it."""


@asynccontextmanager
async def site(bench: Bench, files: Backed, *, many: int = 1) -> AsyncIterator[Site]:
    """A site inside the `async with`: a Gateway, its Service `backend`, and these files; with so many Envoys, which have
    accepted all of it.
    """
    with TemporaryDirectory(prefix="lg") as name:
        home, folder, port = Path(name), Path(name, "files"), free_port()
        async with backend() as behind:
            _write(folder, [("gateway.yaml", manifest.served(port, behind)), *files(behind)])
            async with (
                plane(folder, core=bench.server_core) as running,
                envoys(many, running.xds, home, core=bench.client_core) as proxies,
            ):
                await running.live(0)
                pids = tuple(one.pid for one in proxies)
                async with probes(port, pids) as found:
                    bench.versions["Envoy"] = await release()
                    yield Site(running, pids, tuple(found), port, behind)


def _write(folder: Path, files: Files) -> None:
    folder.mkdir()
    for name, documents in files:
        (folder / name).write_text(manifest.text(documents))

"""A host for the runner: a private directory, an address where no control plane is, and programs that are no Envoy."""

from __future__ import annotations

import socket
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp
import anyio
import pytest
from anyio.abc import Process
from blockbuster import blockbuster_ctx

from providers.host import HostRunner, Settings, State, launch
from xds.codec.bootstrap import bootstrap
from xds.codec.descriptors import pool

HCM = "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
ROUTER = "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"


@pytest.fixture(params=[False, True], ids=["asyncio", "uvloop"])
def anyio_backend(request):
    return "asyncio", {"use_uvloop": request.param}


@pytest.fixture(autouse=True)
def place(monkeypatch) -> Iterator[Path]:
    """Where runners keep their files: short, because a unix socket's path may have 107 characters."""
    with tempfile.TemporaryDirectory(prefix="lg") as directory:
        monkeypatch.setattr("providers.host.directory.gettempdir", lambda: directory)
        yield Path(directory)


@pytest.fixture(autouse=True)
def _never_blocking() -> Iterator[None]:
    """A call of ours that blocks the event loop is an error; the descriptors are read once, at the start."""
    pool()
    with blockbuster_ctx("providers.host"):
        yield


class Host:
    """This host, as the tests see it."""

    def __init__(self, xds: tuple[str, int]) -> None:
        self.xds = xds

    @asynccontextmanager
    async def running(self, **settings: Any) -> AsyncIterator[HostRunner]:
        """A runner that runs until the block is left, which is what Ctrl-C does."""
        runner = HostRunner(Settings(**{"concurrency": 1, **settings}))
        with anyio.fail_after(60):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(runner.run, self.xds)
                yield runner
                tasks.cancel_scope.cancel()

    @asynccontextmanager
    async def stray(self, *command: str) -> AsyncIterator[Process]:
        """A process that no runner started; it is killed at the end of the block."""
        process = await anyio.open_process(command, stdout=None, stderr=None)
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def until(self, true: Callable[[], object]) -> None:
        """Returns when the condition holds; `running` sets the deadline."""
        while not true():  # noqa: ASYNC110  what is waited for is outside of this program
            await anyio.sleep(0.02)

    async def started(self, runner: HostRunner, group: str) -> State:
        """The group's Envoy, once its admin page answers."""
        await self.until(lambda: group in runner.proxies() and runner.proxies()[group].pid)
        await self.until(Path(runner.proxies()[group].admin).exists)
        return runner.proxies()[group]

    async def server_info(self, state: State) -> dict[str, Any]:
        """What Envoy says of itself."""
        connector = aiohttp.UnixConnector(state.admin)
        async with aiohttp.ClientSession(connector=connector) as session, session.get("http://envoy/server_info") as answer:
            return await answer.json(content_type=None)

    def alive(self, pid: int | str | None) -> bool:
        """Whether the process still runs."""
        try:
            return bool(Path(f"/proc/{pid}/cmdline").read_bytes())  # empty: ended, and nobody has asked how
        except (FileNotFoundError, ProcessLookupError):
            return False


@pytest.fixture
def host() -> Iterator[Host]:
    """This host; the control plane's address is held and never answers."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield Host(held.getsockname())


@pytest.fixture
def port(monkeypatch) -> int:
    """A port on which every Envoy that is started answers 200, with no control plane to tell it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        chosen: int = free.getsockname()[1]

    def static(*args: Any, **kwargs: Any) -> dict[str, Any]:
        body = bootstrap(*args, **kwargs)
        del body["dynamic_resources"]
        return body | {"static_resources": {"listeners": [answering(chosen)]}}

    monkeypatch.setattr(launch, "bootstrap", static)
    return chosen


def answering(port: int) -> dict[str, Any]:
    """An HTTP listener that answers 200 to everything."""
    route = {"match": {"prefix": "/"}, "direct_response": {"status": 200}}
    manager = {
        "@type": HCM,
        "stat_prefix": "test",
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [route]}]},
        "http_filters": [{"name": "router", "typed_config": {"@type": ROUTER}}],
    }
    return {
        "name": "test",
        "address": {"socket_address": {"address": "127.0.0.1", "port_value": port}},
        "filter_chains": [{"filters": [{"name": "http", "typed_config": manager}]}],
    }


@pytest.fixture
def program(tmp_path) -> Callable[[str], str]:
    """Writes a shell script that may be given as an Envoy, and returns its path. It has a version, as Envoy has.

    Under a name of its own it outlives the next one: a shell reads its script only after it was started.
    """
    answer = "echo 'envoy  version: 0123abcd/1.2.3/Clean/RELEASE/BoringSSL'"

    def written(body: str, version: str = answer, name: str = "envoy") -> str:
        file = tmp_path / name
        file.write_text(f'#!/bin/sh\nif [ "$1" = --version ]; then {version}; exit; fi\n{body}\n')
        file.chmod(0o755)
        return str(file)

    return written

"""Tests of the file provider: documents to write, contents to think about, and a follower of the provider's events."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import anyio
import pytest
from blockbuster import blockbuster_ctx

from providers.file import FileProvider, Settings, provider
from providers.file.contents import Contents
from providers.file.parser import Parser
from providers.file.vocabulary import Vocabulary
from xds.model import Delete, Diagnostic, Event, Key, Kind, Listed, Object, Put, Report

ROUTE = Kind("gateway.networking.k8s.io", "HTTPRoute")
GATEWAY = Kind("gateway.networking.k8s.io", "Gateway")
CLASS = Kind("gateway.networking.k8s.io", "GatewayClass")
SERVICE = Kind("", "Service")
KINDS = (ROUTE, GATEWAY, CLASS, SERVICE)

REVIEW = 90.0
DEADLINE = 30.0
"""Seconds: shorter than the provider's own review, so that only a change that was told of is seen in time."""


class Follower:
    """Replays the events of a provider."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.objects: dict[Key, Object] = {}
        self.reports: dict[str, tuple[Diagnostic, ...]] = {}
        self.listed = False
        self._changed = anyio.Event()

    def take(self, event: Event) -> None:
        self.events.append(event)
        match event:
            case Put(one):
                self.objects[one.key] = one
            case Delete(key):
                del self.objects[key]
            case Report(place, diagnostics):
                self.reports[place] = diagnostics
            case Listed():
                assert not self.listed
                self.listed = True
        self._changed.set()
        self._changed = anyio.Event()

    async def follow(self, paths: tuple[str, ...]) -> None:
        async for event in FileProvider(Settings(paths)).watch(KINDS):
            self.take(event)

    async def until(self, condition: Callable[[], bool]) -> None:
        with anyio.fail_after(DEADLINE):
            while not condition():
                await self._changed.wait()

    def names(self) -> set[str]:
        return {key.name for key in self.objects}

    def says(self, name: str) -> str | None:
        """What the object with this name says in its `spec`."""
        return next((one.body["spec"] for key, one in self.objects.items() if key.name == name), None)

    def deleted(self) -> set[str]:
        return {event.key.name for event in self.events if isinstance(event, Delete)}

    def told(self, place: object) -> str:
        """Everything that is reported about a place now."""
        return "\n".join(map(str, self.reports.get(str(place), ())))


Follow = Callable[..., AbstractAsyncContextManager[Follower]]


@pytest.fixture
def follow(monkeypatch) -> Follow:
    """Follows paths while the block runs; it begins when everything was listed."""
    monkeypatch.setattr(provider, "REVIEW_SECONDS", REVIEW)

    @asynccontextmanager
    async def follow(*paths: object) -> AsyncIterator[Follower]:
        follower = Follower()
        async with anyio.create_task_group() as group:
            group.start_soon(follower.follow, tuple(map(str, paths)))
            await follower.until(lambda: follower.listed)
            yield follower
            group.cancel_scope.cancel()

    return follow


@pytest.fixture
def kinds() -> tuple[Kind, ...]:
    """The kinds that are understood."""
    return KINDS


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    """A directory to type relative paths in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def permissions(tmp_path) -> None:
    """Skips a test where file permissions do not hold, as for root."""
    probe = tmp_path / ".probe"
    probe.touch(mode=0)
    if os.access(probe, os.R_OK):
        pytest.skip("this user reads everything")


@pytest.fixture(autouse=True)
def _never_blocks() -> Iterator[None]:
    """A blocking call of the provider in the event loop fails the test."""
    with blockbuster_ctx(scanned_modules=["providers.file"]):
        yield


@pytest.fixture
def write() -> Callable[..., str]:
    """The text of a route."""

    def write(name: str, spec: str = "1", kind: str = "HTTPRoute") -> str:
        api_version = "v1" if kind == "Service" else "gateway.networking.k8s.io/v1"
        return f"---\napiVersion: {api_version}\nkind: {kind}\nmetadata:\n  name: {name}\nspec: {spec!r}\n"

    return write


@pytest.fixture
def parse() -> Callable[..., Contents]:
    """The contents of a text as those of a file."""
    parser = Parser(Vocabulary(KINDS))

    def parse(text: str, file: str = "a.yaml") -> Contents:
        return parser.parse(text, file, {})[0]

    return parse

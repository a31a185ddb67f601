"""A pipeline over scripted providers and a scripted source."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import anyio
import pytest
from scripted import Candidate, Teller, Words, Writer

from xds.control import setback as module
from xds.control.narrator import Narrator
from xds.control.pipeline import Pipeline
from xds.control.translator import Translator
from xds.server.fleet import Fleet
from xds.server.metrics import Metrics


@dataclass
class World:
    """A pipeline that runs, and what it stands on."""

    pipeline: Pipeline
    fleet: Fleet
    source: Words

    @property
    def reading(self):
        return self.pipeline.readings.value

    def names(self) -> set[str]:
        """The Words in force."""
        return {one.key.name for one in self.reading.objects}

    def served(self) -> dict[str, bytes]:
        """What the group is served: name -> bytes."""
        return {one.name: one.body for one in self.fleet.snapshots().get("acme", ())}

    def told(self) -> list[str]:
        """All complaints."""
        return [str(one) for one in self.reading.complaints]


@pytest.fixture
def tellers() -> Iterator[dict[str, Teller]]:
    """The providers, by name: one, until a test adds others."""
    made = {"file": Teller()}
    yield made
    for one in made.values():
        one.close()


@pytest.fixture
def teller(tellers) -> Teller:
    """The only provider."""
    return tellers["file"]


@pytest.fixture
def writer(tellers) -> Writer:
    """The only provider, and one that takes statuses."""
    tellers["file"].close()
    tellers["file"] = made = Writer()
    return made


@pytest.fixture
def candidate(tellers) -> Candidate:
    """The only provider; it takes statuses, and knows who leads."""
    tellers["file"].close()
    tellers["file"] = made = Candidate()
    return made


@pytest.fixture
def no_pauses(monkeypatch) -> list[float]:
    """Providers start again at once; gives the pauses that there would have been."""
    pauses: list[float] = []
    really = anyio.sleep

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        await really(0)

    monkeypatch.setattr(module.anyio, "sleep", sleep)
    return pauses


@pytest.fixture
def world(tellers):
    """Runs a pipeline and its narrator while the block runs."""

    @asynccontextmanager
    async def running(runner=None, consistency="error") -> AsyncIterator[World]:
        source, fleet = Words(), Fleet()
        pipeline = Pipeline(tellers, Translator([source]), fleet, Metrics(), consistency)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(Narrator(pipeline, fleet).run)
            tasks.start_soon(pipeline.run, runner)
            yield World(pipeline, fleet, source)
            tasks.cancel_scope.cancel()

    return running

"""A good configuration, and a control plane that serves it while others make mistakes beside it."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import anyio
import pytest
from click.testing import CliRunner
from mistakes import GOOD_GATEWAY, GOOD_ROUTE

from xds.control import app, settings
from xds.control.app import LivePlane
from xds.control.cli import main
from xds.model import Snapshot

DEADLINE = 30.0


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    """A directory to be in, with a good configuration in `good`."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "good").mkdir()
    (tmp_path / "good/gateway.yaml").write_text(GOOD_GATEWAY)
    (tmp_path / "good/route.yaml").write_text(GOOD_ROUTE)
    return tmp_path


@pytest.fixture
def legation():
    """Runs the command: (exit code, standard output, standard error)."""

    def ran(*arguments: str):
        result = CliRunner().invoke(main, arguments, catch_exceptions=False)
        return result.exit_code, result.stdout, result.stderr

    return ran


@dataclass
class Live:
    """A running control plane, and what it says in its log."""

    plane: LivePlane
    caplog: pytest.LogCaptureFixture

    @property
    def served(self) -> dict[str, Snapshot]:
        return dict(self.plane.snapshots())

    def complaints(self) -> list[str]:
        return [str(one) for one in self.plane.pipeline.readings.value.complaints]

    def told(self) -> list[tuple[str, str]]:
        """(severity, words) of every complaint in the log."""
        records = [one for one in self.caplog.records if one.levelno >= logging.WARNING]
        return [(one.levelname.lower(), one.getMessage()) for one in records]

    def conditions(self):
        """(object, part, type, reason) of every condition that tells of trouble."""
        return {
            (key, part, one.type, one.reason)
            for key, status in self.plane.statuses().items()
            for part, one in status.failing()
        }

    def save(self, path: Path, text: str) -> None:
        """As editors do, so that nobody reads half of it."""
        fresh = path.with_name(f".{path.name}.new")
        fresh.write_text(text)
        fresh.rename(path)

    async def until(self, condition) -> None:
        with anyio.fail_after(DEADLINE):
            while not condition():  # noqa: ASYNC110  what is waited for is told by nobody
                await anyio.sleep(0.002)


@pytest.fixture
def live(here, caplog):
    """Serves paths without an Envoy while the block runs; it begins when the good configuration is served, and when the log
    has what is wrong besides.
    """

    @asynccontextmanager
    async def serving(*paths: str) -> AsyncIterator[Live]:
        caplog.set_level(logging.INFO)
        free = {"port": 0}
        loaded = settings.load(paths=paths, flags={"xds": free, "admin": free, "runner": "none"})
        async with app.plane(loaded, None) as plane:
            made = Live(plane, caplog)
            await made.until(lambda: "default/edge" in made.served)
            await made.until(lambda: {words for _, words in made.told()} >= set(made.complaints()))
            yield made

    return serving

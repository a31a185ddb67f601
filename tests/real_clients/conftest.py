"""Real clients of a real server: an Envoy, or several releases of it, and gRPC clients without a proxy."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from edge import an_edge
from envoys import programs
from gateway_site import free_port, serving


def pytest_collection_modifyitems(items):
    for item in items:
        if item.path.parent == Path(__file__).parent and "program" in item.fixturenames:
            item.add_marker(pytest.mark.envoy)
            for release, what in (marker.args for marker in item.iter_markers("since")):
                if _number(item.callspec.params["program"].version) < _number(release):
                    item.add_marker(pytest.mark.skip(reason=f"Envoy before {release} {what}"))


def _number(release: str) -> tuple[int, ...]:
    return tuple(map(int, release.split(".")))


@pytest.fixture(scope="module")
def anyio_backend():
    return "asyncio", {"use_uvloop": True}


@pytest.fixture(scope="module", params=programs(), ids=lambda one: one.version)
def program(request) -> str:
    """The path of an Envoy."""
    return request.param.path


@pytest.fixture(scope="module", params=["delta", "sotw"])
def dialect(request) -> str:
    """The form of xDS that the Envoys speak."""
    return request.param


@pytest.fixture
def home() -> Iterator[Path]:
    """A short path for the files of the Envoys of one test."""
    with tempfile.TemporaryDirectory(prefix="lg") as folder:
        yield Path(folder)


@pytest.fixture
def edge(program, dialect, home):
    """Makes an edge that is live with the resources that it is given; to be used in an `async with`."""
    return partial(an_edge, program, home / "1", dialect)


@pytest.fixture
def port() -> int:
    """A port for a listener."""
    return free_port()


@pytest.fixture(scope="module")
async def one():
    """The port of a backend that answers `one`."""
    async with serving("one") as port:
        yield port


@pytest.fixture(scope="module")
async def two():
    """The port of a backend that answers `two`."""
    async with serving("two") as port:
        yield port

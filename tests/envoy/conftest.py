"""Sites for the tests: every test of this directory runs real Envoys, as a person would."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from gateway_site import Site, running, serving


def pytest_collection_modifyitems(items):
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker(pytest.mark.envoy)


@pytest.fixture(scope="module")
def anyio_backend():
    return "asyncio", {"use_uvloop": True}


@pytest.fixture(scope="module", params=["delta", "sotw"])
def dialect(request) -> str:
    """The form of xDS that the Envoys speak."""
    return request.param


@pytest.fixture
def home() -> Iterator[Path]:
    """A short path for one site."""
    with tempfile.TemporaryDirectory(prefix="lg") as folder:
        yield Path(folder)


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


@pytest.fixture(scope="module")
async def shared(dialect) -> Site:
    """A control plane for all tests of a module; each saves a manifest of its own."""
    with tempfile.TemporaryDirectory(prefix="lg") as folder:
        site = Site(Path(folder), dialect=dialect)
        site.save()
        async with running(site):
            yield site

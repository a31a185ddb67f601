"""A real API server for the tests of this directory, with Gateway API's kinds, and a namespace for each test."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
import toolbox
from api_server import ApiServer, api_server

_numbers = count(1)


@pytest.fixture(scope="session")
def kubernetes() -> Iterator[ApiServer]:
    """An API server with RBAC and the experimental CRDs, shared by all tests."""
    if not toolbox.CLUSTER.kept().exists():
        pytest.skip("the API server is not built: `make conformance` does so, where there is a Go")
    if toolbox.go() is None:
        pytest.skip("Gateway API's CRDs are a Go module, and there is no Go: see https://go.dev/dl")
    with tempfile.TemporaryDirectory(prefix="lg") as folder, api_server(Path(folder)) as server:
        server.install_crds()
        yield server


@pytest.fixture
def namespace(kubernetes) -> Iterator[str]:
    """The name of a new namespace; what is in it is removed after the test."""
    name = f"test-{next(_numbers)}"
    kubernetes.call("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
    yield name
    kubernetes.clear(name)

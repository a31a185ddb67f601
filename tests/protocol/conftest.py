"""Both dialects for every test of the protocol."""

from __future__ import annotations

import pytest

from xds.protocol import DELTA, SOTW, Dialect


@pytest.fixture(params=[SOTW, DELTA], ids=lambda one: one.name)
def dialect(request: pytest.FixtureRequest) -> Dialect:
    return request.param

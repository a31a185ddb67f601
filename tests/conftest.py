"""What holds for every test: none asserts how long something takes, and the protocol is tested in both dialects."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings

from xds.protocol import DELTA, SOTW, Dialect

settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")


@pytest.fixture(params=[SOTW, DELTA], ids=lambda one: one.name)
def dialect(request: pytest.FixtureRequest) -> Dialect:
    return request.param

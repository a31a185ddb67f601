"""The scenarios: what is measured, each with its grid."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from benchmarks.scenario.scenario import Scenario

_ALL: Final[tuple[Scenario, ...]] = ()
SCENARIOS: Final[Mapping[str, Scenario]] = {one.id: one for one in _ALL}
"""Id -> scenario, in the order in which they are shown."""

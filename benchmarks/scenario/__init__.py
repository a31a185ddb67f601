"""The scenarios: what is measured, each with its grid."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from benchmarks.scenario.k01 import K1
from benchmarks.scenario.k02 import K2
from benchmarks.scenario.k03 import K3
from benchmarks.scenario.s01 import S1
from benchmarks.scenario.s02 import S2
from benchmarks.scenario.s03 import S3, S6
from benchmarks.scenario.s04 import S4
from benchmarks.scenario.s05 import S5
from benchmarks.scenario.s07 import S7
from benchmarks.scenario.s08 import S8
from benchmarks.scenario.s09 import S9
from benchmarks.scenario.s13 import S13
from benchmarks.scenario.s14 import S14
from benchmarks.scenario.scenario import Scenario

_ALL: Final[tuple[Scenario, ...]] = (S1, S2, S3, S4, S5, S6, S7, S8, S9, S13, S14, K1, K2, K3)
SCENARIOS: Final[Mapping[str, Scenario]] = {one.id: one for one in _ALL}
"""Id -> scenario, in the order in which they are shown."""

"""Our server in the wire suite: every row of the specification, in every variant."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from pathlib import Path
from unittest.mock import patch

import line
import pytest
from behaviours import behaviours
from case import Case, load
from faults import FAULTS
from invariants import INVARIANTS, OVER_ALL
from ours import serving
from results import Outcome, breaches, run

PATIENCE = 30.0
"""Seconds that a missing answer is waited for, however busy this machine is with other tests."""

ROOT = Path(__file__).parents[2]

SEEN: dict[tuple[str, str], list[Case]] = defaultdict(list)
for one in load():
    for row in one.rows:
        SEEN[str(row), str(one.variant)].append(one)


@pytest.fixture(scope="session")
def outcomes(request: pytest.FixtureRequest) -> dict[Case, Outcome]:
    """What became of the cases of all tests that were asked for, run at once."""
    rows = [item.callspec.params for item in request.session.items if getattr(item, "originalname", "") == "test_row"]
    everything = any(getattr(item, "originalname", "") == "test_every_stream" for item in request.session.items)
    wanted = load() if everything else [one for asked in rows for one in SEEN[asked["row"], asked["variant"]]]

    async def go() -> list[Outcome]:
        with patch.object(line, "SOON", PATIENCE):
            async with serving() as target:
                return await run(target, dict.fromkeys(wanted))

    return {outcome.case: outcome for outcome in asyncio.run(go())}


@pytest.mark.parametrize(("row", "variant"), SEEN)
def test_row(outcomes, row, variant):
    """Every case that shows the row in the variant passes."""
    failures = [f"{one}: {outcomes[one].failure}" for one in SEEN[row, variant] if outcomes[one].failure]
    assert not failures, "\n".join((str(behaviours()[row]), *failures))


@pytest.mark.parametrize("row", [*INVARIANTS, *OVER_ALL])
def test_every_stream(outcomes, row):
    """No stream of any case breaks the invariant."""
    assert not [wrong for one, wrong in breaches(outcomes.values()) if one == row]


def test_evidence_elsewhere_exists():
    listed = [one.partition("::") for row in behaviours().values() for one in row.evidence]
    assert not [file for file, _, name in listed if f"def {name}" not in (ROOT / file).read_text()]


def test_every_row_is_shown():
    """In every variant that it is about by a case, and without any by a test elsewhere."""
    asked = [(row.id, variant) for row in behaviours().values() for variant in row.variants]
    silent = [row.id for row in behaviours().values() if not (row.variants or row.evidence or row.group == "T")]
    assert not [*silent, *(one for one in asked if one not in SEEN)]


def test_every_row_that_must_hold_has_a_fault_that_breaks_it():
    """The faults are seeded by `make wire-faults`; here, what they replace is still there."""
    faulty = {row for one in FAULTS for row in one.rows if hasattr(one.owner, one.name)}
    must = [row for row in behaviours().values() if row.level == "M" and (row.variants or row.group == "T")]
    assert not [row.id for row in must if row.id not in faulty]


def test_every_case_shows_something():
    """A case counts only in variants that its rows are about."""
    lost = [one for one in load() if not any(str(one.variant) in behaviours()[str(row)].variants for row in one.rows)]
    assert not lost

"""The guard: what it lets pass, what it measures again, and what it says."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from benchmarks import guard

NAMES = tuple(f"{one.scenario} here: {metric}" for one in guard.GUARDED for metric in one.metrics)


@pytest.fixture
def limits(tmp_path, monkeypatch):
    """A file with the limit 2 for everything that is guarded."""
    file = tmp_path / "limits.json"
    file.write_text(json.dumps(dict.fromkeys(NAMES, 2.0)))
    monkeypatch.setattr(guard, "LIMITS", file)
    return file


@pytest.fixture
def scores(monkeypatch):
    """What each metric scores, one measurement after the other; the last score stays. `1.0` where nothing is said."""
    told: dict[str, list[float]] = {}

    async def measured(one):
        names = [name for name in NAMES if name.startswith(f"{one.scenario} ")]
        return {name: said.pop(0) if len(said := told.get(name, [1.0])) > 1 else said[0] for name in names}

    monkeypatch.setattr(guard, "measured", measured)
    return told


def run(*flags: str):
    return CliRunner().invoke(guard.guard, flags)


def test_what_is_as_fast_as_ever_passes(limits, scores):
    assert run().exit_code == 0


def test_what_is_too_slow_every_time_fails_and_says_what_to_do(limits, scores):
    scores["S1 here: cold"] = [2.1]
    done = run()
    assert done.exit_code == 1
    assert "legation bench S1\n" in done.output
    assert "make guard-limits" in done.output


def test_what_is_too_slow_but_once_passes(limits, scores):
    scores["S1 here: cold"] = [9.0, 9.0, 1.9, 9.0]
    assert run().exit_code == 0


def test_what_has_no_limit_fails(limits, scores):
    limits.write_text("{}")
    assert run().exit_code == 1


def test_new_limits_are_twice_the_least_that_was_measured(limits, scores):
    scores["S1 here: cold"] = [5.0, 3.0, 4.0, 1.0]
    assert run("--write").exit_code == 0
    assert json.loads(limits.read_text()) == {**dict.fromkeys(NAMES, 2.0), "S1 here: cold": 6.0}


def test_everything_that_is_guarded_has_a_limit_and_nothing_else():
    limits = json.loads(guard.LIMITS.read_text())
    guarded = {(one.scenario, metric) for one in guard.GUARDED for metric in one.metrics}
    assert {(name.partition(" ")[0], name.rpartition(": ")[2]) for name in limits} <= {
        (scenario, metric.rpartition(": ")[2]) for scenario, metric in guarded
    }
    assert all(
        any(name.startswith(f"{one} ") and name.endswith(f": {metric}") for name in limits) for one, metric in guarded
    )


async def test_a_server_that_does_what_it_must_not_ends_the_guard(monkeypatch):
    async def measure(bench):
        bench.faults.append("S1: it lost a resource")
        return []

    monkeypatch.setitem(guard.SCENARIOS, "S1", type("Broken", (), {"measure": staticmethod(measure)}))
    with pytest.raises(SystemExit, match="it lost a resource"):
        await guard.measured(guard.GUARDED[0])

"""What `go test` says is what counts."""

from __future__ import annotations

import json

import verdict
from catalogue import Entry
from score import Score

ENTRIES = [Entry("A", {"GATEWAY-HTTP": "core"}, ()), Entry("B", {"GATEWAY-HTTP": "extended"}, ())]


def event(action: str, test: str = "", **more: object) -> str:
    name = {"Test": f"TestConformance/{test}" if test else "TestConformance"}
    return json.dumps({"Action": action, "Package": "suite", **name, **more})


def of(*lines: str) -> dict[str, str]:
    return {one.test: one.result for one in verdict.of(lines)}


def score(a: str, b: str, *expected: str) -> Score:
    lines = [event(a, "A"), event(b, "B")]
    return Score(ENTRIES, {one.test: one for one in verdict.of(lines)}, set(expected))


def test_a_parallel_test_that_fails_later_has_failed():
    """A test that pauses, goes on when the others are done, and fails, has failed."""
    said = of(event("run", "A"), event("pause", "A"), event("pass", "B"), event("cont", "A"), event("fail", "A"))
    assert said == {"A": "fail", "B": "pass"}


def test_a_test_within_a_test_is_no_test():
    """Steps of a test count with it, and what they say is kept with it."""
    lines = [event("output", "A/step", Output="why\n"), event("fail", "A/step"), event("fail", "A")]
    (one,) = verdict.of(lines)
    assert (one.test, one.result, one.said) == ("A", "fail", "why\n")


def test_a_test_without_an_end_has_failed():
    """When the time is over, the tests that were running have failed, and so has the suite."""
    said = of(event("output", Output="set up\n"), event("output", "A", Output="waiting\n"), event("pass", "B"))
    assert said == {"": "fail", "A": "fail", "B": "pass"}


def test_the_list_of_what_passes_is_kept():
    """What is expected and does not pass is lost, whether it failed or was skipped; what passes unexpectedly is won."""
    assert score("fail", "pass", "A").lost() == ["A"]
    assert score("skip", "pass", "A").lost() == ["A"]
    assert score("pass", "pass", "A").lost() == []
    assert score("pass", "pass", "A").won() == ["B"]


def test_the_table_counts_by_profile():
    """A row has core and extended apart, passed of all."""
    heads, row, failed = score("pass", "fail").table(["GATEWAY-HTTP"])
    assert heads.split() == ["core", "extended", "not", "claimed"]
    assert row.split() == ["GATEWAY-HTTP", "1", "of", "1", "0", "of", "1", "0"]
    assert failed == "failed (extended): B"

"""Complaints of one reading after the other: worked out anew only where something changed."""

from __future__ import annotations

from dataclasses import replace

import pytest
from scripted import word

from xds.control import reading
from xds.control.reading import Complaints, Reading
from xds.model import Condition, Diagnostic, Objects, Origin, Status, Translation

A, B = word("a"), word("b")
A = replace(A, origin=Origin("words.yaml", 1, "spec:\n  x: 1\n"))


def failing(message: str) -> Status:
    return Status((Condition("Accepted", False, "Invalid", message, field="spec.x"),))


def read(*diagnostics: Diagnostic, a: Status) -> Reading:
    return Reading(Objects.of([A, B]), Translation(statuses={A.key: a, B.key: Status()}), diagnostics)


@pytest.fixture
def located(monkeypatch) -> list[Origin]:
    """The origins in which a line was looked for, which takes long."""
    found, locate = [], reading.locate
    monkeypatch.setattr(reading, "locate", lambda origin, field: found.append(origin) or locate(origin, field))
    return found


def test_what_stayed_is_not_looked_at_again(located):
    complaints, status = Complaints(), failing("no")
    before = complaints.of(read(a=status))
    assert [str(one) for one in before] == ["words.yaml:2: Word default/a: no (Accepted is False, Invalid)"]
    assert complaints.of(read(a=status)) == before
    assert len(located) == 1


def test_another_status_is_another_complaint(located):
    complaints = Complaints()
    complaints.of(read(a=failing("no")))
    assert [one.message for one in complaints.of(read(a=failing("never")))] == ["never (Accepted is False, Invalid)"]
    assert complaints.of(read(a=Status())) == []
    assert len(located) == 2


def test_what_a_diagnostic_says_is_not_said_twice():
    complaints, status = Complaints(), failing("no")
    said = Diagnostic("no", A.key)
    assert complaints.of(read(said, a=status)) == [said]
    assert len(complaints.of(read(a=status))) == 1

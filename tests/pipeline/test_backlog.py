"""What is written next, of all that waits."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from scripted import key

from xds.control.backlog import Backlog
from xds.model import Condition, Status


def status(number: int) -> Status:
    return Status((Condition("Accepted", True, "Accepted", str(number)),))


def full(count: int) -> Backlog:
    backlog = Backlog()
    for number in range(count):
        backlog.put(key(f"w{number}"), status(number))
    return backlog


def test_what_changes_now_does_not_wait_for_thousands():
    backlog = full(5000)
    backlog.take(32)
    backlog.put(key("late"), status(0))
    assert key("late") in backlog.take(32)


def test_what_has_waited_longest_is_taken_however_much_changes():
    backlog = full(100)
    for number in range(1000, 1000 + 8 * 100):
        backlog.put(key(f"w{number}"), status(number))
        if not number % 8:
            backlog.take(16)
    assert not {key(f"w{number}") for number in range(100)} & backlog.take(10_000).keys()


def test_an_object_that_changes_again_and_again_keeps_its_place():
    backlog = Backlog()
    backlog.put(key("busy"), status(0))
    for number in range(20):
        backlog.put(key("busy"), status(number))
        for other in range(100):
            backlog.put(key(f"w{number}-{other}"), status(0))
    assert backlog.take(2)[key("busy")] == status(19)


def test_what_is_given_back_does_not_take_the_place_of_what_is_newer():
    backlog = full(1)
    (taken,) = backlog.take(1).items()
    backlog.put(taken[0], status(7))
    backlog.give_back(*taken)
    assert backlog.take(2) == {taken[0]: status(7)}
    backlog.give_back(*taken)
    assert backlog.take(2) == dict([taken])


@given(st.lists(st.tuples(st.sampled_from("abcdefgh"), st.integers(0, 3))), st.integers(1, 5))
def test_everything_is_taken_once_as_it_is_last(puts, most):
    backlog, last = Backlog(), {}
    for name, number in puts:
        backlog.put(key(name), status(number))
        last[key(name)] = status(number)
    taken = []
    while found := backlog.take(most):
        assert len(found) <= most
        taken += found.items()
    assert len(taken) == len(last)
    assert dict(taken) == last

"""The incremental engine: what it computes again, what it keeps, and that both always come to the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources.graph import Graph, Reader

KEYS = ("a", "b", "c", "d")


class Pet(NamedTuple):
    """An input: who owns it, how old it is, and which other pet it follows."""

    owner: str
    age: int
    follows: str = ""


def owners(_key: str, pet: Pet) -> Iterable[str]:
    return (pet.owner,)


class Kennel:
    """A graph of pets whose functions count how often they run."""

    def __init__(self) -> None:
        self.graph = Graph({"owner": owners})
        self.runs: Counter[str] = Counter()

    def age(self, read: Reader, key: str) -> int:
        self.runs["age"] += 1
        pet = read.input(key)
        return pet.age if pet else 0

    def total(self, read: Reader, owner: str) -> int:
        self.runs["total"] += 1
        return sum(read.each(self.age, read.group("owner", owner)).values())

    def trail(self, read: Reader, key: str) -> tuple[str, ...]:
        """Whom a pet follows, and whom that one follows."""
        self.runs["trail"] += 1
        return read.get(self.pack, key)[1:]

    def followed(self, read: Reader, owner: str) -> dict[str, int]:
        """How many pets of an owner follow each pet; those that nobody follows do not occur."""
        self.runs["followed"] += 1
        return dict(read.tally(self.trail, read.group("owner", owner), frozenset))

    def parity(self, read: Reader, owner: str) -> tuple[int]:
        self.runs["parity"] += 1
        return (read.get(self.total, owner) % 2,)

    def pack(self, read: Reader, key: str) -> tuple[str, ...]:
        """Follows the leaders until there is none, four steps at most: what is read depends on what was read."""
        self.runs["pack"] += 1
        found = []
        while len(found) < 4 and (pet := read.input(key)) is not None:
            found.append(key)
            key = pet.follows
        return tuple(found)


@pytest.fixture
def kennel() -> Kennel:
    one = Kennel()
    one.graph.change("a", Pet("ann", 3))
    one.graph.change("b", Pet("ann", 5, "a"))
    one.graph.change("c", Pet("bob", 7, "b"))
    return one


def test_a_value_is_computed_once(kennel):
    assert kennel.graph.get(kennel.total, "ann") == kennel.graph.get(kennel.total, "ann") == 8
    assert kennel.runs["total"] == 1


def test_a_changed_input_reaches_the_value(kennel):
    kennel.graph.get(kennel.total, "ann")
    kennel.graph.change("a", Pet("ann", 4))
    assert kennel.graph.get(kennel.total, "ann") == 9


def test_only_what_read_the_input_runs_again(kennel):
    kennel.graph.get(kennel.total, "ann")
    kennel.graph.get(kennel.total, "bob")
    kennel.runs.clear()
    kennel.graph.change("c", Pet("bob", 8))
    kennel.graph.get(kennel.total, "ann")
    kennel.graph.get(kennel.total, "bob")
    assert kennel.runs == {"age": 1, "total": 1}


def test_an_equal_value_stops_the_change_and_stays_the_identical_object(kennel):
    before = kennel.graph.get(kennel.parity, "ann")
    kennel.runs.clear()
    kennel.graph.change("a", Pet("ann", 5))
    assert kennel.graph.get(kennel.parity, "ann") is before
    kennel.runs.clear()
    kennel.graph.change("a", Pet("ann", 5, "c"))
    assert kennel.graph.get(kennel.parity, "ann") is before
    assert kennel.runs == {"age": 1}


def test_an_absent_input_is_read_too(kennel):
    assert kennel.graph.get(kennel.pack, "z") == ()
    kennel.graph.change("z", Pet("ann", 1))
    assert kennel.graph.get(kennel.pack, "z") == ("z",)


def test_what_is_read_may_depend_on_what_was_read(kennel):
    assert kennel.graph.get(kennel.pack, "c") == ("c", "b", "a")
    kennel.graph.change("b", Pet("ann", 5))
    assert kennel.graph.get(kennel.pack, "c") == ("c", "b")
    kennel.runs.clear()
    kennel.graph.change("a", Pet("ann", 30))
    assert kennel.graph.get(kennel.pack, "c") == ("c", "b")
    assert kennel.runs["pack"] == 0, "a is no longer read"


def test_an_input_moves_between_groups(kennel):
    kennel.graph.get(kennel.total, "ann")
    kennel.graph.change("a", Pet("bob", 3))
    assert (kennel.graph.get(kennel.total, "ann"), kennel.graph.get(kennel.total, "bob")) == (5, 10)


def test_a_removed_input_is_absent_and_in_no_group(kennel):
    kennel.graph.get(kennel.total, "ann")
    kennel.graph.change("a", None)
    kennel.graph.change("b", None)
    assert kennel.graph.get(kennel.total, "ann") == 0
    assert kennel.graph.get(kennel.pack, "b") == ()


def test_removing_what_is_not_there_is_no_change(kennel):
    kennel.graph.get(kennel.total, "ann")
    kennel.runs.clear()
    kennel.graph.change("x", None)
    assert kennel.graph.get(kennel.total, "ann") == 8
    assert not kennel.runs


def test_of_many_arguments_only_the_changed_and_the_new_are_computed(kennel):
    for number in range(100):
        kennel.graph.change(f"p{number}", Pet("eve", 1))
    kennel.graph.get(kennel.total, "eve")
    kennel.runs.clear()
    kennel.graph.change("p7", Pet("eve", 2))
    kennel.graph.change("new", Pet("eve", 10))
    kennel.graph.change("p8", None)
    assert kennel.graph.get(kennel.total, "eve") == 110
    assert kennel.runs["total"] == 1
    assert kennel.runs["age"] <= 3


def test_a_tally_says_how_many_values_have_an_element(kennel):
    kennel.graph.change("d", Pet("bob", 1, "b"))
    assert kennel.graph.get(kennel.followed, "bob") == {"b": 2, "a": 2}
    kennel.graph.change("c", Pet("bob", 7, "a"))
    assert kennel.graph.get(kennel.followed, "bob") == {"b": 1, "a": 2}
    kennel.graph.change("d", None)
    assert kennel.graph.get(kennel.followed, "bob") == {"a": 1}


def test_a_tally_that_stays_the_same_stops_the_change(kennel):
    kennel.graph.change("d", Pet("bob", 1))
    before = kennel.graph.get(kennel.followed, "bob")
    kennel.runs.clear()
    kennel.graph.change("c", Pet("bob", 7))
    kennel.graph.change("d", Pet("bob", 1, "b"))
    assert kennel.graph.get(kennel.followed, "bob") is before
    assert kennel.runs["followed"] == 0


def test_of_a_tally_only_the_changed_and_the_new_are_computed(kennel):
    for number in range(100):
        kennel.graph.change(f"p{number}", Pet("eve", 1, "a"))
    kennel.graph.get(kennel.followed, "eve")
    kennel.runs.clear()
    kennel.graph.change("p7", Pet("eve", 2, "b"))
    kennel.graph.change("new", Pet("eve", 10))
    kennel.graph.change("p8", None)
    assert kennel.graph.get(kennel.followed, "eve") == {"a": 99, "b": 1}
    assert kennel.runs["trail"] <= 3


def test_what_nobody_reads_is_forgotten_and_comes_back_when_asked_for(kennel):
    kennel.graph.get(kennel.total, "ann")
    kept = len(kennel.graph)
    kennel.graph.change("d", Pet("ann", 1, "c"))
    kennel.graph.get(kennel.total, "ann")
    kennel.graph.change("d", None)
    kennel.graph.get(kennel.total, "ann")
    kennel.graph.sweep()
    assert len(kennel.graph) == kept
    kennel.graph.change("d", Pet("ann", 2))
    assert kennel.graph.get(kennel.total, "ann") == 10


def test_an_exception_on_the_way_loses_nothing(kennel):
    broken = []

    def fragile(read: Reader, key: str) -> int:
        if broken:
            raise RuntimeError(key)
        return read.get(kennel.age, key)

    def above(read: Reader, key: str) -> int:
        return sum(read.each(fragile, frozenset({key, "b"})).values()) + read.get(fragile, key)

    assert kennel.graph.get(above, "a") == 3 + 5 + 3
    kennel.graph.change("a", Pet("ann", 4))
    broken.append(True)
    with pytest.raises(RuntimeError):
        kennel.graph.get(above, "a")
    broken.clear()
    assert kennel.graph.get(above, "a") == 4 + 5 + 4


PETS = st.builds(Pet, st.sampled_from(["ann", "bob"]), st.integers(0, 3), st.sampled_from([*KEYS, ""]))
CHANGES = st.lists(st.tuples(st.sampled_from(KEYS), st.none() | PETS, st.booleans()), max_size=20)


@given(CHANGES)
def test_incremental_equals_from_scratch(changes):
    """After any series of changes, read after all or only some of them, every value is a new graph's."""
    kennel, inputs = Kennel(), {}

    def everything(one: Kennel) -> list[object]:
        of_owners = [
            one.graph.get(function, owner) for owner in ("ann", "bob") for function in (one.total, one.parity, one.followed)
        ]
        return of_owners + [one.graph.get(one.pack, key) for key in KEYS]

    for key, pet, looks in [*changes, ("a", Pet("ann", 1), True)]:
        kennel.graph.change(key, pet)
        inputs[key] = pet
        if looks:
            fresh = Kennel()
            for name, value in inputs.items():
                fresh.graph.change(name, value)
            assert everything(kennel) == everything(fresh)
            kennel.graph.sweep()
            fresh.graph.sweep()
            assert len(kennel.graph) == len(fresh.graph)

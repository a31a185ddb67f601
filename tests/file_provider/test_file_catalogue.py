"""The catalogue: which objects are in force, decided without a file and without a clock."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from providers.file.catalogue import SETTLE, Catalogue
from providers.file.contents import Contents, Fault
from xds.model import Delete, Diagnostic, Key, Kind, Listed, Object, Origin, Put, Report

BROKEN = "--- \n{broken\n"


class Desk:
    """A catalogue, and what its events add up to. Each picture is shown until nothing in it is in doubt."""

    def __init__(self) -> None:
        self.catalogue, self.now = Catalogue(), 0.0
        self.objects, self.reports, self.events = {}, {}, []

    def show(self, **places: Contents) -> list:
        """The events after a picture, where a_yaml stands for a.yaml."""
        picture = {name.replace("_", "."): contents for name, contents in places.items()}
        self.events = []
        self._take(self.catalogue.update(picture, self.now))
        while self.catalogue.due is not None:
            self.now = self.catalogue.due
            self._take(self.catalogue.update(picture, self.now))
        return self.events

    def _take(self, events: list) -> None:
        self.events += events
        for event in events:
            match event:
                case Put(one):
                    self.objects[one.key] = one
                case Delete(key):
                    del self.objects[key]
                case Report(place, diagnostics):
                    self.reports[place] = diagnostics

    def spec(self) -> dict:
        return {key.name: one.body["spec"] for key, one in self.objects.items()}

    def told(self, place: str) -> str:
        return "\n".join(map(str, self.reports.get(place, ())))


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_the_first_update_ends_with_listed_and_no_other_has_it(desk, write, parse):
    assert isinstance(desk.show(a_yaml=parse(write("a")))[-1], Listed)
    assert not any(isinstance(event, Listed) for event in desk.show())


def test_objects_are_put_in_the_order_of_places_and_lines(desk, write, parse):
    events = desk.show(b_yaml=parse(write("c"), "b.yaml"), a_yaml=parse(write("b") + write("a")))
    assert [event.object.key.name for event in events if isinstance(event, Put)] == ["b", "a", "c"]


def test_an_unchanged_document_is_not_said_again(desk, write, parse):
    desk.show(a_yaml=parse(write("a") + write("b")))
    assert desk.show(a_yaml=parse(write("a") + write("b"))) == []


def test_a_document_that_only_moved_is_said_with_its_line_and_is_the_same_object(desk, write, parse):
    desk.show(a_yaml=parse(write("a") + write("b")))
    before = dict(desk.objects)
    desk.show(a_yaml=parse("# a line more\n" + write("b") + write("a")))
    assert desk.objects == before
    assert [one.origin.line for one in desk.objects.values()] == [9, 3]


def test_the_generation_counts_changes_of_content_only(desk, write, parse):
    def generations():
        return [one.generation for one in desk.objects.values()]

    desk.show(a_yaml=parse(write("a", "1")))
    assert generations() == [1]
    desk.show(a_yaml=parse(write("a", "2")))
    assert generations() == [2]
    desk.show(a_yaml=parse(write("a", "2") + "# a comment\n"))
    assert generations() == [2]


def test_a_document_that_is_gone_deletes_its_object(desk, write, parse):
    desk.show(a_yaml=parse(write("b") + write("a")))
    assert desk.show(a_yaml=parse(write("b"))) == [
        Delete(Key(Kind("gateway.networking.k8s.io", "HTTPRoute"), "default", "a"))
    ]


def test_a_place_that_is_gone_deletes_its_objects_and_takes_back_its_report(desk, write, parse):
    desk.show(a_yaml=parse(write("a") + BROKEN))
    assert desk.told("a.yaml")
    desk.show()
    assert desk.spec() == {}
    assert desk.reports["a.yaml"] == ()


def test_an_object_that_moves_to_another_place_is_never_deleted(desk, write, parse):
    desk.show(a_yaml=parse(write("a", "1")))
    events = desk.show(b_yaml=parse(write("a", "2"), "b.yaml"))
    assert not any(isinstance(event, Delete) for event in events)
    assert desk.spec() == {"a": "2"}
    assert [one.generation for one in desk.objects.values()] == [2]


def test_a_broken_document_keeps_what_its_place_said_before_until_it_is_mended(desk, write, parse):
    desk.show(a_yaml=parse(write("a") + write("b")))
    desk.show(a_yaml=parse(write("b", "2") + BROKEN))
    assert desk.spec() == {"a": "1", "b": "2"}
    assert "a.yaml:9: is not valid YAML" in desk.told("a.yaml")
    assert "what was read before stays: HTTPRoute default/a" in desk.told("a.yaml")
    desk.show(a_yaml=parse(write("b", "2")))
    assert desk.spec() == {"b": "2"}
    assert desk.reports["a.yaml"] == ()


def test_a_broken_document_does_not_keep_its_neighbours_from_appearing(desk, write, parse):
    desk.show(a_yaml=parse(write("a") + BROKEN + write("b")))
    assert desk.spec() == {"a": "1", "b": "1"}


def test_a_hint_names_three_objects_that_stay_and_counts_the_rest(desk, write, parse):
    desk.show(a_yaml=parse("".join(map(write, "abcde"))))
    desk.show(a_yaml=parse(BROKEN))
    assert "HTTPRoute default/a, HTTPRoute default/b, HTTPRoute default/c and 2 more" in desk.told("a.yaml")


def test_a_slip_in_the_kind_keeps_the_object_it_was_and_nothing_else(desk, write, parse):
    desk.show(a_yaml=parse(write("a") + write("b")))
    desk.show(a_yaml=parse(write("a", kind="HTTPRuote")))
    assert desk.spec() == {"a": "1"}
    assert "did you mean HTTPRoute (gateway.networking.k8s.io/v1)?" in desk.told("a.yaml")


def test_a_foreign_kind_beside_a_deleted_object_of_the_same_name_keeps_nothing(desk, write, parse):
    desk.show(a_yaml=parse(write("a", kind="Service") + write("a", kind="Deployment")))
    desk.show(a_yaml=parse(write("a", kind="Deployment")))
    assert desk.spec() == {}


def test_of_two_places_that_define_one_object_the_first_stays_and_both_are_named(desk, write, parse):
    desk.show(b_yaml=parse(write("x", "b"), "b.yaml"), a_yaml=parse(write("x", "a")))
    assert desk.spec() == {"x": "a"}
    assert desk.told("a.yaml") == ""
    assert desk.told("b.yaml") == (
        "b.yaml:2: HTTPRoute default/x: is also defined at a.yaml:2, which came first and stays in force\n"
        "    remove or rename one of the two"
    )


def test_a_place_that_comes_later_does_not_take_over_although_it_sorts_first(desk, write, parse):
    b = parse(write("x", "b"), "b.yaml")
    desk.show(b_yaml=b)
    desk.show(b_yaml=b, a_yaml=parse(write("x", "a")))
    assert desk.spec() == {"x": "b"}
    assert "also defined at b.yaml:2" in desk.told("a.yaml")


def test_a_change_of_the_one_in_force_keeps_its_turn(desk, write, parse):
    b = parse(write("x", "b"), "b.yaml")
    desk.show(a_yaml=parse(write("x", "a")), b_yaml=b)
    desk.show(a_yaml=parse(write("x", "a2")), b_yaml=b)
    assert desk.spec() == {"x": "a2"}


def test_the_second_takes_over_when_the_first_goes(desk, write, parse):
    b = parse(write("x", "b"), "b.yaml")
    desk.show(a_yaml=parse(write("x", "a")), b_yaml=b)
    events = desk.show(b_yaml=b)
    assert desk.spec() == {"x": "b"}
    assert not any(isinstance(event, Delete) for event in events)
    assert desk.reports["b.yaml"] == ()


def test_two_documents_of_one_file_double_an_object_like_two_files(desk, write, parse):
    desk.show(a_yaml=parse(write("x", "1") + write("x", "2")))
    assert desk.spec() == {"x": "1"}
    assert desk.told("a.yaml").startswith("a.yaml:8: HTTPRoute default/x: is also defined at a.yaml:2")
    desk.show(a_yaml=parse(write("x", "0") + write("x", "1")))
    assert desk.spec() == {"x": "1"}, "the document that is in force stays wherever it moves"
    desk.show(a_yaml=parse(write("x", "0")))
    assert desk.spec() == {"x": "0"}
    assert desk.reports["a.yaml"] == ()


def test_a_report_names_the_line_where_the_first_stands_now(desk, write, parse):
    b = parse(write("x", "b"), "b.yaml")
    desk.show(a_yaml=parse(write("x", "a")), b_yaml=b)
    desk.show(a_yaml=parse("# a line more\n" + write("x", "a")), b_yaml=b)
    assert "also defined at a.yaml:3" in desk.told("b.yaml")


def test_what_is_gone_or_broken_or_cut_is_believed_only_when_it_stays(write, parse):
    whole = parse(write("a"))
    for doubtful in (Contents(), parse(BROKEN), parse(write("a", "2")[:-1])):
        catalogue = Catalogue()
        catalogue.update({"a.yaml": whole}, 0.0)
        assert catalogue.update({"a.yaml": doubtful}, 1.0) == []
        assert catalogue.due == 1.0 + SETTLE
        assert catalogue.update({"a.yaml": doubtful}, catalogue.due) != []
        assert catalogue.due is None


def test_what_comes_back_in_time_was_never_gone(write, parse):
    catalogue = Catalogue()
    catalogue.update({"a.yaml": parse(write("a"))}, 0.0)
    assert catalogue.update({}, 1.0) == []
    assert catalogue.update({"a.yaml": parse(write("a"))}, 1.001) == []
    assert catalogue.due is None


def test_a_place_that_goes_on_changing_is_not_believed(write, parse):
    catalogue = Catalogue()
    catalogue.update({"a.yaml": parse(write("a") + write("b"))}, 0.0)
    assert catalogue.update({"a.yaml": Contents()}, 1.0) == []
    assert catalogue.update({"a.yaml": parse(write("a"))}, 1.0 + SETTLE) == []
    assert catalogue.due == 1.0 + SETTLE + SETTLE


def test_a_doubtful_place_does_not_hold_up_the_others(write, parse):
    catalogue = Catalogue()
    catalogue.update({"a.yaml": parse(write("a")), "b.yaml": parse(write("b"))}, 0.0)
    events = catalogue.update({"b.yaml": parse(write("b", "2"), "b.yaml")}, 1.0)
    assert [event.object.body["spec"] for event in events] == ["2"]


def test_what_is_added_or_changed_counts_at_once(write, parse):
    catalogue = Catalogue()
    catalogue.update({"a.yaml": parse(write("a"))}, 0.0)
    events = catalogue.update({"a.yaml": parse(write("a", "2") + write("b"))}, 1.0)
    assert [event.object.key.name for event in events] == ["a", "b"]
    assert catalogue.due is None


FAULT = Fault(Diagnostic("is broken", origin=Origin("a.yaml")))

SAID = st.tuples(st.sampled_from("xyz"), st.integers(0, 2))
FILES = st.dictionaries(st.sampled_from(["a", "b", "c"]), st.tuples(st.lists(SAID, max_size=4), st.booleans()))


def contents_of(place: str, said: list[tuple[str, int]], *, broken: bool) -> Contents:
    objects = tuple(object_of(place, line, *one) for line, one in enumerate(said, 1))
    return Contents(objects, (FAULT,) if broken else ())


def object_of(place: str, line: int, name: str, value: int) -> Object:
    body = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": value}
    return Object.of(body, origin=Origin(place, line, f"{name} {value}"))


def show(desk: Desk, files: dict) -> None:
    desk.show(**{place: contents_of(place, said, broken=broken) for place, (said, broken) in files.items()})


@settings(max_examples=300, deadline=None)
@given(st.lists(FILES, min_size=1, max_size=8))
def test_after_any_series_the_events_add_up_to_what_the_files_last_said(series):
    """Every object that a file defines, or said before and cannot be known to have dropped, exists; no other does."""
    desk = Desk()
    last_good: dict[str, dict[str, set[int]]] = {}
    for files in series:
        show(desk, files)
        last_good = {place: known(last_good.get(place, {}), *file) for place, file in files.items()}
        expected: dict[str, set[int]] = {}
        for file in last_good.values():
            for name, values in file.items():
                expected.setdefault(name, set()).update(values)
        assert desk.spec().keys() == expected.keys()
        assert all(value in expected[name] for name, value in desk.spec().items())


def known(before: dict[str, set[int]], said: list[tuple[str, int]], broken: bool) -> dict[str, set[int]]:  # noqa: FBT001  as drawn
    """name -> what a file may be taken to say of it."""
    now: dict[str, set[int]] = {}
    for name, value in said:
        now.setdefault(name, set()).add(value)
    return {**before, **now} if broken else now


@settings(max_examples=200, deadline=None)
@given(
    st.lists(FILES, max_size=6),
    st.dictionaries(st.sampled_from("xyz"), st.tuples(st.sampled_from("abc"), st.integers(0, 2))),
)
def test_files_without_a_fault_mean_the_same_whatever_came_before(series, last):
    """Once nothing is broken or doubled, the objects are exactly those that are written, and no report is left."""
    desk = Desk()
    for files in series:
        show(desk, files)
    show(desk, {place: ([(name, value) for name, (at, value) in last.items() if at == place], False) for place in "abc"})
    assert desk.spec() == {name: value for name, (_, value) in last.items()}
    assert not any(desk.reports.values())
    assert desk.catalogue.update({}, desk.now) == [] or last


@settings(max_examples=200, deadline=None)
@given(st.lists(FILES, min_size=1, max_size=6))
def test_showing_the_same_again_says_nothing(series):
    desk = Desk()
    for files in series:
        show(desk, files)
    show(desk, series[-1])
    assert desk.events == []

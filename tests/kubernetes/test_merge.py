"""Our status laid over the one that an object has: what changes, what stays, and since when."""

from __future__ import annotations

from copy import deepcopy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.kubernetes import merge as module
from providers.kubernetes.merge import merge
from xds.model import Condition, Part, Status

OURS, THEIRS = "legation.dev/gateway", "example.com/other"
NOW, BEFORE = "2026-07-16T12:00:00Z", "2025-01-01T00:00:00Z"

TYPES = ("Accepted", "Programmed", "ResolvedRefs", "PartiallyInvalid")


def dated(kind: str, status: str = "True", at: str = BEFORE, **more):
    """A condition as it stands in Kubernetes."""
    found = {"type": kind, "status": status, "reason": kind, "message": "", "observedGeneration": 1}
    return {**found, "lastTransitionTime": at, **more}


def parent(name: str, *conditions, controller: str = OURS):
    return {"parentRef": {"name": name}, "controllerName": controller, "conditions": list(conditions)}


def route(*parents: tuple[str, bool], generation: int = 1) -> dict:
    """Our status of a route: by parent whether it is accepted."""
    parts = (
        Part(
            "parents",
            name,
            (Condition("Accepted", accepted, "Accepted", "", generation),),
            {"parentRef": {"name": name}, "controllerName": OURS},
        )
        for name, accepted in parents
    )
    return Status((), tuple(parts)).to_json()


def laid(current: dict, ours: dict) -> dict:
    """The whole status, as it is after it was written."""
    return {**current, **merge(current, ours, OURS, NOW)}


class TestTransitionTimes:
    def test_it_is_now_where_nothing_stood(self):
        (entry,) = laid({}, route(("a", True)))["parents"]
        assert entry["conditions"][0]["lastTransitionTime"] == NOW

    def test_it_is_kept_while_the_status_of_the_condition_is_the_same(self):
        current = {"parents": [parent("a", dated("Accepted", reason="Pending", message="waits"))]}
        (condition,) = laid(current, route(("a", True), generation=7))["parents"][0]["conditions"]
        assert condition == dated("Accepted", observedGeneration=7)

    def test_it_moves_with_the_status_of_the_condition(self):
        current = {"parents": [parent("a", dated("Accepted")), parent("b", dated("Accepted"))]}
        a, b = laid(current, route(("a", True), ("b", False)))["parents"]
        assert [one["conditions"][0]["lastTransitionTime"] for one in (a, b)] == [BEFORE, NOW]

    def test_unknown_which_gateways_have_at_first_is_another_status(self):
        current = {"conditions": [dated("Accepted", "Unknown", "1970-01-01T00:00:00Z")]}
        (condition,) = laid(current, Status((Condition("Accepted", True, "Accepted"),)).to_json())["conditions"]
        assert (condition["status"], condition["lastTransitionTime"]) == ("True", NOW)

    def test_a_parent_is_the_same_whatever_the_order_of_its_fields(self):
        current = {"parents": [parent("a", dated("Accepted"))]}
        current["parents"][0]["parentRef"] = {"sectionName": "http", "name": "a"}
        ours = route(("a", True))
        ours["parents"][0]["parentRef"] = {"name": "a", "sectionName": "http"}
        assert laid(current, ours)["parents"][0]["conditions"][0]["lastTransitionTime"] == BEFORE


class TestWhatOthersWrite:
    def test_their_parents_stay_where_they_are(self):
        x, y = parent("x", dated("Accepted"), controller=THEIRS), parent("y", controller=THEIRS)
        current = {"parents": [x, parent("gone"), y, parent("a", dated("Accepted"))]}
        found = laid(current, route(("a", True), ("b", True), ("c", True)))["parents"]
        assert [one["parentRef"]["name"] for one in found] == ["x", "a", "y", "b", "c"]
        assert (found[0], found[2]) == (x, y)

    def test_the_same_parent_under_another_controller_is_theirs(self):
        current = {"parents": [parent("a", dated("Accepted"), controller=THEIRS)]}
        found = laid(current, route(("a", False)))["parents"]
        assert [one["controllerName"] for one in found] == [THEIRS, OURS]
        assert found[1]["conditions"][0]["lastTransitionTime"] == NOW

    def test_conditions_that_gateway_api_does_not_have_stay_where_they_are(self):
        current = {"conditions": [dated("example.com/Dns"), dated("Accepted"), dated("Programmed")]}
        found = laid(current, Status((Condition("Accepted", True, "Accepted"),)).to_json())["conditions"]
        assert [one["type"] for one in found] == ["example.com/Dns", "Accepted"]

    def test_fields_that_we_do_not_write_are_not_touched(self):
        current = {"conditions": [dated("Accepted")], "loadBalancer": {"ingress": []}}
        changed = merge(current, Status((Condition("Accepted", False, "No"),)).to_json(), OURS, NOW)
        assert changed.keys() == {"conditions"}


class TestAnEmptyStatus:
    def test_takes_our_entries_out(self):
        theirs = parent("a", controller=THEIRS)
        assert merge({"parents": [parent("a"), theirs]}, {}, OURS, NOW) == {"parents": [theirs]}
        assert merge({"ancestors": [{"ancestorRef": {}, "controllerName": OURS}]}, {}, OURS, NOW) == {"ancestors": []}

    def test_leaves_a_gateway_alone_which_may_be_anybodys(self):
        current = {"conditions": [dated("Accepted")], "listeners": [{"name": "http", "conditions": []}]}
        assert not merge(current, {}, OURS, NOW)


class TestAGateway:
    def gateway(self, *listeners: str) -> dict:
        parts = (Part("listeners", one, (Condition("Accepted", True, "Accepted"),), {"name": one}) for one in listeners)
        conditions = (Condition("Accepted", True, "Accepted"),)
        return Status(conditions, tuple(parts), {"addresses": [{"value": "10.0.0.1"}]}).to_json()

    def test_a_listener_that_moved_keeps_its_times_and_one_that_is_gone_goes(self):
        listeners = [{"name": one, "attachedRoutes": 1, "conditions": [dated("Accepted")]} for one in ("a", "b")]
        found = laid({"listeners": listeners}, self.gateway("new", "a"))["listeners"]
        times = {one["name"]: one["conditions"][0]["lastTransitionTime"] for one in found}
        assert times == {"new": NOW, "a": BEFORE}

    def test_without_listeners_those_that_stood_go(self):
        current = {"listeners": [{"name": "a", "conditions": []}]}
        assert merge(current, self.gateway(), OURS, NOW)["listeners"] == []

    def test_only_what_differs_is_written(self):
        current = laid({}, self.gateway("a"))
        moved = {**self.gateway("a"), "addresses": [{"value": "10.0.0.2"}]}
        assert merge(current, moved, OURS, "2027-01-01T00:00:00Z") == {"addresses": [{"value": "10.0.0.2"}]}


class TestLimits:
    def test_others_have_the_first_right_to_the_32_parents(self):
        current = {"parents": [parent(f"x{number}", controller=THEIRS) for number in range(30)]}
        found = laid(current, route(*((f"o{number}", True) for number in range(5))))["parents"]
        assert [one["parentRef"]["name"] for one in found[30:]] == ["o0", "o1"]
        full = {"parents": [*current["parents"], *current["parents"][:2]]}
        assert not merge(full, route(("a", True)), OURS, NOW)

    def test_eight_conditions_at_the_most(self):
        conditions = tuple(Condition(f"T{number}", True, "R") for number in range(9))
        found = laid({"conditions": [dated("example.com/X")]}, Status(conditions).to_json())["conditions"]
        assert [one["type"] for one in found] == ["example.com/X", *(f"T{number}" for number in range(7))]

    @pytest.mark.parametrize(("length", "cut"), [(32_768, False), (32_769, True)])
    def test_a_long_message_is_cut(self, length, cut):
        ours = Status((Condition("Accepted", False, "No", "ä" * length),)).to_json()
        (condition,) = laid({}, ours)["conditions"]
        assert len(condition["message"]) == 32_768
        assert condition["message"].endswith("…") is cut

    @pytest.mark.parametrize(
        ("reason", "written"),
        [("Fine", "Fine"), ("A", "A"), ("Not so", "Other"), ("", "Other"), ("A_", "A_"), ("A,", "Other")],
    )
    def test_a_reason_that_kubernetes_refuses_is_another(self, reason, written):
        (condition,) = laid({}, Status((Condition("Accepted", True, reason),)).to_json())["conditions"]
        assert condition["reason"] == written


names = st.sampled_from("abcd")
conditions = st.lists(
    st.builds(
        Condition, st.sampled_from(TYPES), st.booleans(), st.just("R"), st.sampled_from(["", "why"]), st.integers(1, 3)
    ),
    unique_by=lambda one: one.type,
).map(tuple)


def parts(section: str, identity) -> st.SearchStrategy[list[Part]]:
    return st.lists(
        st.builds(lambda name, found: Part(section, name, found, identity(name)), names, conditions),
        unique_by=lambda part: part.name,
    )


ours = st.builds(
    lambda whole, parents, listeners: Status(whole, (*parents, *listeners)).to_json(),
    conditions,
    parts("parents", lambda name: {"parentRef": {"name": name}, "controllerName": OURS}),
    parts("listeners", lambda name: {"name": name}),
)
others = st.lists(st.tuples(st.integers(0, 5), names), max_size=4)


@given(st.lists(ours, min_size=1, max_size=5), others)
def test_whatever_came_before_our_part_is_as_if_it_were_written_for_the_first_time(history, foreign):
    """But for the times; and nothing is to change once it stands."""
    current: dict = {}
    for place, name in foreign:
        current.setdefault("parents", []).insert(place, parent(name, dated("Accepted"), controller=THEIRS))
    before = deepcopy(current)
    for one in history:
        current = laid(current, one)
    last = history[-1]
    assert not merge(current, last, OURS, "2030-01-01T00:00:00Z")
    first = laid({}, last)
    for section in ("conditions", "listeners") if last else ():
        assert timeless(current.get(section, [])) == timeless(first.get(section, []))
    mine = [one for one in current.get("parents", []) if one["controllerName"] == OURS]
    assert timeless(mine) == timeless(first.get("parents", []))
    assert [one for one in current.get("parents", []) if one["controllerName"] == THEIRS] == before.get("parents", [])


@given(ours, ours)
def test_a_time_moves_exactly_where_the_status_does(one, other):
    """Of a condition that the entry had before; a new one has the time of its coming."""
    current = laid({}, one)
    later = {**current, **merge(current, other, OURS, "2030-01-01T00:00:00Z")}
    before = times(current)
    for place, (status, time) in times(later).items():
        kept = place in before and before[place][0] == status
        assert time == (before[place][1] if kept else "2030-01-01T00:00:00Z")


def times(status: dict) -> dict:
    """(status, time) of each condition, by where it is."""
    lists = {("", ""): status.get("conditions", [])}
    for section, identity in (("parents", "parentRef"), ("listeners", "name")):
        lists |= {(section, str(one[identity])): one["conditions"] for one in status.get(section, [])}
    return {
        (*place, one["type"]): (one["status"], one["lastTransitionTime"]) for place, found in lists.items() for one in found
    }


def timeless(found):
    """The same without times."""
    if isinstance(found, dict):
        return {name: timeless(value) for name, value in found.items() if name != "lastTransitionTime"}
    return [timeless(one) for one in found] if isinstance(found, list) else found


def test_the_conditions_of_the_sources_belong_to_us():
    """What is said of a whole object and then no more must not stay."""
    assert {"Accepted", "Programmed", "ResolvedRefs"} <= module.OWN_TYPES

"""What is in force, of all that the providers said."""

from __future__ import annotations

from dataclasses import replace

import pytest
from scripted import Words, key, put, word

from xds.control.ledger import Begun, Ledger
from xds.control.translator import Translator
from xds.model import Delete, Diagnostic, Kind, Listed, Object, Origin, Part, Put, Report, Severity


@pytest.fixture
def ledger():
    return Ledger(Translator([Words()]), ["file", "http"])


class Outspoken(Words):
    """Tells authors under a part of the object."""

    def refuse(self, one, condition, last):
        return replace(last, parts=(Part("parents", one.key.name, (condition,)),))


def names(ledger):
    return {one.key.name for one in ledger.objects}


def reading(ledger):
    return ledger.read(Words().translate(ledger.objects))


def by(name, *events):
    return [(name, event) for event in events]


def test_objects_come_change_and_go(ledger):
    ledger.take(by("file", put("a"), put("b"), put("a", 2, timeout="2s"), Delete(key("b"))))
    assert list(ledger.objects) == [word("a", 2, timeout="2s")]


def test_nothing_new_is_the_same_view(ledger):
    ledger.take(by("file", put("a")))
    before = ledger.objects
    ledger.take(by("file", put("a"), Delete(key("b"))))
    assert ledger.objects is before


def test_who_has_not_listed_is_waited_for(ledger):
    assert ledger.waiting_for() == ["file", "http"]
    ledger.take(by("http", Listed()))
    assert ledger.waiting_for() == ["file"]


class TestAnObjectThatIsWrong:
    def test_it_is_not_taken_over_and_its_neighbour_is(self, ledger):
        ledger.take(by("file", put("a", wrong=1), put("b")))
        assert names(ledger) == {"b"}
        assert reading(ledger).written == 2

    def test_its_last_good_version_stays_and_its_status_and_hint_say_so(self, ledger):
        ledger.take(by("file", put("a")))
        ledger.take(by("file", put("a", 2, wrong=1)))
        assert ledger.objects.get(key("a")) == word("a")
        read = reading(ledger)
        accepted = next(one for one in read.statuses[key("a")].conditions if one.type == "Accepted")
        assert (accepted.status, accepted.reason, accepted.observed_generation) == (False, "Invalid", 2)
        assert accepted.message == "spec.wrong must not be there; the last good version stays in force"
        assert [str(one) for one in read.complaints] == [
            (
                "words.yaml:1: Word default/a: spec.wrong must not be there\n"
                "    take it out; until this is mended, its last good version stays in force"
            )
        ]

    def test_a_source_that_has_a_say_in_it_tells_where(self):
        ledger = Ledger(Translator([Outspoken()]), ["file"])
        ledger.take(by("file", put("a"), put("b", wrong=1)))
        ledger.take(by("file", put("a", 2, wrong=1)))
        statuses = reading(ledger).statuses
        assert {one.type for one in statuses[key("a")].conditions} == {"Resolved"}, "as it was"
        (part,), (other,) = statuses[key("a")].parts, statuses[key("b")].parts
        assert part.conditions[0].message == "spec.wrong must not be there; the last good version stays in force"
        assert other.conditions[0].message == "spec.wrong must not be there"

    def test_mended_it_is_as_any_other(self, ledger):
        ledger.take(by("file", put("a", wrong=1)))
        ledger.take(by("file", put("a", 2)))
        assert names(ledger) == {"a"}
        assert reading(ledger).complaints == ()
        assert {one.type for one in reading(ledger).statuses[key("a")].conditions} == {"Resolved"}

    def test_deleted_its_last_good_version_goes_too(self, ledger):
        ledger.take(by("file", put("a"), put("a", 2, wrong=1)))
        ledger.take(by("file", Delete(key("a"))))
        assert names(ledger) == set()
        assert reading(ledger).complaints == ()
        assert reading(ledger).statuses == {}

    def test_a_warning_keeps_nothing_out(self, ledger):
        kind = Object.of({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a"}})
        ledger.take(by("http", Put(kind), put("b")))
        (told,) = reading(ledger).complaints
        assert told.severity is Severity.WARNING
        assert str(told) == (
            "Deployment default/a: is of kind Deployment (apps/v1), which nothing loaded here understands\n"
            "    it is left out; if something should understand it, load the source that does"
        )


class TestAnObjectThatTwoProvidersSay:
    @pytest.mark.parametrize("order", [("file", "http"), ("http", "file")])
    def test_the_one_of_the_provider_that_is_named_first_counts_whoever_came_first(self, ledger, order):
        said = {"file": put("a", timeout="1s"), "http": put("a", line=9, timeout="2s")}
        for name in order:
            ledger.take(by(name, said[name]))
        assert ledger.objects.get(key("a")) == word("a", timeout="1s")
        assert [str(one) for one in reading(ledger).complaints] == [
            (
                "words.yaml:9: Word default/a: is said by the provider http too; that of file, which the settings name"
                " first, is in force\n    remove or rename one of the two"
            )
        ]

    def test_the_second_takes_over_when_the_first_takes_it_back(self, ledger):
        ledger.take([*by("file", put("a", timeout="1s")), *by("http", put("a", timeout="2s"))])
        ledger.take(by("file", Delete(key("a"))))
        assert ledger.objects.get(key("a")) == word("a", timeout="2s")
        assert reading(ledger).complaints == ()

    def test_the_second_takes_nothing_of_the_first_away(self, ledger):
        ledger.take([*by("file", put("a"), put("a", 2, wrong=1)), *by("http", put("a", timeout="2s"))])
        ledger.take(by("http", Delete(key("a"))))
        assert ledger.objects.get(key("a")) == word("a")

    def test_a_wrong_second_does_not_inherit_what_the_first_had(self, ledger):
        ledger.take([*by("file", put("a")), *by("http", put("a", wrong=1))])
        ledger.take(by("file", Delete(key("a"))))
        assert names(ledger) == set()


class TestAProviderThatIsStartedAgain:
    def test_what_it_said_stays_until_it_has_listed_again(self, ledger):
        ledger.take(by("file", Begun(), put("a"), put("b"), Listed()))
        ledger.take(by("file", Begun(), put("a")))
        assert names(ledger) == {"a", "b"}
        ledger.take(by("file", Listed()))
        assert names(ledger) == {"a"}

    def test_what_it_said_before_it_failed_half_way_is_doubted_as_well(self, ledger):
        ledger.take(by("file", Begun(), put("a"), Begun(), put("b"), Listed()))
        assert names(ledger) == {"b"}

    def test_what_others_say_is_left_alone(self, ledger):
        ledger.take([*by("file", Begun(), put("a"), Listed()), *by("http", put("b"))])
        ledger.take(by("file", Begun(), Listed()))
        assert names(ledger) == {"b"}

    def test_reports_that_it_does_not_make_again_are_gone(self, ledger):
        report = Report("x.yaml", (Diagnostic("is torn", origin=Origin("x.yaml")),))
        ledger.take(by("file", Begun(), report, Listed(), Begun()))
        assert len(reading(ledger).complaints) == 1
        ledger.take(by("file", Listed()))
        assert reading(ledger).complaints == ()


def test_a_report_takes_the_place_of_the_last_and_an_empty_one_takes_it_back(ledger):
    ledger.take(by("file", Report("x", (Diagnostic("one"),)), Report("x", (Diagnostic("two"),))))
    ledger.take(by("http", Report("x", (Diagnostic("of another"),))))
    assert {one.message for one in reading(ledger).complaints} == {"two", "of another"}
    ledger.take(by("file", Report("x")))
    assert [one.message for one in reading(ledger).complaints] == ["of another"]


def test_complaints_are_in_the_order_of_files_and_lines(ledger):
    ledger.take(by("file", put("z", line=9, wrong=1), put("b", line=20, missing="x"), put("a", line=3, missing="y")))
    assert [one.origin.line for one in reading(ledger).complaints] == [3, 9, 20]


def test_a_kind_of_another_group_is_unknown(ledger):
    other = Object.of({"apiVersion": "other.dev/v1", "kind": "Word", "metadata": {"name": "a"}})
    assert other.key.kind != Kind("acme.dev", "Word")
    ledger.take(by("file", Put(other)))
    assert "which nothing loaded here understands" in str(reading(ledger).complaints[0])


def test_an_object_that_only_moved_is_no_change_and_is_complained_of_where_it_stands_now(ledger):
    ledger.take(by("file", put("a", line=3, missing="x")))
    before = ledger.objects
    ledger.take(by("file", put("a", line=8, missing="x")))
    assert ledger.objects.changed_since(before) == set()
    assert [one.origin.line for one in reading(ledger).complaints] == [8]

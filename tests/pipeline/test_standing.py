"""What proxies refuse, laid over the statuses of the objects that it was made from."""

from __future__ import annotations

from dataclasses import replace

import pytest
from scripted import key, put, until, word

from xds.control.reading import Reading
from xds.control.standing import laid_over
from xds.model import Condition, Listed, Node, Objects, Part, Refusal, Status, Translation
from xds.model.type_url import CDS
from xds.protocol import DELTA, Rejected, Stream
from xds.server.fleet import Session, Visit

WORDS = "ConnectTimeout: value must be greater than 0s"


def programmed(status: Status) -> list[Condition]:
    return [one for one in status.conditions if one.type == "Programmed"]


class TestARefusal:
    @pytest.fixture
    def refuse(self):
        """A proxy refuses what the group is served under a name now."""

        def refuse(fleet, name):
            one = fleet.snapshots()["acme"].get((CDS, name))
            session = Session(Visit(Node("envoy-1", "acme"), "acme"), "127.0.0.1:1", Stream(DELTA))
            fleet.judge(session, Rejected(CDS, (one,), (one,), WORDS))

        return refuse

    async def test_is_written_back_to_the_author_with_the_proxys_words_and_taken_back_when_mended(
        self, world, writer, refuse
    ):
        writer.say(put("a"), put("b", 7), Listed())
        async with world() as made:
            await until(lambda: len(writer.written) == 1)
            refuse(made.fleet, "b")
            await until(lambda: len(writer.written) == 2)
            assert writer.written[1].keys() == {key("b")}
            (condition,) = programmed(writer.written[1][key("b")])
            assert (condition.status, condition.reason, condition.observed_generation) == (False, "Invalid", 7)
            assert condition.message == f"acme: cds b was refused: {WORDS} (nothing is in force in its place)"
            writer.say(put("b", 8, timeout="2s"))
            await until(lambda: len(writer.written) == 3)
            assert not programmed(writer.written[2][key("b")])

    async def test_shows_at_once_to_who_looks(self, world, teller, refuse):
        """Without waiting for a turn of the event loop."""
        teller.say(put("a"), Listed())
        async with world() as made:
            await until(made.served)
            refuse(made.fleet, "a")
            assert programmed(made.pipeline.standing.look()[key("a")])

    async def test_names_the_objects_that_it_was_made_from(self, world, teller, refuse, caplog):
        teller.say(put("a"), Listed())
        async with world() as made:
            await until(made.served)
            refuse(made.fleet, "a")
            (one,) = made.fleet.refusals()
            assert one.authors == (key("a"),)
            await until(lambda: f"acme: cds a was refused: {WORDS} (nothing is in force in its place)" in caplog.text)


def laid(status: Status, *refusals: Refusal) -> Status:
    reading = Reading(Objects.of([word("a")]), Translation(statuses={key("a"): status}))
    return laid_over(reading, refusals)[key("a")]


def refused(group: str, *, name: str = "x", kept: bool = False) -> Refusal:
    return Refusal(group, CDS, name, "1", "no", kept, (key("a"),))


def test_of_an_object_with_parts_only_that_of_the_group_is_not_programmed():
    parts = tuple(Part("parents", name, (), group=name) for name in ("default/a", "default/b"))
    status = laid(Status(parts=parts), refused("default/b", kept=True))
    assert not status.conditions
    assert not status.parts[0].conditions
    (condition,) = status.parts[1].conditions
    assert condition.message == "default/b: cds x was refused: no (its last good version stays in force)"


def test_all_that_was_refused_of_an_object_is_one_condition_in_the_place_of_its_own():
    status = laid(Status((Condition("Programmed", True, "Programmed"),)), refused("g"), refused("g", name="y"))
    (condition,) = status.conditions
    assert "cds x was refused" in condition.message
    assert "cds y was refused" in condition.message


def test_an_address_that_the_proxys_host_does_not_have_is_told_from_other_reasons():
    words = "cannot bind '10.250.0.1:80': Cannot assign requested address"
    status = laid(Status(), refused("g"), replace(refused("g", name="y"), message=words))
    assert [one.reason for one in status.conditions] == ["AddressNotUsable"]


def test_an_object_that_is_gone_has_no_status():
    assert not laid_over(Reading(), [refused("g")])

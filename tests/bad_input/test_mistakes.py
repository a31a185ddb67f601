"""Every mistake of the table: said once and clearly, the right condition, and nobody else is touched."""

from __future__ import annotations

import pytest
from mistakes import GOOD_GATEWAY, GOOD_ROUTE, MISTAKES, Mistake

from xds.codec import resource_to_json
from xds.model import Snapshot
from xds.model.type_url import RDS

every_mistake = pytest.mark.parametrize("mistake", MISTAKES.values(), ids=MISTAKES)


def lines_of(mistake: Mistake) -> list[str]:
    """What `check` prints of it: the severity stands after the place."""
    place, _, rest = mistake.said.partition(": ")
    return [f"{place}: {mistake.severity}: {rest}".splitlines()[0], *mistake.said.splitlines()[1:]]


@every_mistake
def test_check_says_it_once(here, legation, mistake):
    (here / "bad.yaml").write_text(mistake.text)
    code, out, err = legation("check", "good", "bad.yaml")
    said = [line for line in out.splitlines()[:-1] if not _is_the_other_listener(line)]
    assert said == lines_of(mistake)
    assert (code, err) == (1 if mistake.severity == "error" else 0, "")


@every_mistake
async def test_a_running_plane_says_it_once_and_serves_all_else_as_before(here, live, mistake):
    async with live("good", "bad.yaml") as made:
        before = made.served["default/edge"]
        made.caplog.clear()
        made.save(here / "bad.yaml", mistake.text)
        await made.until(lambda: mistake.said in made.complaints())
        await made.until(lambda: (mistake.severity, mistake.said) in made.told())
        assert [one for one in made.told() if not _is_the_other_listener(one[1])] == [(mistake.severity, mistake.said)]
        assert mistake.condition is None or mistake.condition in made.conditions()
        _must_be_untouched(before, made.served["default/edge"], answers_500=mistake.answers_500)

        made.save(here / "bad.yaml", "# mended\n")
        await made.until(lambda: all("has no document" in one for one in made.complaints()))
        assert made.served["default/edge"] == before
        assert {key.name for key, *_ in made.conditions()} == set()


def _is_the_other_listener(line: str) -> bool:
    """A conflict has two sides, and each is told its own."""
    return "(listener y: Accepted is False, HostnameConflict)" in line


def _must_be_untouched(before: Snapshot, now: Snapshot, *, answers_500: bool) -> None:
    assert [one for one in now if one.type_url != RDS] == [one for one in before if one.type_url != RDS]
    if not answers_500:
        assert now == before
        return
    (old,), (new,) = (_virtual_hosts(one) for one in (before, now))
    assert new.pop("bad.example") == [{"status": 500}]
    assert new == old


def _virtual_hosts(snapshot: Snapshot):
    """Of each RouteConfiguration: domain -> what its routes answer themselves, or all of what they do."""
    for one in snapshot.of_type(RDS).values():
        body = resource_to_json(one)
        yield {
            domain: [entry.get("direct_response", entry) for entry in host.get("routes", ())]
            for host in body["virtual_hosts"]
            for domain in host["domains"][:1]
        }


BREAKS = {
    "a port out of range": (
        "gateway.yaml",
        GOOD_GATEWAY,
        ("8080", "80800"),
        "spec.listeners[0].port must be between 1 and 65535",
    ),
    "a wrong type": ("route.yaml", GOOD_ROUTE, ("[good.example]", "good.example"), "spec.hostnames must be a list"),
    "torn YAML": ("route.yaml", GOOD_ROUTE, ("endpoints:", "endpoints: ]"), "is not valid YAML"),
}


@pytest.mark.parametrize(("file", "good", "slip", "words"), BREAKS.values(), ids=BREAKS)
async def test_a_mistake_in_what_is_served_leaves_the_last_good_version_in_force(here, live, file, good, slip, words):
    async with live("good") as made:
        before = made.served
        made.save(here / "good" / file, good.replace(*slip))
        await made.until(made.complaints)
        (told,) = made.complaints()
        assert words in told
        assert "until this is mended," in told
        assert made.served == before
        made.save(here / "good" / file, good)
        await made.until(lambda: not made.complaints())
        assert made.served == before
        assert made.conditions() == set()

"""Resources and snapshots: versions of content, sharing, and what dangles."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xds.model import NO_RESOURCES, Resource, Resources, Snapshot, dangling, version_of
from xds.model.type_url import CDS, ECDS, EDS, LDS, PREFIX, RDS, SDS, SRDS, VHDS, short_type


def one(name: str, type_url: str = CDS, version: str = "1", **names: str) -> Resource:
    """A resource; `names` are short type -> name of what it refers to."""
    by_short = {short_type(url): url for url in (CDS, EDS, RDS, SDS, SRDS)}
    return Resource(type_url, name, version, b"x", frozenset((by_short[short], to) for short, to in names.items()))


def test_versions_are_short_and_of_content_alone():
    assert version_of(b"a") == version_of(b"a") != version_of(b"b")
    assert len(version_of(b"a")) == 16


@given(names=st.lists(st.text(min_size=1), unique=True), data=st.data())
def test_the_order_of_resources_does_not_matter(names, data):
    made = [one(name) for name in names]
    shuffled = Resources.of(data.draw(st.permutations(made)))
    assert shuffled == Resources.of(made)
    assert shuffled.version == Resources.of(made).version


def test_an_edited_snapshot_shares_what_is_unchanged():
    before = Snapshot.of([one("a"), one("b"), one("a", EDS), one("r", RDS)])
    after = before.edited([one("a", version="2"), one("l", LDS)], [(CDS, "b"), (RDS, "r"), (SDS, "none")])
    assert {(each.type_url, each.name, each.version) for each in after} == {
        (CDS, "a", "2"),
        (LDS, "l", "1"),
        (EDS, "a", "1"),
    }
    assert after.of_type(EDS) is before.of_type(EDS)
    change = after.of_type(CDS).since(before.of_type(CDS))
    assert (set(change.upserts), change.removals) == ({"a"}, ("b",))


def test_resources_are_a_mapping_by_name():
    listed = Resources.of([one("b"), one("a"), one("a", version="2")])
    assert (set(listed), len(listed), listed["a"].version, "b" in listed) == ({"a", "b"}, 2, "2", True)
    assert repr(listed) == "Resources(a, b)"
    assert listed != {"a": one("a")}
    with pytest.raises(TypeError):
        hash(listed)


def test_every_content_has_its_own_version():
    listed = [Resources.of(made) for made in ([], [one("a")], [one("a", version="2")], [one("b")], [one("a"), one("b")])]
    assert len({resources.version for resources in listed}) == len(listed)


def test_a_resource_is_what_its_version_says():
    assert one("a") == Resource(CDS, "a", "1", b"other", frozenset({(EDS, "a")}))
    assert one("a").reference == (CDS, "a")
    assert sorted(one("a", LDS, rds="r", cds="c").names(RDS)) == ["r"]


def test_a_snapshot_finds_by_type_and_name():
    snapshot = Snapshot.of([one("a"), one("a", EDS), one("b")])
    assert snapshot.get((EDS, "a")) == one("a", EDS)
    assert snapshot.get((EDS, "b")) is None
    assert snapshot.of_type(RDS) is NO_RESOURCES
    assert (len(snapshot), {thing.name for thing in snapshot}) == (3, {"a", "b"})


def test_a_snapshot_shares_what_is_equal():
    old = Snapshot.of([one("a"), one("e", EDS)])
    new = Snapshot.of([one("a"), one("e", EDS, "2")]).sharing(old)
    assert new.of_type(CDS) is old.of_type(CDS)
    assert new.get((EDS, "e")).version == "2"
    assert Snapshot.of([one("e", EDS), one("a")]).sharing(old) is old


def test_a_type_less_or_something_withheld_is_another_snapshot():
    old = Snapshot.of([one("a"), one("e", EDS)])
    assert Snapshot.of([one("a")]).sharing(old).types.keys() == {CDS}
    withheld = Snapshot(old.types, frozenset({(CDS, "b")}))
    assert withheld.sharing(old).withheld == {(CDS, "b")}
    assert withheld.sharing(withheld) is withheld


def test_what_is_named_and_not_there_dangles():
    snapshot = Snapshot.of(
        [one("l", LDS, rds="r", sds="s", cds="gone"), one("r", RDS, cds="c"), one("c", eds="e"), one("spare", EDS)]
    )
    assert dangling(snapshot) == [
        "cds 'c' names eds 'e', which is not in the snapshot",
        "lds 'l' names cds 'gone', which is not in the snapshot",
        "lds 'l' names sds 's', which is not in the snapshot",
    ]


def test_scopes_and_virtual_hosts_dangle_too():
    """Rows 91, 108."""
    snapshot = Snapshot.of([one("s", SRDS, rds="gone"), one("r/v", VHDS, cds="gone"), one("x", ECDS, cds="gone")])
    assert dangling(snapshot) == [
        "ecds 'x' names cds 'gone', which is not in the snapshot",
        "srds 's' names rds 'gone', which is not in the snapshot",
        "vhds 'r/v' names cds 'gone', which is not in the snapshot",
    ]


def test_a_resource_is_found_by_its_aliases():
    host = Resource(VHDS, "r/v", "1", b"", aliases=("r/a", "r/b"))
    assert dict(Resources.of([one("a"), host]).by_alias) == {"r/a": host, "r/b": host}


def test_a_consistent_snapshot_does_not_dangle():
    """Extra resources are no fault."""
    assert dangling(Snapshot.of([one("l", LDS, rds="r"), one("r", RDS, cds="c"), one("c"), one("spare", EDS)])) == []


def test_a_type_that_nobody_knows_is_its_own_short_name():
    assert short_type(PREFIX + "some.Thing") == "some.Thing"
    assert short_type(CDS) == "cds"

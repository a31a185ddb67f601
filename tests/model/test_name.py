"""Names that are URIs: which of them are the same, and what a glob is over."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xds.model.name import canonical, glob_over, is_glob, type_in

WORD = st.text("ab/%*:é ", min_size=1, max_size=4)


@pytest.mark.parametrize("name", ["", "a", "*", "http://a/b/c", "xdstp:/a/b/c", "outbound|80||a.b.svc"])
def test_any_other_name_is_opaque(name):
    assert canonical(name) is name
    assert (is_glob(name), glob_over(name), type_in(name)) == (False, "", None)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("xdstp://x/t.T/a?b=1&a=2", "xdstp://x/t.T/a?a=2&b=1"),
        ("xdstp://x/t.T/a?", "xdstp://x/t.T/a"),
        ("xdstp://x/t.T/a%3Ab", "xdstp://x/t.T/a:b"),
        ("xdstp://x/t.T/a?k=%2f", "xdstp://x/t.T/a?k=%2F"),
        ("xdstp:///t.T/a?k", "xdstp:///t.T/a?k="),
    ],
)
def test_equivalent_names_have_one_spelling(one, other):
    assert canonical(one) == canonical(other)


@pytest.mark.parametrize(
    "other", ["xdstp://y/t.T/a?k=1", "xdstp://x/t.U/a?k=1", "xdstp://x/t.T/b?k=1", "xdstp://x/t.T/a?k=2", "xdstp://x/t.T/a"]
)
def test_names_that_differ_in_a_component_are_others(other):
    assert canonical("xdstp://x/t.T/a?k=1") != canonical(other)


def test_a_slash_inside_a_segment_is_none_between_two():
    assert canonical("xdstp://x/t.T/a%2Fb") == "xdstp://x/t.T/a%2Fb"


@pytest.mark.parametrize("name", ["xdstp://", "xdstp://x", "xdstp://x/t.T", "xdstp://x/t.T/", "xdstp://x/t.T/a#entry=b"])
def test_what_is_no_valid_name_stays_as_it_is(name):
    assert canonical(name) == name
    assert type_in(name) is None


@given(authority=WORD, path=WORD, context=st.lists(WORD, max_size=3))
def test_the_canonical_spelling_is_its_own(authority, path, context):
    name = canonical(f"xdstp://{authority}/t.T/{path}?{'&'.join(context)}")
    assert canonical(name) == name


def test_the_type_is_read():
    assert type_in("xdstp://x/envoy.config.cluster.v3.Cluster/a/b?c=d") == "envoy.config.cluster.v3.Cluster"


@pytest.mark.parametrize(
    ("name", "glob"),
    [
        ("xdstp://x/t.T/a/b", "xdstp://x/t.T/a/*"),
        ("xdstp://x/t.T/a/b?k=/v", "xdstp://x/t.T/a/*?k=/v"),
        ("xdstp://x/t.T/b", "xdstp://x/t.T/*"),
        ("xdstp://x/t.T/a/*", "xdstp://x/t.T/a/*"),
    ],
)
def test_a_glob_is_over_one_directory_and_its_context(name, glob):
    assert glob_over(name) == glob
    assert is_glob(glob)
    assert is_glob(name) == (name == glob)

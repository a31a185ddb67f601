"""Which of two hostnames covers the other."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources.gatewayapi.hostname import covering, covers, intersection, narrowest

HOSTNAMES = st.sampled_from(["*", "*.com", "*.a.com", "a.com", "b.a.com", "c.b.a.com", "*.b.a.com", "xa.com", "d.org"])


@pytest.mark.parametrize(
    ("general", "special", "expected"),
    [
        ("*", "a.com", True),
        ("*", "*", True),
        ("a.com", "a.com", True),
        ("*.a.com", "b.a.com", True),
        ("*.a.com", "c.b.a.com", True),
        ("*.a.com", "*.b.a.com", True),
        ("*.a.com", "*.a.com", True),
        ("*.a.com", "a.com", False),
        ("*.a.com", "xa.com", False),
        ("*.b.a.com", "*.a.com", False),
        ("a.com", "*", False),
        ("a.com", "b.a.com", False),
    ],
)
def test_a_wildcard_covers_every_name_below_it_and_not_its_own(general, special, expected):
    assert covers(general, special) is expected


@given(HOSTNAMES, HOSTNAMES)
def test_the_intersection_is_the_one_that_the_other_covers(one, other):
    both = intersection(one, other)
    assert both == intersection(other, one)
    assert both in (one, other, None)
    assert (both is None) == (not covers(one, other) and not covers(other, one))
    assert both is None or (covers(one, both) and covers(other, both))


def test_the_narrowest_is_an_exact_name_or_else_the_longest_wildcard():
    hostnames = ["*", "*.com", "a.com", "*.a.com"]
    found = [narrowest(hostnames, one) for one in ("a.com", "b.a.com", "*.b.a.com", "b.com", "d.org")]
    assert found == ["a.com", "*.a.com", "*.a.com", "*.com", "*"]
    assert narrowest([], "a.com") == "*"


@given(HOSTNAMES, HOSTNAMES)
def test_a_domain_is_covered_by_exactly_the_hostnames_listed(one, domain):
    assert covers(one, domain) == (one in covering(domain))

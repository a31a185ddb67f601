"""The heap: no collections while it grows, and none of what it has grown to."""

from __future__ import annotations

import gc

import pytest

from xds.control.heap import growing


@pytest.fixture(autouse=True)
def _thawed():
    gc.unfreeze()
    yield
    gc.unfreeze()


def test_nothing_is_collected_while_it_grows():
    with growing():
        assert not gc.isenabled()
    assert gc.isenabled()


def test_what_it_has_grown_to_stays():
    with growing():
        assert not gc.get_freeze_count()
    assert gc.get_freeze_count()


def test_collections_go_on_whatever_happens():
    with pytest.raises(ZeroDivisionError), growing():
        1 / 0  # noqa: B018  what happens
    assert gc.isenabled()

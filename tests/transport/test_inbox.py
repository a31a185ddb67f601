"""Inboxes: messages out of frames, and what is unread is bounded by the window, however it came."""

from __future__ import annotations

import pytest
from raw_client import framed

from xds.model import ProtocolError
from xds.server.inbox import Inbox, Quota

NOBODY = lambda: None  # noqa: E731


@pytest.fixture
def room():
    """What was given back of the window."""
    return []


@pytest.fixture
def quota():
    return Quota(100)


@pytest.fixture
def inbox(quota, room):
    return Inbox(quota, room.append, NOBODY)


def test_a_message_that_is_read_makes_room(inbox, room):
    inbox.add(framed(b"abc") + framed(b"de"), 15)
    assert inbox.take() == b"abc"
    assert (sum(room), inbox.unacked_size()) == (8, 7)
    assert inbox.take() == b"de"
    assert (sum(room), inbox.unacked_size()) == (15, 0)
    assert inbox.take() is None


def test_what_is_not_read_makes_no_room(inbox, room):
    for _ in range(100):
        inbox.add(b"x", 1)
    assert (room, inbox.unacked_size()) == ([], 100)


@pytest.mark.parametrize("cut", range(1, 8))
def test_what_there_is_of_a_message_that_is_waited_for_makes_room(inbox, room, cut):
    """Padding, too: frames may use up more of the window than they bring."""
    data = framed(b"abc")
    inbox.add(data[:cut], cut + 10)
    assert inbox.take() is None
    assert sum(room) == cut + 10
    inbox.add(data[cut:], 8 - cut)
    assert inbox.take() == b"abc"
    assert sum(room) == 18


def test_an_empty_frame_is_not_the_end(inbox):
    inbox.add(b"", 0)
    assert not inbox.is_over
    inbox.add(framed(b""), 5)
    assert inbox.take() == b""


def test_the_end_comes_after_what_there_is(inbox):
    inbox.add(framed(b"ab"), 7)
    inbox.eof()
    assert not inbox.is_over
    assert inbox.take() == b"ab"
    assert inbox.is_over
    assert inbox.take() is None


def test_there_is_news_whenever_something_comes(quota, room):
    told = []
    inbox = Inbox(quota, room.append, lambda: told.append(1))
    inbox.add(b"a", 1)
    inbox.eof()
    assert len(told) == 2


def test_what_is_under_way_on_a_connection_is_counted_until_it_is_there(quota, room):
    one, other, third = (Inbox(quota, room.append, NOBODY) for _ in range(3))
    for inbox in (one, other, third):
        inbox.add(framed(b"x" * 100)[:50], 50)
    assert one.take() is other.take() is None
    with pytest.raises(ProtocolError, match="too much"):
        third.take()
    one.close()
    one.close()
    assert third.take() is None
    other.add(b"x" * 55, 55)
    assert other.take() == b"x" * 100
    quota.take(100)
    with pytest.raises(ProtocolError, match="too much"):
        quota.take(1)

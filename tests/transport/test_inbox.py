"""Inboxes: what is unread is bounded by the window, however it came."""

from __future__ import annotations

import anyio
import pytest

from xds.server.inbox import Inbox


@pytest.fixture
def room():
    """What was given back of the window."""
    return []


@pytest.fixture
def inbox(room):
    return Inbox(room.append)


async def test_what_is_read_makes_room(inbox, room):
    inbox.add(b"abcdef", 6)
    assert await inbox.read(4) == b"abcd"
    assert (sum(room), inbox.unacked_size()) == (4, 2)


async def test_what_is_not_read_makes_no_room(inbox, room):
    for _ in range(100):
        inbox.add(b"x", 1)
    assert (room, inbox.unacked_size()) == ([], 100)


async def test_a_reader_that_waits_makes_room_for_what_it_waits_for(inbox, room):
    """Padding, too: frames may use up more of the window than they bring."""
    inbox.add(b"ab", 10)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(inbox.read, 4)
        await anyio.wait_all_tasks_blocked()
        assert sum(room) == 10
        inbox.add(b"cd", 2)
    assert sum(room) == 12


async def test_an_empty_frame_is_not_the_end(inbox):
    inbox.add(b"", 0)
    inbox.add(b"ab", 2)
    assert await inbox.read(2) == b"ab"


async def test_the_end_gives_what_there_is(inbox):
    inbox.add(b"ab", 2)
    inbox.eof()
    assert [await inbox.read(5), await inbox.read(5)] == [b"ab", b""]

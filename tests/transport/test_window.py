"""Windows: what goes past h2 is in its accounts all the same."""

from __future__ import annotations

import pytest
from h2.exceptions import FlowControlError
from h2.windows import WindowManager
from hyperframe.frame import Frame, WindowUpdateFrame

from xds.server.window import SETTLED, Window

SIZE = 4 * SETTLED


@pytest.fixture
def manager():
    return WindowManager(SIZE)


@pytest.fixture
def window(manager):
    return Window(5, manager)


def increment(said: bytes) -> int:
    """What a client hears: it is of stream 5."""
    if not said:
        return 0
    frame, size = Frame.parse_frame_header(memoryview(said[:9]))
    frame.parse_body(memoryview(said[9 : 9 + size]))
    assert isinstance(frame, WindowUpdateFrame)
    assert frame.stream_id == 5
    return frame.window_increment


def test_a_client_that_is_read_may_go_on_for_ever(window):
    """As it counts itself, byte by byte."""
    room = SIZE
    for _ in range(1000):
        room += increment(window.pass_by(1000)) - 1000
        assert room > 0


def test_what_is_not_read_uses_the_window_up(window):
    window.consume(SIZE)
    with pytest.raises(FlowControlError):
        window.consume(1)


def test_what_is_read_makes_room(window):
    window.consume(SIZE)
    assert increment(window.free(SIZE)) == SIZE
    window.consume(SIZE)


def test_what_passes_by_is_too_much_where_there_is_no_room(window):
    window.consume(SIZE)
    with pytest.raises(FlowControlError):
        window.pass_by(SETTLED)

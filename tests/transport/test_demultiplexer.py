"""Demultiplexers: whole DATA frames of attached streams go there, and every other byte, in order, to h2."""

from __future__ import annotations

import pytest
from hyperframe.frame import ContinuationFrame, DataFrame, HeadersFrame, PingFrame, RstStreamFrame

from xds.server.demultiplexer import Demultiplexer

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
OURS = DataFrame(1, data=b"ours").serialize()
THEIRS = DataFrame(3, data=b"theirs").serialize()
PING = PingFrame(0, opaque_data=b"12345678").serialize()


class Stream:
    is_attached = True


STREAM = Stream()


@pytest.fixture
def attached():
    return {1: STREAM}


@pytest.fixture
def frames(attached):
    made = Demultiplexer(attached)
    assert list(made.split(PREFACE)) == [(None, PREFACE)]
    return made


def test_a_frame_of_an_attached_stream_goes_there(frames):
    assert list(frames.split(OURS)) == [(STREAM, b"ours")]


def test_the_order_stays(frames):
    assert list(frames.split(PING + OURS + OURS + THEIRS + PING + OURS)) == [
        (None, PING),
        (STREAM, b"ours"),
        (STREAM, b"ours"),
        (None, THEIRS + PING),
        (STREAM, b"ours"),
    ]


@pytest.mark.parametrize("step", [1, 2, 5, 9, 10, 13, 40])
def test_bytes_come_in_any_pieces(attached, step):
    frames = Demultiplexer(attached)
    said = PREFACE + PING + OURS + THEIRS + OURS + PING
    found = [one for at in range(0, len(said), step) for one in frames.split(said[at : at + step])]
    assert [data for stream, data in found if stream] == [b"ours", b"ours"]
    assert b"".join(data for stream, data in found if not stream) == PREFACE + PING + THEIRS + PING


@pytest.mark.parametrize(
    "frame",
    [
        DataFrame(1, data=b"last", flags=["END_STREAM"]),
        DataFrame(1, data=b"padded", flags=["PADDED"], pad_length=3),
        DataFrame(1, data=b"x" * (2**14 + 1)),
        RstStreamFrame(1),
    ],
)
def test_what_is_not_plain_is_left_to_h2(frames, frame):
    assert list(frames.split(frame.serialize())) == [(None, frame.serialize())]
    assert list(frames.split(OURS)) == [(STREAM, b"ours")]


def test_a_block_of_headers_is_not_taken_apart(frames):
    """What comes inside it is an error, and h2 says so."""
    begin = HeadersFrame(5, data=b"").serialize()
    end = ContinuationFrame(5, data=b"", flags=["END_HEADERS"]).serialize()
    assert list(frames.split(begin + OURS)) == [(None, begin + OURS)]
    assert list(frames.split(end + OURS)) == [(None, end), (STREAM, b"ours")]


def test_a_stream_that_ends_in_the_middle_has_no_more_of_it(frames, attached):
    """h2 hears of what comes after, as it may be an error."""
    reset = RstStreamFrame(1).serialize()
    found = frames.split(OURS + reset + OURS)
    assert next(found) == (STREAM, b"ours")
    assert next(found) == (None, reset)
    attached.clear()
    assert list(found) == [(None, OURS)]


def test_what_was_kept_of_a_stream_that_is_over_goes_to_h2(frames, attached):
    assert list(frames.split(OURS[:11])) == []
    attached.clear()
    assert list(frames.split(OURS[11:])) == [(None, OURS)]

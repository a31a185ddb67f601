"""Demultiplexers: whole DATA frames of open streams go there, and every other byte, in order, to h2."""

from __future__ import annotations

import pytest
from hyperframe.frame import ContinuationFrame, DataFrame, HeadersFrame, PingFrame, RstStreamFrame

from xds.server.demultiplexer import Demultiplexer

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
OURS = DataFrame(1, data=b"ours").serialize()
THEIRS = DataFrame(3, data=b"theirs").serialize()
PING = PingFrame(0, opaque_data=b"12345678").serialize()


class Stream:
    is_open = True


STREAM = Stream()


@pytest.fixture
def open_streams():
    return {1: STREAM}


@pytest.fixture
def frames(open_streams):
    made = Demultiplexer(open_streams)
    assert list(made.split(PREFACE)) == [(None, PREFACE)]
    return made


def test_a_frame_of_an_open_streams_stream_goes_there(frames):
    assert list(frames.split(OURS)) == [(STREAM, b"ours")]


def test_the_order_stays(frames):
    assert list(frames.split(PING + OURS + OURS + THEIRS + PING + OURS)) == [
        (None, PING),
        (STREAM, b"ours"),
        (STREAM, b"ours"),
        (None, THEIRS + PING),
        (STREAM, b"ours"),
    ]


def test_h2_hears_that_a_stream_begins_before_its_data_comes(frames, open_streams):
    """In one read, as a client sends its first request."""
    begin = HeadersFrame(5, data=b"", flags=["END_HEADERS"]).serialize()
    found = frames.split(begin + DataFrame(5, data=b"first").serialize())
    assert next(found) == (None, begin)
    open_streams[5] = STREAM
    assert list(found) == [(STREAM, b"first")]


@pytest.mark.parametrize("step", [1, 2, 5, 9, 10, 13, 40])
def test_bytes_come_in_any_pieces(open_streams, step):
    frames = Demultiplexer(open_streams)
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


def test_a_stream_that_ends_in_the_middle_has_no_more_of_it(frames, open_streams):
    """h2 hears of what comes after, as it may be an error."""
    reset = RstStreamFrame(1).serialize()
    found = frames.split(OURS + reset + OURS)
    assert next(found) == (STREAM, b"ours")
    assert next(found) == (None, reset)
    open_streams.clear()
    assert list(found) == [(None, OURS)]


def test_what_was_kept_of_a_stream_that_is_over_goes_to_h2(frames, open_streams):
    assert list(frames.split(OURS[:11])) == []
    open_streams.clear()
    assert list(frames.split(OURS[11:])) == [(None, OURS)]

"""What a client may send: bounded, compressed or not, and what is none of it ends its own stream alone."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib
from contextlib import suppress

import anyio
import grpc
import pytest
from grpc_client import NODE, clusters, opening
from raw_client import SOON, connected, framed

from xds.server.compression import ACCEPTED

INVALID, EXHAUSTED, UNIMPLEMENTED = "3", "8", "12"
GOAWAY = 7
GZIP, DEFLATE = grpc.Compression.Gzip, grpc.Compression.Deflate


def kinds(frames: bytes) -> list[int]:
    """The types of HTTP/2's frames in these bytes."""
    found = []
    while frames:
        size = int.from_bytes(frames[:3], "big")
        found.append(frames[3])
        frames = frames[9 + size :]
    return found


def heavy(size: int) -> dict:
    """A node of so many bytes, as Envoys have them: in its extensions."""
    return {**NODE, "extensions": [{"name": "x" * size}]}


@pytest.fixture
async def served(serving):
    """A server that takes 100,000 bytes, and another client that must not notice anything."""
    async with serving(max_message_bytes=100_000) as (server, address):
        await server.publish("edge", clusters("a"))
        yield server, address


@pytest.fixture
async def bystander(served, talks, dialect):
    """A stream that others must not disturb: it still gets what is new at the end of the test."""
    server, address = served
    talk = await talks.begin(address, dialect, node={"id": "other", "cluster": "edge"})
    assert await talk.names() == ["a"]
    yield talk
    await server.publish("edge", clusters("b"))
    assert await talk.names() == ["b"]


@pytest.mark.parametrize("compression", [grpc.Compression.NoCompression, GZIP, DEFLATE])
async def test_compressed_requests_are_read(served, talks, dialect, compression):
    """Row 114."""
    _, address = served
    channel = await talks.channel(address)
    talk = await talks.begin(address, dialect, channel=channel, compression=compression, node=heavy(9_000))
    assert await talk.names() == ["a"]
    accepted = dict(await talk.call.initial_metadata()).get("grpc-accept-encoding", ACCEPTED)
    assert accepted == "identity, gzip, deflate"


async def test_what_is_read_is_said(served, dialect):
    _, address = served
    async with connected(address) as client:
        stream = await client.open(dialect)
        await client.send(stream, framed(opening(dialect)))
        await client.until(lambda: client.data(stream))
        (headers, *_) = [dict(one.headers) for one in client.events if hasattr(one, "headers")]
        assert headers["grpc-accept-encoding"] == "identity, gzip, deflate"


async def test_a_request_over_the_limit_ends_its_stream_before_it_is_kept(served, bystander, dialect):
    """Row 114: the length alone is enough."""
    _, address = served
    async with connected(address) as client:
        stream = await client.open(dialect)
        await client.send(stream, framed(b"x" * 100_001)[:5])
        assert await client.status(stream) == (EXHAUSTED, "a message has 100001 bytes, and 100000 is the limit")


async def test_a_real_client_is_told_that_its_request_is_too_long(served, talks, dialect):
    _, address = served
    talk = await talks.begin(address, dialect, node=heavy(200_000))
    assert (await talk.end())[0] == grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_a_request_that_is_longer_than_the_window_is_read(serving, talks, dialect):
    async with serving() as (server, address):
        await server.publish("edge", clusters("a"))
        talk = await talks.begin(address, dialect, node=heavy(5_000_000))
        assert await talk.names() == ["a"]


async def test_a_bomb_is_not_unpacked(served, bystander, dialect):
    """80 MB of zeros in 80 KB, which are never in memory."""
    _, address = served
    bomb = gzip.compress(bytes(80_000_000))
    assert len(bomb) < 100_000
    async with connected(address) as client:
        stream = await client.open(dialect, grpc_encoding="gzip")
        tracemalloc.start()
        try:
            await client.send_patiently(stream, framed(bomb, compressed=True))
            status = await client.status(stream)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert status == (EXHAUSTED, "a message is over 100000 bytes when it is decompressed")
    assert peak < 3_000_000


@pytest.mark.parametrize(
    ("encoding", "body", "status"),
    [
        ("snappy", b"x", UNIMPLEMENTED),
        ("identity", b"x", UNIMPLEMENTED),
        ("gzip", b"no gzip", INVALID),
        ("gzip", gzip.compress(b"x" * 100)[:-9], INVALID),
        ("deflate", gzip.compress(b"x"), INVALID),
        ("gzip", zlib.compress(b"x"), INVALID),
        ("gzip", b"", INVALID),
    ],
)
async def test_what_cannot_be_decompressed_ends_its_stream(served, bystander, dialect, encoding, body, status):
    _, address = served
    async with connected(address) as client:
        stream = await client.open(dialect, grpc_encoding=encoding)
        await client.send(stream, framed(body, compressed=True))
        number, words = await client.status(stream)
        assert (number, encoding in words) == (status, True)


@pytest.mark.parametrize("size", [1, 4, 5, 8])
async def test_a_message_that_is_cut_short_ends_its_stream(served, bystander, dialect, size):
    _, address = served
    async with connected(address) as client:
        stream = await client.open(dialect)
        await client.send(stream, framed(b"12345")[:size], end=True)
        assert await client.status(stream) == (INVALID, "the stream ended inside a message")


async def test_frames_may_be_empty_and_small(served, dialect):
    """A message may come a byte a frame, with empty frames between."""
    _, address = served
    async with connected(address) as client:
        stream = await client.open(dialect)
        for byte in framed(opening(dialect)):
            await client.send(stream, bytes([byte]))
            await client.send(stream, b"")
        await client.until(lambda: client.data(stream))


async def test_a_length_that_is_announced_is_held_to(served, bystander, dialect):
    """h2 counts, so that it must see all of it."""
    _, address = served
    data = framed(opening(dialect))
    async with connected(address) as client:
        stream = await client.open(dialect, content_length=str(len(data)))
        await client.send(stream, data[:20])
        await client.send(stream, data[20:], end=True)
        assert (await client.status(stream))[0] == "0"
        stream = await client.open(dialect, content_length=str(len(data) + 1))
        await client.send(stream, data[:20])
        await client.send(stream, data[20:], end=True)
        await client.until(lambda: client.closed)
        assert client.goaways()


async def test_frames_of_an_unknown_kind_are_ignored(served, dialect):
    """RFC 9113, 5.5."""
    _, address = served
    async with connected(address) as client:
        stream = await client.open(dialect)
        await client.socket.send(b"\x00\x00\x03\xfa\x00\x00\x00\x00\x00abc")
        await client.send(stream, framed(opening(dialect)))
        await client.until(lambda: client.data(stream))


async def test_the_messages_of_a_connection_are_bounded_together(served, bystander, dialect):
    """Twice the limit is under way; what is more is refused, and goes when there is room again."""
    _, address = served
    async with connected(address) as client:
        streams = [await client.open(dialect) for _ in range(3)]
        for stream in streams:
            await client.send(stream, framed(b"x" * 100_000)[:5])
        assert (await client.status(streams[2]))[0] == EXHAUSTED
        await client.send_patiently(streams[0], b"\xff" * 100_000)
        assert (await client.status(streams[0]))[0] == INVALID
        stream = await client.open(dialect)
        await client.send(stream, framed(opening(dialect)))
        await client.until(lambda: client.data(stream))


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(100),
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\x00\x00\x05\x04\x00\x00\x00\x00\x00" + b"\xff" * 100,
        b"\x16\x03\x01\x02\x00",
    ],
    ids=["HTTP/1", "data on no stream", "broken settings", "TLS"],
)
async def test_what_is_no_http2_ends_its_connection(served, bystander, dialect, data, caplog):
    _, address = served
    async with await anyio.connect_tcp(*address) as socket:
        await socket.send(data)
        said = b""
        with anyio.fail_after(SOON), suppress(anyio.EndOfStream, anyio.BrokenResourceError):
            while True:
                said += await socket.receive()
    assert (kinds(said)[-1] == GOAWAY) is data.startswith(b"PRI")
    assert not [one for one in caplog.records if one.levelname in ("ERROR", "WARNING")]

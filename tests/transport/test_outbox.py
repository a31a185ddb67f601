"""Outboxes: what goes past h2 is what a client of h2 reads, however little room it has."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived

from xds.server.outbox import PIECE, Outbox


class Wire:
    """A client and a server of h2's, and a transport between them."""

    def __init__(self) -> None:
        self.client, self.http2 = H2Connection(), H2Connection(H2Configuration(client_side=False))
        self.client.initiate_connection()
        self.http2.initiate_connection()
        self.client.send_headers(1, [(":method", "POST"), (":scheme", "http"), (":path", "/"), (":authority", "a")])
        self.http2.receive_data(self.client.data_to_send())
        self.http2.send_headers(1, [(":status", "200")])
        self.client.receive_data(self.http2.data_to_send())
        self.write_ready = asyncio.Event()
        self.write_ready.set()
        self.transport = SimpleNamespace(write=self.write, writelines=lambda parts: self.write(b"".join(parts)))
        self.seen = b""

    def write(self, data: bytes) -> None:
        self.seen += b"".join(one.data for one in self.client.receive_data(data) if isinstance(one, DataReceived))

    def make_room(self, size: int) -> None:
        self.client.increment_flow_control_window(size)
        self.client.increment_flow_control_window(size, 1)
        self.http2.receive_data(self.client.data_to_send())


@pytest.fixture
def wire():
    return Wire()


@pytest.fixture
def outbox(wire):
    return Outbox(wire, wire.http2.streams[1])


@pytest.mark.parametrize("sizes", [(5, 0, 3), (5, 300, 3), (5, 16_379), (5, 16_379, 1), (5, 16_384, 10), (5, 50_000, 10)])
async def test_a_message_is_read_as_it_was_written(wire, outbox, sizes):
    parts = [bytes([number]) * size for number, size in enumerate(sizes)]
    assert outbox.put(*parts)
    assert wire.seen == b"".join(parts)
    assert outbox.left == 0
    assert wire.http2.local_flow_control_window(1) == 65_535 - sum(sizes)


@pytest.mark.parametrize("step", [1_000, 40_000, 1_000_000])
async def test_what_there_is_no_room_for_goes_on_where_it_stopped(wire, outbox, step):
    parts = b"a" * 5, bytes(range(256)) * 800, b"b" * 9
    assert not outbox.put(*parts)
    assert len(wire.seen) == 65_535
    while outbox.left:
        before = len(wire.seen)
        assert not outbox.go_on()
        assert len(wire.seen) == before
        wire.make_room(step)
        outbox.go_on()
        assert len(wire.seen) == min(before + step, 204_814)
    assert wire.seen == b"".join(parts)


async def test_a_transport_that_is_full_is_not_written_to(wire, outbox):
    """It says so between one piece and the next."""
    wire.make_room(1_000_000)
    wire.transport.writelines = lambda parts: (wire.write(b"".join(parts)), wire.write_ready.clear())
    assert not outbox.put(b"x" * 200_000)
    assert len(wire.seen) == PIECE
    assert not outbox.go_on()
    wire.write_ready.set()
    outbox.go_on()
    assert len(wire.seen) == 2 * PIECE


async def test_what_was_given_up_is_not_written(wire, outbox):
    outbox.put(b"x" * 100_000)
    outbox.clear()
    wire.make_room(100_000)
    assert outbox.go_on()
    assert len(wire.seen) == 65_535

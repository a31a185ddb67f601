"""The HTTP server behind REST and the admin page: what is no HTTP is answered, and not logged."""

from __future__ import annotations

import logging

import anyio
import pytest
from aiohttp import web
from discovery_world import SOON

from xds.server.http_server import serve_http

KEY = b"hush"
GARBAGE = [
    b"\x16\x03\x01 a handshake\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"GET / HTTP/9.9\r\n\r\n",
    b"POST / HTTP/1.1\r\nContent-Length: " + KEY + b"\r\n\r\n",
]


async def answered(address: tuple[str, int], sent: bytes) -> bytes:
    async with await anyio.connect_tcp(*address) as stream:
        await stream.send(sent)
        with anyio.fail_after(SOON):
            return await stream.receive()


@pytest.mark.parametrize("sent", GARBAGE)
async def test_garbage_is_answered_and_not_logged(sent, caplog):
    caplog.set_level(logging.INFO)
    async with serve_http(web.Application(), ("127.0.0.1", 0), setting="it") as address:
        assert b" 400 " in await answered(address, sent)
        assert b" 404 " in await answered(address, b"GET / HTTP/1.1\r\nHost: it\r\n\r\n")
    assert not caplog.records


async def test_what_breaks_in_a_handler_is_logged(caplog):
    async def broken(_: web.Request) -> web.Response:
        raise RuntimeError("a bug")

    app = web.Application()
    app.add_routes([web.get("/", broken)])
    async with serve_http(app, ("127.0.0.1", 0), setting="it") as address:
        assert b" 500 " in await answered(address, b"GET / HTTP/1.1\r\nHost: it\r\n\r\n")
    assert "a bug" in caplog.text

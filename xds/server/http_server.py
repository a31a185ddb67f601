"""The HTTP server: aiohttp's, for the admin page and for REST."""

from __future__ import annotations

import logging
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from xds.server.bind import cannot_listen

log = logging.getLogger(__name__)


def _is_told(record: logging.LogRecord) -> bool:
    """Whether this is for the log. What is no HTTP is not: its client is told, and the words may hold its secrets."""
    return not (record.exc_info and isinstance(record.exc_info[1], HttpProcessingError))


log.addFilter(_is_told)


@asynccontextmanager
async def serve_http(
    app: web.Application, address: tuple[str, int], *, setting: str, flag: str = "", context: ssl.SSLContext | None = None
) -> AsyncIterator[tuple[str, int]]:
    """Serves inside the `async with`; gives the (host, port) that it listens on, where port 0 takes any free one.

    Raises ConfigError, naming what chose the address, when the socket cannot be opened.
    """
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1, logger=log)
    await runner.setup()
    try:
        await web.TCPSite(runner, *address, ssl_context=context).start()
    except OSError as error:
        await runner.cleanup()
        raise cannot_listen(error, address, setting=setting, flag=flag) from error
    try:
        yield runner.addresses[0][:2]
    finally:
        await runner.cleanup()

"""xDS over REST: one request, one response, in JSON. For clients that poll; there is no ADS and no delta here.

https://www.envoyproxy.io/docs/envoy/latest/api-docs/xds_protocol "REST-JSON polling subscriptions"
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Final

import anyio
from aiohttp import web
from anyio import to_thread

from xds.codec.discovery import request_from_json, response_to_json
from xds.model import ConfigError, Principal, ProtocolError
from xds.model.type_url import short_type
from xds.server.authority import Caller
from xds.server.background import background
from xds.server.discovery import Discovery, Fetched
from xds.server.http_server import serve_http
from xds.server.identity import identify
from xds.server.service import PATHS
from xds.server.tls import Certificates, Tls

log = logging.getLogger(__name__)

DISCOVERY: Final = web.AppKey("discovery", Discovery)
MOST: Final = 4 << 20
"""Bytes of a request: a node with all its extensions is 61 KB, the rest are names."""

PATIENCE: Final = 30.0
"""Seconds that a request may take to come."""

STATUS: Final[Mapping[str, int]] = {
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "RESOURCE_EXHAUSTED": 429,
    "UNAVAILABLE": 503,
}
"""gRPC status -> HTTP's for the same; 400 for the rest."""


@asynccontextmanager
async def serve_rest(discovery: Discovery, host: str, port: int, tls: Tls | None = None) -> AsyncIterator[tuple[str, int]]:
    """Serves inside the `async with`; gives the (host, port) that it listens on, where port 0 takes any free one.

    Raises ConfigError when the socket cannot be opened, and for TLS files that are wrong.
    """
    certificates = await to_thread.run_sync(Certificates, tls, "http/1.1") if tls else None
    context = await to_thread.run_sync(certificates.lasting) if certificates else None
    served = serve_http(application(discovery), (host, port), setting="rest.address and rest.port", context=context)
    async with background() as tasks, served as address:
        if certificates is not None:
            tasks.start_soon(certificates.follow)
        log.info("REST, for proxies that poll: %s:%s", *address)
        yield address


def application(discovery: Discovery) -> web.Application:
    """The service without a socket."""
    app = web.Application(client_max_size=MOST)
    app[DISCOVERY] = discovery
    app.add_routes([web.post(path, _answer) for path in PATHS])
    app.add_routes([web.route("*", "/{path:.*}", _unknown)])
    return app


async def _unknown(request: web.Request) -> web.Response:
    known = "".join(f"POST {path}\n" for path in PATHS)
    return web.Response(status=404, text=f"{request.method} {request.path} is not here; there are:\n{known}")


async def _answer(request: web.Request) -> web.Response:
    """Who asks is found out before the request is read."""
    discovery, type_url = request.app[DISCOVERY], PATHS[request.path]
    caller = _caller_of(request)
    try:
        principal = await _authenticate(request, caller)
        fetched = discovery.fetch(principal, request_from_json(await _body(request)), type_url)
    except ProtocolError as error:
        words = discovery.refuse(caller, short_type(type_url), error)
        headers = {"WWW-Authenticate": "Bearer"} if error.code == "UNAUTHENTICATED" else None
        return web.Response(status=STATUS.get(error.code, 400), text=words + "\n", headers=headers)
    return await _response(fetched) if fetched.is_news else web.Response(status=304)


def _caller_of(request: web.Request) -> Caller:
    told = request.get_extra_info
    host, port = (told("peername") or ("unknown", 0))[:2]
    metadata = {name.lower(): value for name, value in request.headers.items()}
    return Caller(host, port, metadata, identify(told("peercert")))


async def _authenticate(request: web.Request, caller: Caller) -> Principal:
    """Who asks; but no browser, where a page from anywhere would be as local as a proxy of this machine."""
    if "Origin" in request.headers:
        raise ProtocolError("a web page may not ask", code="PERMISSION_DENIED")
    return await request.app[DISCOVERY].authenticate(caller)


async def _body(request: web.Request) -> bytes:
    if request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType(text="the request must be application/json\n")
    with anyio.move_on_after(PATIENCE):
        return await request.read()
    raise web.HTTPRequestTimeout(text=f"the request must be here within {PATIENCE:.0f} s\n")


async def _response(fetched: Fetched) -> web.Response:
    """Written in a thread: it takes long where there is much of it."""
    try:
        text = await to_thread.run_sync(response_to_json, fetched.body)
    except ConfigError as error:
        log.error("%s", error)  # noqa: TRY400  what is served is wrong, not this
        return web.Response(status=500, text=f"{error}\n")
    return web.Response(body=text, content_type="application/json")

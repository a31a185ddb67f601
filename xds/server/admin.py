"""The admin service: what the control plane has, knows and does, over HTTP. It tells, and changes nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from html import escape
from typing import Any, Final

import msgspec
from aiohttp import web
from anyio import to_thread

from xds.codec import to_json
from xds.codec.matcher import matches_node
from xds.model import ProtocolError, Snapshot
from xds.model.type_url import SHORT_TYPES
from xds.server import view
from xds.server.client_status import answer, read_json
from xds.server.http_server import serve_http
from xds.server.metrics import Metrics
from xds.server.plane import Plane

Handler = Callable[[web.Request], Awaitable[web.Response]]
PLANE: Final = web.AppKey("plane", Plane)
METRICS: Final = web.AppKey("metrics", Metrics)
CLIENT_STATUS: Final = "/v3/discovery:client_status"


@asynccontextmanager
async def serve_admin(plane: Plane, metrics: Metrics, host: str, port: int) -> AsyncIterator[tuple[str, int]]:
    """Serves inside the `async with`; gives the (host, port) that it listens on, where port 0 takes any free one.

    Raises ConfigError when the socket cannot be opened.
    """
    served = application(plane, metrics)
    async with serve_http(served, (host, port), setting="admin.address and admin.port", flag="--admin-port") as address:
        yield address


def application(plane: Plane, metrics: Metrics) -> web.Application:
    """The service without a socket."""
    app = web.Application()
    app[PLANE], app[METRICS] = plane, metrics
    app.add_routes([web.get(path, handler) for path, (handler, _) in ENDPOINTS.items()])
    app.add_routes([web.post(CLIENT_STATUS, _client_status)])
    return app


async def _index(_: web.Request) -> web.Response:
    rows = "".join(
        f'<tr><td><a href="{path}">{path}</a></td><td>{escape(what)}</td></tr>\n' for path, (_, what) in ENDPOINTS.items()
    )
    return web.Response(text=PAGE.format(rows=rows), content_type="text/html")


async def _health(_: web.Request) -> web.Response:
    return web.Response(text="ok\n")


async def _ready(request: web.Request) -> web.Response:
    if missing := request.app[PLANE].missing():
        return web.Response(status=503, text="".join(f"waiting for {one}\n" for one in missing))
    return web.Response(text="ready\n")


async def _metrics(request: web.Request) -> web.Response:
    content_type, body = request.app[METRICS].render(await request.app[PLANE].measured())
    return web.Response(body=body, headers={"Content-Type": content_type})


async def _snapshots(request: web.Request) -> web.Response:
    snapshots = _of_group(request.app[PLANE].snapshots(), request.query.get("group"))
    only = _type_url(request.query.get("type"))
    show = view.body if request.query.get("bodies") == "true" else view.version
    return _json(await to_thread.run_sync(lambda: view.snapshots(snapshots, show, only=only)))


def _of_group(snapshots: Mapping[str, Snapshot], group: str | None) -> Mapping[str, Snapshot]:
    if group is None:
        return snapshots
    if group not in snapshots:
        raise web.HTTPNotFound(text=f"there is no node group {group!r}; there are: {', '.join(sorted(snapshots))}\n")
    return {group: snapshots[group]}


def _type_url(short: str | None) -> str | None:
    if short is None:
        return None
    if short not in SHORT_TYPES:
        raise web.HTTPBadRequest(text=f"there is no type {short!r}; there are: {', '.join(SHORT_TYPES)}\n")
    return SHORT_TYPES[short]


async def _proxies(request: web.Request) -> web.Response:
    plane = request.app[PLANE]
    return _json(view.proxies(await plane.proxies(), plane.refusals()))


async def _client_status(request: web.Request) -> web.Response:
    """CSDS over REST."""
    try:
        asked = read_json(await _json_of(request))
        told = [one async for one in request.app[PLANE].deliveries(lambda node: matches_node(asked.node_matchers, node))]
    except ProtocolError as error:
        return web.Response(status=400, text=f"{error}\n")
    return _json(await to_thread.run_sync(lambda: to_json(answer(asked, told))))


async def _json_of(request: web.Request) -> dict[str, Any]:
    try:
        return msgspec.json.decode(await request.read() or b"{}", type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise ProtocolError(f"the request is no JSON object: {error}") from None


async def _status(request: web.Request) -> web.Response:
    return _json(view.statuses(request.app[PLANE].statuses()))


async def _diagnostics(request: web.Request) -> web.Response:
    return _json(view.diagnostics(request.app[PLANE].diagnostics()))


def _json(data: Any) -> web.Response:
    body = msgspec.json.format(msgspec.json.encode(data), indent=2) + b"\n"
    return web.Response(body=body, content_type="application/json")


ENDPOINTS: Final[Mapping[str, tuple[Handler, str]]] = {
    "/": (_index, "this page"),
    "/healthz": (_health, "200 as long as the process answers"),
    "/readyz": (_ready, "200 when every provider has listed and a snapshot is published; 503 and what is missing before"),
    "/status": (_status, "every object, its conditions, and why something is not well"),
    "/diagnostics": (_diagnostics, "everything that is wrong with what was written: file, line, field, message, hint"),
    "/snapshots": (_snapshots, "the resources of every node group; ?group=NAME, ?type=cds, ?bodies=true"),
    "/proxies": (_proxies, "who is connected, what each has accepted, what was refused and why"),
    "/metrics": (_metrics, "for Prometheus"),
}
"""Path -> its handler, and what a person finds there."""

PAGE: Final = """<!doctype html>
<meta charset="utf-8"><title>Legation</title>
<style>body{{font:16px sans-serif;margin:3em}} td{{padding:.2em 2em .2em 0}}</style>
<h1>Legation</h1>
<table>
{rows}</table>
<p>POST /v3/discovery:client_status tells how far each resource has come at each proxy, as Envoy's CSDS does.</p>
"""

"""Our server as a target of the suite: in process for tests, and as a program.

python tests/wire/ours.py [--workers N]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
from base64 import b64decode
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from aiohttp import web
from target import Target

from xds.codec import decode, references
from xds.model import ConfigError, Reference, Resource, Snapshot, version_of
from xds.server.report import Reports
from xds.server.transport import Transport
from xds.server.xds_server import XdsServer

Groups = dict[str, dict[Reference, Resource]]


@asynccontextmanager
async def serving(commit: str = "", workers: int = 1) -> AsyncIterator[Target]:
    """Our server and its adapter, on this event loop."""
    told = f"{version('legation')} {commit}".strip()
    reports = Reports(client_status=True, load_interval=1.0)
    server = XdsServer(identifier="legation", reports=reports, transport=Transport(workers=workers))
    runner = web.AppRunner(adapter(server), access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        async with server.serve() as (host, port), server.serve_rest() as rest:
            at = f"http://127.0.0.1:{runner.addresses[0][1]}"
            yield Target("ours", told, f"{host}:{port}", at, rest=f"http://{rest[0]}:{rest[1]}")
    finally:
        await runner.cleanup()


def adapter(server: XdsServer) -> web.Application:
    """The adapter of tests/wire/README.md over a server."""
    groups: Groups = {}

    def call(change: Callable[[dict[Reference, Resource], dict[Reference, Resource]], dict[Reference, Resource]]) -> Any:
        async def handle(request: web.Request) -> web.Response:
            body = await request.json()
            given = {one.reference: one for one in map(_resource, body["resources"])}
            groups[body["group"]] = change(groups.get(body["group"], {}), given)
            await server.publish(body["group"], Snapshot.of(groups[body["group"]].values()))
            return web.json_response({})

        return handle

    async def clear(request: web.Request) -> web.Response:
        group = (await request.json())["group"]
        groups.pop(group, None)
        server.clear(group)
        await server.fleet.until(server.fleet.is_out, group)
        return web.json_response({})

    app = web.Application(client_max_size=64 << 20)
    app.router.add_post("/set", call(lambda _, given: given))
    app.router.add_post("/add", call(lambda now, given: now | given))
    app.router.add_post("/update", call(lambda now, given: now | given))
    app.router.add_post("/remove", call(lambda now, given: {key: one for key, one in now.items() if key not in given}))
    app.router.add_post("/clear", clear)
    return app


def _resource(body: dict[str, Any]) -> Resource:
    """A resource of the adapter's JSON: its bytes are served as they are, and its references are read from them."""
    type_url, name, value = body["type_url"], body["name"], b64decode(body.get("value", ""))
    try:
        named = references(decode(type_url, value))
    except ConfigError:  # a type that nobody knows
        named = frozenset()
    return Resource(
        type_url, name, version_of(value), value, named, aliases=tuple(body.get("aliases", ())), ttl=body.get("ttl")
    )


def commit() -> str:
    """The commit of these sources; empty where they come without git."""
    command = ["git", "-C", str(Path(__file__).parent), "rev-parse", "--short=7", "HEAD"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    except OSError:
        return ""


async def main(commit: str, workers: int) -> None:
    """Serves until standard input ends."""
    async with serving(commit, workers) as target:
        sys.stdout.write(json.dumps(asdict(target)) + "\n")
        sys.stdout.flush()
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, default=1, help="processes that serve (default: this one)")
    asyncio.run(main(commit(), parser.parse_args().workers))

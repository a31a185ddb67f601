"""Proxies that poll get every change, are checked as those with a stream are, and say when they are refused."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from time import monotonic_ns

import pytest
from aiohttp import web

from benchmarks import workload
from benchmarks.client import polling
from benchmarks.client.check import digest
from benchmarks.client.dialect import Ask
from benchmarks.client.fleet import Fleet, Terms
from benchmarks.error import BenchError
from xds.codec import decode, resource
from xds.model import Snapshot
from xds.model.type_url import SHORT_TYPES
from xds.server.xds_server import XdsServer

GROUP = "edge"
SOON = 30.0
COUNT = 20


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture(autouse=True)
def often(monkeypatch):
    monkeypatch.setattr(polling, "PERIOD", 0.02)


@pytest.fixture
async def server(anyio_backend):
    """Our server over REST, and where it is."""
    made = XdsServer()
    async with made.serve_rest() as (host, port):
        yield made, f"{host}:{port}"


@asynccontextmanager
async def fleet(target, proxies=5):
    """Proxies of which all are checked."""
    made = Fleet(Terms(target, GROUP, "rest", proxies, checked=1.0))
    try:
        yield made
    finally:
        made.close()


def asks(*shorts):
    return [Ask(SHORT_TYPES[short], tuple(workload.names(short, COUNT)), COUNT) for short in shorts]


async def publish(server, state):
    made = [resource(decode(one.type_url, one.value), name=one.name) for one in state]
    await server.publish(GROUP, Snapshot.of(made))


def expected(state):
    found = {}
    for one in state:
        found.setdefault(one.type_url, {})[one.name] = digest(one.type_url, one.value)
    return found


@pytest.mark.parametrize("short", ["cds", "eds", "lds", "rds"])
async def test_every_proxy_gets_every_change_and_holds_what_was_set(server, short):
    ours, target = server
    state = workload.resources(short, COUNT)
    await publish(ours, state)
    async with fleet(target) as proxies:
        assert (await proxies.settle(asks(short), SOON)).times.count == 5
        begun = {}
        for change in (1, 2):
            state[change] = workload.resource(short, change, change)
            begun[change] = monotonic_ns()
            await publish(ours, state)
            await proxies.reach(change, SOON)
        assert proxies.latencies(begun).every.count == 10
        assert proxies.verify(expected(state)) == []


async def test_types_are_asked_for_one_after_the_other(server):
    ours, target = server
    state = [one for short in ("cds", "eds", "rds") for one in workload.resources(short, COUNT)]
    await publish(ours, state)
    async with fleet(target, proxies=2) as proxies:
        await proxies.settle(asks("cds", "eds", "rds"), SOON)
        assert proxies.verify(expected(state)) == []


async def test_nothing_comes_where_nothing_is_new(server):
    ours, target = server
    await publish(ours, workload.resources("cds", COUNT))
    async with fleet(target, proxies=1) as proxies:
        await proxies.settle(asks("cds"), SOON)
        before, came = proxies.messages, proxies.bytes
        async with asyncio.timeout(SOON):
            while proxies.bytes < came + 1000:  # noqa: ASYNC110  of answers that say so; nobody tells of them
                await asyncio.sleep(polling.PERIOD)
        assert proxies.messages == before


@pytest.mark.parametrize(("status", "words"), [(500, "a poll was answered with 500 no idea"), (403, "403 no idea")])
async def test_a_poll_that_is_refused_is_told(status, words):
    async def refuse(_):
        return web.Response(status=status, text="no idea")

    app = web.Application()
    app.router.add_post("/v3/discovery:clusters", refuse)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        async with fleet(f"127.0.0.1:{runner.addresses[0][1]}") as proxies:
            with pytest.raises(BenchError, match=words):
                await proxies.settle(asks("cds"), 0.3)
    finally:
        await runner.cleanup()

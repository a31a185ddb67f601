"""The scenarios that run a whole control plane, with few routes: what they measure is what they say."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from itertools import pairwise

import pytest
from rich.progress import Progress

from benchmarks.bench import Bench, Options
from benchmarks.error import BenchError
from benchmarks.gateway import eg, manifest
from benchmarks.gateway.envoy import Probe, probes
from benchmarks.gateway.process import process
from benchmarks.gateway.site import Site, site
from benchmarks.scenario import s01, s02, s09, s14
from benchmarks.server.table import OURS, SERVERS
from sources.gatewayapi import GatewayApi, Settings
from xds.model import Object, Objects
from xds.model.type_url import RDS


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture
def bench() -> Bench:
    return Bench(Options(pinned=False), {OURS: SERVERS[OURS]}, Progress(disable=True))


def named(figures) -> dict[str, float]:
    return {metric.name: value for metric, value in figures.items()}


def translate(documents):
    return GatewayApi(Settings()).translate(Objects.of(map(Object.of, documents)))


def unwell(translation) -> set[str]:
    return {str(key) for key, status in translation.statuses.items() if not status.well}


def test_all_that_is_translated_is_well():
    translation = translate(s02.world(3))
    assert not translation.diagnostics
    assert not unwell(translation)


@pytest.mark.parametrize(("shape", "failing"), [("plain", set()), ("probe", {"HTTPRoute default/route-1"})])
def test_a_route_of_each_shape_is_served(shape, failing):
    """A probe's second rule has no backend, and says so."""
    documents = [*manifest.served(8080, 3000), manifest.SHAPES[shape](1, "backend")]
    translation = translate(documents)
    assert unwell(translation) == failing
    (snapshot,) = translation.snapshots.values()
    assert b"route-1.example.com" in next(iter(snapshot.of_type(RDS).values())).body


def test_the_shapes_of_envoy_gateway_are_served_but_for_their_udp_listener():
    translation = translate(eg.documents("EG medium"))
    assert unwell(translation) == {"Gateway default/gateway"}
    assert len(translation.statuses) == 1 + eg.SHAPES["EG medium"]


def test_every_change_changes_what_is_served():
    source, view = GatewayApi(Settings()), Objects.of(map(Object.of, s02.world(3)))
    for change in s02.changes(3).values():
        snapshots = []
        for number in range(3):
            one = Object.of(change(number + 1))
            view = view.updated([(one.key, one)])
            (snapshot,) = source.translate(view).snapshots.values()
            snapshots.append(snapshot)
        assert all(before != after for before, after in pairwise(snapshots))


async def test_a_translation_and_every_change_of_it_takes_time(bench, monkeypatch):
    monkeypatch.setattr(s02, "CHANGES", 2)
    found = named(await s02.figures(bench, OURS, {"routes": 3}, 0))
    assert found.keys() == {"cold", *s02.changes(3)}
    assert min(found.values()) > 0


async def test_what_envoy_gateways_shapes_leave_out_is_told_once(bench):
    for _ in range(2):
        assert named(await s02.figures(bench, OURS, {"shape": "EG small"}, 0)).keys() == {"cold"}
    assert bench.notes == [eg.LEFT_OUT]


async def test_a_snapshot_build_takes_longer_from_nothing(bench):
    found = named(await s01.figures(bench, OURS, {"resources": 1000}, 0))
    assert found["cold"] > found["one change"] > 0


@asynccontextmanager
async def answering(*statuses: int) -> AsyncIterator[Probe]:
    """A probe of a server that gives these answers, one after the other, and then hangs up."""

    async def answer(reader, writer):
        with suppress(asyncio.IncompleteReadError):
            for status in statuses:
                await reader.readuntil(b"\r\n\r\n")
                writer.write(b"HTTP/1.1 %d Words\r\ncontent-length: 2\r\n\r\nok" % status)
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    probe = Probe(*await asyncio.open_connection(*server.sockets[0].getsockname()))
    try:
        yield probe
    finally:
        await probe.close()
        server.close()
        await server.wait_closed()


@pytest.mark.parametrize(("statuses", "errors"), [((200,), 0), ((404, 404, 200), 0), ((404, 503, 500, 404, 200), 2)])
async def test_any_answer_but_404_and_200_is_an_error(statuses, errors):
    async with answering(*statuses) as probe:
        await probe.until_ready(7)
    assert probe.errors == errors


async def test_a_route_that_never_answers_ends_the_run(monkeypatch):
    monkeypatch.setattr("benchmarks.gateway.envoy.PATIENCE", 0.05)
    async with answering(*[404] * 100) as probe:
        with pytest.raises(BenchError, match="route 7 still answers 404"):
            await probe.until_ready(7)


async def test_an_envoy_that_hangs_up_ends_the_run():
    async with answering(404) as probe:
        with pytest.raises(BenchError, match="an Envoy did not answer a request of route 7"):
            await probe.until_ready(7)


async def test_a_port_that_somebody_else_has_is_no_envoys():
    another = await asyncio.create_subprocess_exec("sleep", "60")
    async with answering(200, 200) as probe:
        with pytest.raises(BenchError, match="somebody else listens"):
            async with probes(probe.ports[0], [another.pid]):
                pass
    another.kill()
    await another.wait()


async def test_without_an_envoy_a_note_says_so(bench):
    assert await replace(s09.S9, missing=lambda _: "no Envoy found").measure(bench) == []
    assert bench.notes == ["S9 is not measured: no Envoy found"]


async def test_errors_are_a_fault_of_the_run(bench):
    async with answering(503, 200) as probe:
        await probe.until_ready(7)
    assert Site(None, (), (probe,), 0, 0).judge(bench) == 1
    assert bench.faults == ["answers of Envoy that were neither 200 nor 404: 1"]


async def test_a_program_that_is_not_there_is_told():
    with pytest.raises(BenchError, match="/no/such cannot be started"):
        async with process(["/no/such"], core=None):
            pass


@pytest.mark.envoy
@pytest.mark.parametrize("cell", [{"envoys": 1, "of a file": 1}, {"envoys": 2, "of a file": 3}], ids=str)
async def test_a_route_is_ready_at_every_envoy(bench, cell, monkeypatch):
    monkeypatch.setattr(s09, "MORE", {False: 2})
    found = named(await s09.figures(bench, OURS, {"routes": 4, "shape": "plain", **cell}, 0))
    assert found["errors"] == 0
    assert 0 < found["translation, a route"] < found["p50"] <= found["max"]
    assert 0 < found["saved -> published"] < found["p50"]


@pytest.mark.envoy
async def test_a_refused_cluster_is_contained_and_told(bench, monkeypatch):
    monkeypatch.setattr(s14, "TIMES", 2)
    found = named(await s14.figures(bench, OURS, {"resources": 3}, 0))
    assert found["errors"] == 0
    assert found["saved -> the refusal in the status"] > 0


@pytest.mark.envoy
async def test_every_envoy_of_a_site_has_a_probe_of_its_own(bench):
    async with site(bench, lambda _: [("a.yaml", [manifest.plain(0, "backend")])], many=3) as it:
        assert len(it.probes) == len(set(it.pids)) == 3
        assert [await one.status(0) for one in it.probes] == [200] * 3

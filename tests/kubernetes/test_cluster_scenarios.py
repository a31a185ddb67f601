"""The scenarios that measure in a cluster, with few routes: they measure what they say, and leave nothing behind."""

from __future__ import annotations

import pytest
from rich.progress import Progress

from benchmarks.bench import Bench, Options
from benchmarks.gateway import cluster
from benchmarks.scenario import k01, k02, k03
from benchmarks.server.table import OURS, SERVERS


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture
def bench(kubernetes) -> Bench:
    options = Options(pinned=False, kubeconfig=str(kubernetes.kubeconfig))
    if lacking := cluster.without_cluster(options):
        pytest.skip(lacking)
    return Bench(options, {OURS: SERVERS[OURS]}, Progress(disable=True))


@pytest.fixture(autouse=True)
def _nothing_is_left(kubernetes):
    yield
    assert "legation-bench" not in kubernetes.kubectl(
        "get", "gatewayclasses,gateways,httproutes,services", "-A", "-o", "name"
    )


def named(figures) -> dict[str, float]:
    return {metric.name: value for metric, value in figures.items()}


@pytest.mark.envoy
@pytest.mark.parametrize("routes", [0, 3])
async def test_a_new_route_is_ready_after_it_was_published(bench, monkeypatch, routes):
    monkeypatch.setattr(k01, "MORE", 2)
    found = named(await k01.figures(bench, OURS, {"routes": routes}, 0))
    assert found["errors"] == 0
    assert found["created -> published"] < found["p50"] <= found["max"]
    assert found["control plane, a route"] > 0


@pytest.mark.envoy
async def test_memory_is_that_of_the_control_plane(bench):
    found = named(await k02.figures(bench, OURS, {"routes": 3}, 0))
    assert 10 < found["memory"] < 1000


@pytest.mark.envoy
async def test_endpoints_that_come_and_go_take_time(bench, monkeypatch):
    for name, value in {"A_MINUTE": 3, "EVERY": 0.1, "IDLE": 0.1}.items():
        monkeypatch.setattr(k03, name, value)
    found = named(await k03.figures(bench, OURS, {"routes": 3, "minutes": 1}, 0))
    assert found["CPU"] > 0


def test_without_a_cluster_a_note_says_so():
    assert "--kubeconfig" in cluster.without_cluster(Options())

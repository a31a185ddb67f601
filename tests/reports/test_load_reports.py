"""LRS: what proxies are asked to report of, and what becomes of what they say (row 135)."""

from __future__ import annotations

from typing import Any

import anyio
import grpc
import pytest
from load_sinks import Broken, Kept
from prometheus_client.parser import text_string_to_metric_families

from xds.codec import message_class, resource
from xds.model import Snapshot
from xds.model.type_url import CDS
from xds.protocol import DELTA
from xds.server import discovery
from xds.server.authority import Authority, Rule
from xds.server.load import METHOD
from xds.server.report import Reports

DEADLINE = 60
NODE = {"id": "envoy-1", "cluster": "edge"}
EVERYTHING = {**NODE, "client_features": ["envoy.lrs.supports_send_all_clusters"]}


def snapshot(*names: str) -> Snapshot:
    return Snapshot.of(resource({"@type": CDS, "name": name}) for name in names)


class Reporter:
    """A client of LRS."""

    def __init__(self, call: Any) -> None:
        self.call = call

    async def say(self, node: Any = None, **clusters: tuple[int, int, int]) -> None:
        """Reports (succeeded, failed, dropped) of clusters."""
        stats = [
            {
                "cluster_name": name,
                "total_dropped_requests": dropped,
                "load_report_interval": {"seconds": 2},
                "upstream_locality_stats": [
                    {
                        "locality": {"region": "here"},
                        "total_successful_requests": succeeded,
                        "total_error_requests": failed,
                    }
                ],
            }
            for name, (succeeded, failed, dropped) in clusters.items()
        ]
        request = message_class("envoy.service.load_stats.v3.LoadStatsRequest")(node=node, cluster_stats=stats)
        await self.call.write(request.SerializeToString())

    async def asked(self) -> Any:
        """What the server asks for next."""
        with anyio.fail_after(DEADLINE):
            body = await self.call.read()
        return message_class("envoy.service.load_stats.v3.LoadStatsResponse").FromString(body)


@pytest.fixture
def kept() -> Kept:
    return Kept()


@pytest.fixture
def options(kept) -> dict[str, Any]:
    return {"reports": Reports(load_interval=1.5, load_sinks=(Broken(), kept))}


@pytest.fixture
async def reporter(served) -> Reporter:
    return Reporter(served.open(METHOD))


async def test_a_group_of_which_nothing_is_known_is_no_label(served, reporter, kept):
    """Whoever is on this machine may call its group what it likes."""
    await reporter.say({"id": "n", "cluster": "made-up"}, a=(1, 0, 0))
    await reporter.say(a=(1, 0, 0))
    await served.until(lambda: kept.loads)
    assert b"made-up" not in served.server.metrics.render()[1]


def counted(served) -> dict[tuple[str, str], float]:
    """(cluster, outcome) -> how many requests."""
    text = served.server.metrics.render()[1].decode()
    samples = [one for family in text_string_to_metric_families(text) for one in family.samples]
    named = [one for one in samples if one.name == "legation_load_requests_total" and one.labels["group"] == "edge"]
    return {(one.labels["cluster"], one.labels["outcome"]): one.value for one in named}


async def test_the_client_is_asked_for_the_clusters_of_its_group_every_interval(served, reporter):
    await served.server.publish("edge", snapshot("b", "a"))
    await reporter.say(NODE)
    asked = await reporter.asked()
    assert (list(asked.clusters), asked.send_all_clusters) == (["a", "b"], False)
    assert asked.load_reporting_interval.ToTimedelta().total_seconds() == 1.5


async def test_other_clusters_are_asked_for_when_there_are_others_and_nothing_is_said_for_nothing(served, reporter):
    await reporter.say(NODE)
    assert list((await reporter.asked()).clusters) == []
    await served.server.publish("edge", snapshot("a"))
    assert list((await reporter.asked()).clusters) == ["a"]
    changed = resource({"@type": CDS, "name": "a", "alt_stat_name": "changed"})
    await served.server.publish("edge", Snapshot.of([changed]))
    await served.server.publish("edge", snapshot("a", "b"))
    assert list((await reporter.asked()).clusters) == ["a", "b"]


async def test_a_client_that_can_is_asked_for_everything_once(served, reporter):
    await reporter.say(EVERYTHING)
    asked = await reporter.asked()
    assert (list(asked.clusters), asked.send_all_clusters) == ([], True)


async def test_an_envoy_is_told_names_all_the_same(served, reporter):
    """It would report of none that came later."""
    await served.server.publish("edge", snapshot("a"))
    await reporter.say({**EVERYTHING, "user_agent_name": "envoy"})
    asked = await reporter.asked()
    assert (list(asked.clusters), asked.send_all_clusters) == (["a"], False)


async def test_reports_are_counted_and_given_to_every_sink_though_one_fails(served, reporter, kept, caplog):
    await served.server.publish("edge", snapshot("a"))
    await reporter.say(NODE)
    await reporter.say(a=(7, 2, 1), nobody=(5, 0, 0), nothing=(4, 0, 0))
    await reporter.say(a=(1, 0, 0))
    await served.until(lambda: len(kept.loads) == 2)
    load = kept.loads[0]
    (one, *_) = load.clusters
    assert (load.node.id, load.group, one.cluster, one.seconds, one.dropped) == ("envoy-1", "edge", "a", 2.0, 1)
    assert (one.localities[0].locality, one.localities[0].succeeded) == (("here", "", ""), 7)
    assert counted(served) == {
        ("a", "succeeded"): 8,
        ("a", "failed"): 2,
        ("a", "dropped"): 1,
        ("other", "succeeded"): 9,
        ("other", "failed"): 0,
        ("other", "dropped"): 0,
    }
    assert "Broken failed on a load report of envoy-1" in caplog.text


async def test_a_stream_is_counted_for_its_first_node(served, reporter, kept):
    await reporter.say(NODE)
    await reporter.say({"id": "mallory", "cluster": "core"}, a=(1, 0, 0))
    await served.until(lambda: kept.loads)
    assert (kept.loads[0].node.id, kept.loads[0].group) == ("envoy-1", "edge")


async def test_a_group_that_nobody_reports_of_any_more_is_forgotten(served, reporter):
    await reporter.say(NODE)
    await reporter.asked()
    assert "edge" in served.server.fleet._groups
    reporter.call.cancel()
    await served.until(lambda: "edge" not in served.server.fleet._groups)


async def test_a_group_that_is_reported_of_stays_when_its_last_proxy_leaves(served, reporter):
    """Before anything was published for it."""
    await reporter.say(NODE)
    await reporter.asked()
    proxy = served.connect(DELTA)
    await proxy.ask()
    await served.until(lambda: served.server.fleet.streams("edge"))
    proxy.call.cancel()
    await served.until(lambda: not served.server.fleet.streams("edge"))
    await served.server.publish("edge", snapshot("a"))
    assert list((await reporter.asked()).clusters) == ["a"]


@pytest.mark.parametrize("body", [b"\xff", b"\x12\x01\xff"])
async def test_bytes_that_are_no_report_end_the_stream(served, reporter, body):
    await reporter.say(NODE)
    await reporter.asked()
    await reporter.call.write(body)
    assert await reporter.call.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_a_client_without_a_group_is_refused(served, reporter):
    await reporter.say({"id": "n"})
    assert await reporter.call.code() is grpc.StatusCode.INVALID_ARGUMENT


class TestWhoMayReport:
    @pytest.fixture
    def options(self):
        """Whoever is on this machine may ask for the endpoints of one group."""
        rule = Rule(who=("local",), groups=("edge",), types=("eds",))
        return {"reports": Reports(load_interval=1), "authority": Authority([rule])}

    async def test_is_whoever_may_ask_for_clusters(self, reporter):
        await reporter.say(NODE)
        assert await reporter.call.code() is grpc.StatusCode.PERMISSION_DENIED

    @pytest.mark.parametrize("options", [{}, {"reports": Reports(client_status=True)}])
    async def test_nobody_unless_it_is_switched_on(self, reporter):
        assert await reporter.call.code() is grpc.StatusCode.UNIMPLEMENTED


async def test_who_says_nothing_is_sent_away(served, monkeypatch):
    monkeypatch.setattr(discovery, "SILENCE", 0.05)
    assert await served.open(METHOD).code() == grpc.StatusCode.DEADLINE_EXCEEDED

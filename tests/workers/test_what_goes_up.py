"""What the builder hears of its workers: what was measured, what is wanted, what proxies report, and lines of the log."""

from __future__ import annotations

import logging
from typing import Any

import anyio
import grpc.aio
import pytest
from crew_world import GROUP, Client, World, crewed, until
from discovery_world import cluster
from prometheus_client.parser import text_string_to_metric_families

from xds.codec import message_class
from xds.model import ConfigError, Snapshot
from xds.model.type_url import CDS
from xds.protocol import DELTA
from xds.server.authority import Grant
from xds.server.load import METHOD
from xds.server.report import Reports
from xds.server.tls import Tls

STATUS = "envoy.service.status.v3."
FETCH = f"/{STATUS}ClientStatusDiscoveryService/FetchClientStatus"
ACKS = ("legation_xds_acks_total", ("type", "cds"))
ACK_SECONDS = ("legation_xds_ack_seconds_count", ("type", "cds"))


async def measured(world: World) -> dict:
    """(name, labels) -> value, as the admin service tells them."""
    text = world.server.metrics.render(await world.server.fleet.measured())[1].decode()
    return {
        (one.name, *sorted(one.labels.items())): one.value
        for family in text_string_to_metric_families(text)
        for one in family.samples
    }


async def test_what_workers_measure_adds_up_and_outlives_them(world, dialect):
    await world.server.publish(GROUP, Snapshot.of([cluster("a")]))
    one, other = await world.pair(dialect)
    assert (await one.names(), await other.names()) == ({"a"}, {"a"})
    await until(lambda: world.server.fleet.is_live(GROUP))
    seen = await measured(world)
    streams = ("legation_xds_streams", ("dialect", dialect.name), ("service", "ads"))
    assert (seen[ACKS], seen[ACK_SECONDS], seen[streams]) == (2, 2, 2)
    assert seen["target_info", ("service_name", "legation"), ("service_version", "0.1.0")] == 1
    await world.kill(world.workers[0])
    await world.all_up()
    seen = await measured(world)
    assert (seen[ACKS], seen[ACK_SECONDS], seen[streams]) == (2, 2, 1)


class Hook:
    """Makes a cluster of any name that begins with `made`, and remembers what it was asked."""

    types = frozenset({CDS})

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def make(self, group, type_url, name):
        self.asked.append(name)
        return cluster(name) if name.startswith("made") else None


async def test_what_proxies_of_several_workers_want_is_made_once(anyio_backend, dialect):
    hook = Hook()
    async with crewed(on_demand=[hook]) as world:
        await world.server.publish(GROUP, Snapshot.of([cluster("a")]))
        pair = await world.pair(dialect, names=("made",))
        for client in pair:
            assert await client.names() == {"made"}
        assert hook.asked == ["made"]


async def test_what_was_made_goes_when_no_proxy_of_any_worker_wants_it(anyio_backend):
    async with crewed(on_demand=[Hook()]) as world:
        await world.server.publish(GROUP, Snapshot.of([cluster("a")]))
        one, other = await world.pair(DELTA, names=("made",))
        assert (await one.names(), await other.names()) == ({"made"}, {"made"})
        await one.channel.close()
        await until(lambda: world.server.fleet.count(GROUP) == 1)
        await world.server.fleet.tidy()
        assert world.server.fleet.served(GROUP).get((CDS, "made"))
        await other.channel.close()
        await until(lambda: world.server.fleet.count(GROUP) == 0)
        await world.server.fleet.tidy()
        assert not world.server.fleet.served(GROUP).get((CDS, "made"))


async def test_what_cannot_be_made_is_told(anyio_backend):
    async with crewed(on_demand=[Hook()]) as world:
        await world.server.publish(GROUP, Snapshot.of([cluster("a")]))
        for client in await world.pair(DELTA, names=("other",)):
            got = await client.read()
            assert list(got.removed_resources) == ["other"]


class Kept:
    """A load sink that keeps every report, and one that is slow when it is told to be."""

    def __init__(self) -> None:
        self.loads = []
        self.open = anyio.Event()

    async def take(self, load) -> None:
        await self.open.wait()
        self.loads.append(load)


async def test_load_reports_reach_the_builder_and_its_sinks(anyio_backend):
    sink = Kept()
    sink.open.set()
    async with crewed(reports=Reports(load_interval=10, load_sinks=(sink,))) as world:
        await world.server.publish(GROUP, Snapshot.of([cluster("a")]))
        call = world.connect(DELTA).channel.stream_stream(METHOD)()
        stats = {"cluster_name": "a", "upstream_locality_stats": [{"total_successful_requests": 7}]}
        node = {"id": "n1", "cluster": GROUP}
        message = message_class("envoy.service.load_stats.v3.LoadStatsRequest")(node=node, cluster_stats=[stats])
        await call.write(message.SerializeToString())  # its first says who it is
        await call.write(message.SerializeToString())
        await until(lambda: sink.loads)
        assert [place.succeeded for one in sink.loads[0].clusters for place in one.localities] == [7]
        assert sink.loads[0].node.id == "n1"
        seen = await measured(world)
        labels = ("cluster", "a"), ("group", GROUP), ("outcome", "succeeded")
        assert seen["legation_load_requests_total", *labels] == 7
        call.cancel()


async def test_lines_of_the_log_are_the_builder_s(anyio_backend, dialect, caplog):
    caplog.set_level(logging.INFO)
    async with crewed() as world:
        pair = await world.pair(dialect)
        lines = {f"edge: connected ({client.id}, ads {dialect.name})" for client in pair}
        await until(lambda: all(any(one.message.startswith(line) for one in caplog.records) for line in lines))


def unpicklable():
    """A grouping that no other process can have."""

    def group(node):
        return node.cluster

    return group


async def test_a_plug_in_that_cannot_be_handed_on_is_refused(anyio_backend):
    with pytest.raises(ConfigError, match=r"xds.workers is 2, but the grouping or an authenticator cannot be handed"):
        async with crewed(grouping=unpicklable()):
            pass


async def test_a_worker_that_cannot_begin_is_told_of(anyio_backend, tmp_path):
    """Only the workers read the certificate."""
    nowhere = Tls(certificate=str(tmp_path / "no.pem"), key=str(tmp_path / "no.key"))
    with pytest.raises(ConfigError, match=r"xds.tls.\w+ .* cannot be read"):
        async with crewed(terms={"tls": nowhere}):
            pass


async def statuses(world: World, client: Client, **fields: Any) -> dict[str, dict[str, Any]]:
    """What CSDS says of each node, asked of whatever worker this client is with: name -> what is told of the resource."""
    request = message_class(STATUS + "ClientStatusRequest")(**fields).SerializeToString()
    body = await client.channel.unary_unary(FETCH)(request)
    configs = message_class(STATUS + "ClientStatusResponse").FromString(body).config
    return {config.node.id: {one.name: one for one in config.generic_xds_configs} for config in configs}


async def test_how_far_each_resource_has_come_is_told_of_all_workers_by_each(anyio_backend, dialect):
    good, bad, other = cluster("a"), cluster("a", "bad"), cluster("b")
    async with crewed(reports=Reports(client_status=True)) as world:
        await world.server.publish(GROUP, Snapshot.of([good]))
        pair = await world.pair(dialect)
        for client in pair:
            assert await client.names() == {"a"}
        await until(lambda: world.server.fleet.is_live(GROUP))
        await world.server.publish(GROUP, Snapshot.of([bad, other]))
        first, second = pair
        await first.refuse(await first.read(), "cluster a is no good")
        await until(lambda: list(world.server.fleet.refusals()))
        for client in pair:
            told = await statuses(world, client)
            assert set(told) == {first.id, second.id}
            for one in (told[first.id]["a"], told[second.id]["a"]):
                assert (one.version_info, one.xds_config.value) == (good.version, good.body)
                assert (one.error_state.details, one.error_state.version_info) == ("cluster a is no good", bad.version)
                assert one.error_state.failed_configuration.value == bad.body
        with pytest.raises(grpc.aio.AioRpcError, match="the request is no ClientStatusRequest"):
            await first.channel.unary_unary(FETCH)(b"\xff")
        with pytest.raises(grpc.aio.AioRpcError, match="is no valid regular expression"):
            await statuses(world, first, node_matchers=[{"node_id": {"safe_regex": {"regex": "("}}}])
        told = [one async for one in world.server.fleet.deliveries(lambda node, _: Grant() if node.id == first.id else None)]
        assert [(proxy.node.id, {one.name for one in found}) for proxy, found in told] == [(first.id, {"a", "b"})]
        assert all(one.held is world.server.fleet.served(GROUP).get((CDS, "a")) for _, (one, *_) in told)

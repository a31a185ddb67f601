"""Every measured server does what the control protocol says, and real clients are served what it was told."""

from __future__ import annotations

import asyncio
import subprocess
from time import monotonic_ns

import aiohttp
import pytest

from benchmarks.error import BenchError
from benchmarks.headline.client import client
from benchmarks.server import sovereign
from benchmarks.server.program import program
from benchmarks.server.table import OURS, SERVERS
from benchmarks.workload import Named
from xds.codec import message_class
from xds.model.type_url import CDS, EDS

pytestmark = pytest.mark.timeout(600)  # some are built first
SOON = 20
GROUP = "group"
Cluster = message_class("envoy.config.cluster.v3.Cluster")
STREAMED = [name for name, one in SERVERS.items() if not one.polled]
POLLED = [name for name, one in SERVERS.items() if one.polled]


@pytest.fixture
async def server(request):
    name = request.param
    if (missing := SERVERS[name].missing()) is not None:
        pytest.skip(missing)
    if name == "sovereign":
        try:
            sovereign.python()
        except subprocess.CalledProcessError:
            pytest.skip("sovereign cannot be installed here")
    async with program(name, SERVERS[name].command) as running:
        yield running


every = pytest.mark.parametrize("server", SERVERS, indirect=True)
streamed = pytest.mark.parametrize("server", STREAMED, indirect=True)
polled = pytest.mark.parametrize("server", POLLED, indirect=True)


def cluster(name: str, change: int = 0) -> Named:
    return Named(CDS, name, Cluster(name=name, alt_stat_name=f"change-{change:09}").SerializeToString())


def clusters(response) -> dict[str, str]:
    """The names and marks of the clusters in a response, whatever its dialect."""
    bodies = [getattr(one, "resource", one) for one in response.resources]
    found = [Cluster.FromString(body.value) for body in bodies]
    return {one.name: one.alt_stat_name for one in found}


@streamed
async def test_what_is_set_and_updated_is_served(server, dialect):
    await server.nodes([GROUP])
    await server.set(GROUP, [cluster("a"), cluster("b")])
    async with client(server.xds, dialect.name, GROUP) as one:
        await one.want(CDS)
        assert clusters(await one.read()) == {"a": "change-000000000", "b": "change-000000000"}
        await server.update(GROUP, [cluster("b", 7)])
        changed = {"b": "change-000000007"}
        assert clusters(await one.read()) == (changed if dialect.name == "delta" else {"a": "change-000000000", **changed})


@streamed
async def test_what_is_not_set_again_goes(server, dialect):
    await server.nodes([GROUP])
    await server.set(GROUP, [cluster("a"), cluster("b")])
    async with client(server.xds, dialect.name, GROUP) as one:
        await one.want(CDS)
        await one.read()
        await server.set(GROUP, [cluster("a", 1)])
        response = await one.read()
        assert clusters(response) == {"a": "change-000000001"}
        assert dialect.name == "sotw" or list(response.removed_resources) == ["b"]


@streamed
async def test_a_type_that_is_not_set_again_goes(server):
    await server.nodes([GROUP])
    await server.set(GROUP, [cluster("a")])
    async with client(server.xds, "delta", GROUP) as one:
        await one.want(CDS)
        await one.read()
        await server.set(GROUP, [])
        assert list((await one.read()).removed_resources) == ["a"]


@streamed
async def test_a_change_of_one_type_sends_nothing_of_another(server, dialect):
    assignment = message_class("envoy.config.endpoint.v3.ClusterLoadAssignment")(cluster_name="a").SerializeToString()
    await server.nodes([GROUP])
    await server.set(GROUP, [cluster("a"), Named(EDS, "a", assignment)])
    async with client(server.xds, dialect.name, GROUP) as one:
        await one.want(CDS)
        await one.want(EDS, ["a"])
        await one.read_until(CDS, EDS)
        for change in (1, 2):
            await server.update(GROUP, [cluster("a", change)])
            assert (await one.read()).type_url == CDS


@streamed
async def test_groups_do_not_mix(server, dialect):
    if "each node" in server.note:
        pytest.skip("it is told of nodes, not of groups")
    await server.set("one", [cluster("a")])
    await server.set("other", [cluster("b")])
    async with client(server.xds, dialect.name, "other") as one:
        await one.want(CDS)
        assert clusters(await one.read()).keys() == {"b"}


@every
async def test_a_change_says_when_it_was_made(server):
    before = monotonic_ns()
    await server.nodes([GROUP])
    first = await server.set(GROUP, [cluster("a")])
    second = await server.update(GROUP, [cluster("a", 1)])
    assert before < first.start < first.end < second.start < second.end < monotonic_ns()


@every
async def test_it_collects(server):
    await server.set(GROUP, [cluster("a")])
    await server.collect()


@streamed
async def test_a_build_says_what_each_cost(server):
    costs = await server.build([cluster("a", 1), cluster("b")], 3)
    assert {name: len(samples) for name, samples in costs.items()} == {"cold": 3, "changed": 3}
    assert all(sample > 0 for samples in costs.values() for sample in samples)


@streamed
async def test_a_build_must_have_something_to_change(server):
    with pytest.raises(BenchError, match="the first resource of a build must have a mark such as change-000000001"):
        await server.build([Named(CDS, "a", Cluster(name="a").SerializeToString())], 1)


@every
@pytest.mark.parametrize("command", [{"do": "what"}, {"do": "set"}, {}])
async def test_a_bad_command_is_refused_in_words_and_the_next_is_done(server, command):
    with pytest.raises(BenchError, match=r"see benchmarks/server/control\.py for what a command is"):
        await server._talk.ask(command)
    await server.nodes([GROUP])
    await server.set(GROUP, [cluster("a")])


@every
async def test_a_resource_that_is_none_is_refused(server):
    with pytest.raises(BenchError, match="could not do 'set'"):
        await server.set(GROUP, [Named(CDS, "a", b"\xff\xff")])
    with pytest.raises(BenchError, match="could not do 'set'"):
        await server.set(GROUP, [Named("type.googleapis.com/no.such.Type", "a", b"")])


@polled
async def test_who_polls_is_served_what_is_set_and_updated(server):
    await server.set(GROUP, [cluster("a"), cluster("b")])
    async with aiohttp.ClientSession() as session, asyncio.timeout(SOON):
        first, version = await poll_until(session, server.rest, "")
        assert first == {"a": "change-000000000", "b": "change-000000000"}
        await server.update(GROUP, [cluster("b", 7)])
        assert (await poll_until(session, server.rest, version))[0] == {**first, "b": "change-000000007"}


async def poll_until(session, rest: str, version: str) -> tuple[dict[str, str], str]:
    """Polls until there is another version."""
    while True:
        request = {"version_info": version, "node": {"id": GROUP, "cluster": GROUP}}
        async with session.post(f"{rest}/v3/discovery:clusters", json=request) as answer:
            if answer.status == 200:
                told = await answer.json()
                return {one["name"]: one["alt_stat_name"] for one in told["resources"]}, told["version_info"]
        await asyncio.sleep(0.1)


@polled
async def test_what_json_has_no_words_for_is_refused(server):
    unknown = Cluster(name="a")
    unknown.metadata.typed_filter_metadata["x"].type_url = "no.such/type"
    with pytest.raises(BenchError, match="'a' cannot be written as JSON"):
        await server.set(GROUP, [Named(CDS, "a", unknown.SerializeToString())])


@polled
async def test_it_says_that_it_cannot_build(server):
    with pytest.raises(BenchError, match="this server cannot do 'build'"):
        await server.build([cluster("a", 1)], 1)


@every
async def test_it_ends_when_its_input_ends(server):
    process = server._talk._process
    process.stdin.close()
    assert await asyncio.wait_for(process.wait(), SOON) == 0


async def test_it_listens_where_it_is_told_to():
    async with program(OURS, SERVERS[OURS].command) as running:
        port = running.xds.rpartition(":")[2]
    async with program(OURS, f"{SERVERS[OURS].command} --port {port} --loop asyncio") as running:
        assert (running.xds, running.note) == (f"127.0.0.1:{port}", "asyncio")

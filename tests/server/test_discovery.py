"""ADS over real gRPC, in both dialects."""

from __future__ import annotations

import logging

import grpc
import grpc.aio
import pytest
from discovery_world import NODE, cluster
from prometheus_client.parser import text_string_to_metric_families

from xds.model.type_url import CDS, LDS

INVALID = grpc.StatusCode.INVALID_ARGUMENT


async def test_a_client_gets_what_its_group_has(world, dialect):
    world.publish(edge=(cluster("a"),), other=(cluster("b"),))
    call = world.open(dialect)
    await call.send(node=NODE)
    got = await call.read()
    assert [one.type_url for one in (got, *(getattr(one, "resource", one) for one in got.resources))] == [CDS, CDS]
    assert got.control_plane.identifier == "me"
    assert got.nonce


@pytest.mark.parametrize("node", [None, {"id": "n"}, {"cluster": "c"}], ids=["none", "no cluster", "no id"])
async def test_a_stream_without_a_node_is_refused(world, dialect, node):
    """Row 6."""
    call = world.open(dialect)
    await call.send(**({"node": node} if node else {}))
    code, words = await call.end()
    assert (code, "node" in words) == (INVALID, True)
    assert not world.fleet.snapshots()


async def test_a_stream_without_a_type_is_refused(world, dialect):
    """Row 1."""
    call = world.open(dialect)
    await call.send("", node=NODE)
    code, words = await call.end()
    assert (code, "type_url" in words) == (INVALID, True)


async def test_a_later_node_is_not_looked_at(world, dialect):
    """Rows 4, 5: nobody reads another group's secrets by changing names in mid-stream."""
    world.publish(edge=(cluster("a"),), other=(cluster("b"),))
    call = world.open(dialect)
    await call.send(node=NODE)
    assert await call.names() == {"a"}
    await call.send(LDS, node={"id": "n2", "cluster": "other"})
    assert (await call.read()).type_url == LDS
    world.publish(edge=(cluster("a", "2"),), other=(cluster("b", "2"),))
    assert await call.names() == {"a"}
    (session,) = world.fleet.sessions()
    assert (session.node.id, session.group) == ("n1", "edge")


@pytest.mark.parametrize("end", ["done_writing", "cancel"])
async def test_an_ended_stream_leaves_nothing(world, dialect, end):
    """Row 12."""
    call = world.open(dialect)
    await call.send(node=NODE)
    await world.until(lambda: list(world.fleet.sessions()))
    done = getattr(call.call, end)()
    if end == "done_writing":
        await done
        assert (await call.end())[0] == grpc.StatusCode.OK
    await world.until(lambda: not list(world.fleet.sessions()))
    assert not world.fleet._groups


async def test_a_stream_that_says_nothing_ends_well(world, dialect):
    call = world.open(dialect)
    await call.call.done_writing()
    assert (await call.end())[0] == grpc.StatusCode.OK


@pytest.mark.parametrize("body", [b"\xff\xff\xff", b"\x0a\x05ab", b"\x0b"], ids=["noise", "cut short", "a group"])
async def test_garbage_ends_its_stream_and_no_other(world, dialect, body):
    world.publish(edge=(cluster("a"),))
    good, bad, worse = (world.open(dialect) for _ in range(3))
    await good.send(node=NODE)
    assert await good.names() == {"a"}
    await worse.send(node=NODE)
    await worse.read()
    for call in (bad, worse):
        await call.call.write(body)
        assert (await call.end())[0] == INVALID
    world.publish(edge=(cluster("b"),))
    assert await good.names() == {"b"}


async def test_a_change_reaches_every_stream_of_the_group(world, dialect):
    world.publish(edge=(cluster("a"),))
    calls = [world.open(dialect) for _ in range(5)]
    for number, call in enumerate(calls):
        await call.send(node={"id": f"n{number}", "cluster": "edge"})
        assert await call.names() == {"a"}
    assert world.publish(edge=(cluster("a", "2"),)) == ["edge"]
    for call in calls:
        assert await call.names() == {"a"}


async def test_a_group_that_is_taken_away_is_emptied(world, dialect):
    """Row 120: and its streams get what comes back."""
    world.publish(edge=(cluster("a"),))
    call = world.open(dialect)
    await call.send(node=NODE)
    assert await call.names() == {"a"}
    assert world.publish() == ["edge"]
    got = await call.read()
    assert not got.resources
    await call.send(response_nonce=got.nonce)
    world.publish(edge=(cluster("b"),))
    assert await call.names() == {"b"}


async def test_an_unknown_group_is_served_when_it_appears(world, dialect):
    """Row 46: until then there is silence, not an empty answer."""
    call = world.open(dialect)
    await call.send(node=NODE)
    await world.until(lambda: list(world.fleet.sessions()))
    world.publish(other=(cluster("b"),))
    world.publish(edge=(cluster("a"),))
    assert await call.names() == {"a"}


async def test_a_node_of_sixty_kilobytes_is_read(world, dialect):
    """Envoy names all its extensions."""
    types = [f"envoy.extensions.filters.http.of_a_rather_long_name_{number}.v3" for number in range(2)]
    extensions = [{"name": f"envoy.{number}", "category": "filters", "type_urls": types} for number in range(400)]
    world.publish(edge=(cluster("a"),))
    call = world.open(dialect)
    await call.send(node={**NODE, "user_agent_name": "envoy", "extensions": extensions})
    assert await call.names() == {"a"}
    (session,) = world.fleet.sessions()
    proxy = session.describe()
    assert (proxy.node.user_agent, proxy.dialect, proxy.group) == ("envoy", dialect.name, "edge")
    assert proxy.peer.startswith("127.0.0.1:")


async def test_a_slow_reader_holds_up_nobody(world, dialect):
    """Rows 109, 110: its window is full, and there is no queue: at most one response waits for it."""
    heavy = "x" * 500_000
    world.publish(edge=(cluster("a"),))
    slow, quick = world.open(dialect), None
    await slow.send(node=NODE)
    assert await slow.names() == {"a"}
    async with grpc.aio.insecure_channel(world.target, options=[("grpc.use_local_subchannel_pool", 1)]) as channel:
        quick = world.open(dialect, channel)
        await quick.send(node={"id": "n2", "cluster": "edge"})
        assert await quick.names() == {"a"}
        for mark in "23456789":
            world.publish(edge=(cluster("a", mark + heavy),))
            assert await quick.names() == {"a"}
    seen = [await slow.read()]
    await slow.send(response_nonce=seen[-1].nonce)
    seen.append(await slow.read())
    assert ("9" + "x") in str(seen[-1])


async def test_a_refusal_is_known_to_the_fleet(world, dialect):
    world.publish(edge=(cluster("a"), cluster("b")))
    call = world.open(dialect)
    await call.send(node=NODE)
    got = await call.read()
    await call.send(response_nonce=got.nonce, error_detail={"code": 13, "message": "cluster(s) a: bad"})
    assert await call.names() == {"b"}
    assert [(one.name, one.group) for one in world.fleet.refusals()] == [("a", "edge")]
    assert world.fleet.asked()["edge"].get((CDS, "a")) is not None
    assert world.fleet.snapshots()["edge"].get((CDS, "a")) is None
    await world.until(lambda: world.fleet.is_live("edge"))
    assert world.fleet.pardon("bad")
    assert "a" in await call.names()
    assert not world.fleet.pardon("bad")


async def test_a_client_that_comes_back_is_believed(world):
    """Rows 50, 63: what it has is in force, and need not be sent."""
    from xds.protocol import DELTA  # noqa: PLC0415

    world.publish(edge=(cluster("a"),))
    call = world.open(DELTA)
    await call.send(node=NODE, initial_resource_versions={"a": cluster("a").version})
    await world.until(lambda: world.fleet.is_live("edge"))
    (session,) = world.fleet.sessions()
    (held,) = session.describe().types
    assert held.resources == 1


async def test_a_proxy_of_a_group_that_nobody_configured_is_told_of(world, dialect, caplog):
    caplog.set_level(logging.INFO)
    world.publish(edge=(cluster("a"),))
    for group in ("edges", "edge"):
        await world.open(dialect).send(node={"id": "n1", "cluster": group})
        await world.until(lambda group=group: f"{group}: connected" in caplog.text)
    told = [one.getMessage() for one in caplog.records if "connected" in one.getMessage()]
    assert told == [
        f"edges: connected (n1, ads {dialect.name}); nothing is known of this node group, and it keeps what it has",
        f"edge: connected (n1, ads {dialect.name})",
    ]


async def test_a_proxy_that_comes_late_is_not_measured_from_before_it_came(world, dialect):
    world.publish(edge=(cluster("a"),))
    world.fleet.group("edge").published -= 1_000
    call = world.open(dialect)
    await call.send(node=NODE)
    await call.names()
    await world.until(lambda: seconds(world) is not None)
    assert seconds(world) < 500


def seconds(world) -> float | None:
    """From publications to ACKs, in all."""
    families = text_string_to_metric_families(world.discovery._metrics.render()[1].decode())
    measured = [one.value for family in families for one in family.samples if one.name == "legation_xds_ack_seconds_sum"]
    return sum(measured) if measured else None

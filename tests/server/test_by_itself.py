"""What happens by itself: a proxy that does not answer, heartbeats, and what is too long to be read."""

from __future__ import annotations

import logging
from dataclasses import replace

from discovery_world import NODE, cluster

from xds.codec import resource
from xds.model.type_url import CDS, RDS
from xds.protocol import SOTW, Limits
from xds.server.transport import Transport
from xds.server.xds_server import XdsServer


def route(name: str, cluster: str):
    host = {"name": "h", "domains": ["*"], "routes": [{"match": {"prefix": "/"}, "route": {"cluster": cluster}}]}
    return resource({"@type": RDS, "name": name, "virtual_hosts": [host]})


async def test_what_depends_on_a_silent_proxy_goes_on_by_itself(world, dialect, caplog):
    """Row 71: nothing happens in between, but that time passes."""
    caplog.set_level(logging.WARNING)
    world.limit(patience=0.05)
    world.publish(edge=(cluster("a"), route("r", "a")))
    call = world.open(dialect)
    await call.send(CDS, node=NODE)
    await call.send(RDS, ("r",))
    assert (await call.read()).type_url == CDS
    assert (await call.read()).type_url == RDS
    await world.until(lambda: "edge: n1 has not answered for 0 s (cds)" in caplog.text)
    assert 'legation_xds_overdue_total{type="cds"} 1.0' in world.discovery._metrics.render()[1].decode()


async def test_heartbeats_come_by_themselves(world, dialect):
    """Row 97: nothing happens in between, but that time passes."""
    world.publish(edge=(replace(cluster("a"), ttl=0.1),))
    call = world.open(dialect)
    await call.send(CDS, node={**NODE, "user_agent_name": "envoy"})
    for _ in range(3):
        got = await call.read()
        assert len(got.resources) == 1
        await call.send(CDS, response_nonce=got.nonce)


async def test_what_is_too_long_is_told_of(world, dialect, caplog):
    """Row 115: where it cannot be divided."""
    caplog.set_level(logging.WARNING)
    world.limit(response_bytes=200)
    world.publish(edge=(cluster("a"), cluster("b")))
    call = world.open(dialect)
    await call.send(CDS, node=NODE)
    assert await call.names() == ({"a", "b"} if dialect is SOTW else {"a"})
    assert ("edge: n1 is sent" in caplog.text) is (dialect is SOTW)
    assert ("legation_xds_oversized_total" in world.discovery._metrics.render()[1].decode()) is (dialect is SOTW)


def test_the_limits_of_a_stream_are_settings():
    """A server passes them on to every stream."""
    server = XdsServer(transport=Transport(patience_seconds=1, max_response_bytes=2, max_types=3, max_names=4))
    assert server._discovery._desk.limits == Limits(patience=1, response_bytes=2, types=3, names=4)
    assert XdsServer()._discovery._desk.limits == Limits()

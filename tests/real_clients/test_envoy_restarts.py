"""What a real Envoy sees of a control plane that goes away, and of one that it tells who it is again and again."""

from __future__ import annotations

from envoy_proxy import Proxy, running
from gateway_site import free_port
from load import load
from network import site
from plane import Plane

MANY = 40_000
"""Bytes: Envoy 1.36 names 400 extensions, Envoy 1.40 over 500."""
KEPT = r"(cluster_manager\.cluster|listener_manager\.listener)_(added|modified|removed)"


async def test_a_control_plane_that_is_killed_and_started_again_is_not_noticed(program, dialect, home, port, one, two):
    """Rows 29, 50, 52, 57: versions are those of the content, so nothing warms again and no listener drains."""
    address = "127.0.0.1", free_port()
    async with Plane(address) as plane:
        await plane.publish(*site(port, one))
        async with (
            running(Proxy(program, home / "1", address, dialect)) as proxy,
            load(f"http://127.0.0.1:{port}/") as traffic,
        ):
            before = await proxy.stats(KEPT)
            await plane.kill()
            await traffic.more("200 one")
            await plane.start()
            await plane.publish(*site(port, one))
            await plane.joined()
            assert await proxy.stats(KEPT) == before
            await plane.publish(*site(port, two))
            await traffic.only("200 two")
            assert await proxy.stalls() == []
        assert not traffic.failures


async def test_a_node_of_sixty_kilobytes_in_every_request_holds_up_nothing(edge, port, one, two):
    """Row 4: Envoy names all its extensions, each time when its bootstrap does not tell it to do so only once."""
    async with edge(*site(port, one), wordy=True) as made, load(f"http://127.0.0.1:{port}/") as traffic:
        for mark in range(1, 6):
            await made.publish(*site(port, (one, two)[mark % 2], mark=mark))
        await traffic.only("200 two")
        assert min(map(len, made.relay.asked)) > MANY
        assert await made.proxy.stalls() == []
    assert not traffic.failures

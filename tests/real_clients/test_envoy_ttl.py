"""What a real Envoy does with a resource that has a time to live: it needs to hear of it, and only that."""

from __future__ import annotations

from dataclasses import replace

from gateway_site import free_port
from load import load
from network import site
from patience import until

KEPT = r"(cluster_manager\.cluster|listener_manager\.listener)_(added|modified|removed)"


async def test_a_resource_lives_as_long_as_envoy_hears_of_it(edge, port, one):
    """Rows 96, 97, 98: heartbeats change nothing and are not refused; without them it is gone, and Envoy goes on."""
    async with edge(*(replace(made, ttl=1.0) for made in site(port, one))) as made:
        async with load(f"http://127.0.0.1:{port}/") as traffic:
            before, heard = await made.proxy.stats(KEPT), len(made.relay.answered)
            await until(lambda: len(made.relay.answered) > heard + 2 * 9)  # at least of two types, thrice a second: for 3 s
            await traffic.more("200 one")
            assert await made.proxy.stats(KEPT) == before
            assert await made.proxy.refused() == 0
            assert await made.proxy.stalls() == []
        assert not traffic.failures
        made.relay.target, made.relay.cuts = ("127.0.0.1", free_port()), b"real clients"
        await until(lambda: _has_none(made.proxy))


async def _has_none(proxy) -> bool:
    return not await proxy.clusters()

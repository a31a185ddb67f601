"""A proxy that does not answer: it is told, and what depends on the answer goes on."""

from __future__ import annotations

import logging

from discovery_world import NODE, cluster

from xds.codec import resource
from xds.model.type_url import CDS, RDS
from xds.protocol import Limits


def route(name: str, cluster: str):
    host = {"name": "h", "domains": ["*"], "routes": [{"match": {"prefix": "/"}, "route": {"cluster": cluster}}]}
    return resource({"@type": RDS, "name": name, "virtual_hosts": [host]})


async def test_what_depends_on_a_silent_proxy_goes_on_by_itself(world, dialect, caplog):
    """Row 71: nothing happens in between, but that time passes."""
    caplog.set_level(logging.WARNING)
    world.discovery._limits = Limits(patience=0.05)
    world.publish(edge=(cluster("a"), route("r", "a")))
    call = world.open(dialect)
    await call.send(CDS, node=NODE)
    await call.send(RDS, ("r",))
    assert (await call.read()).type_url == CDS
    assert (await call.read()).type_url == RDS
    await world.until(lambda: "edge: n1 has not answered a response of cds" in caplog.text)
    assert 'legation_xds_overdue_total{type="cds"} 1.0' in world.discovery._metrics.render()[1].decode()

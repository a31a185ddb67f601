"""What a real gRPC client is told of names that it asks for and does not get."""

from __future__ import annotations

import pytest
from envoy_proxy import GROUP
from grpc_question import asked
from network import ADS, EXTENSIONS, cluster, route

from xds.codec import resource
from xds.model import Resource, Snapshot
from xds.model.type_url import CDS, LDS
from xds.server.authority import Authority, Rule
from xds.server.xds_server import XdsServer

MANAGER = EXTENSIONS + "filters.network.http_connection_manager.v3.HttpConnectionManager"


def listener(name: str) -> Resource:
    """A listener for clients, whose routes are `all`."""
    router = {"name": "router", "typed_config": {"@type": EXTENSIONS + "filters.http.router.v3.Router"}}
    manager = {"@type": MANAGER, "rds": {"route_config_name": "all", "config_source": ADS}, "http_filters": [router]}
    return resource({"@type": LDS, "name": name, "api_listener": {"api_listener": manager}})


@pytest.mark.parametrize(
    ("there", "missing"),
    [
        ((cluster("other"),), "LDS resource shop: there is no such lds resource"),
        ((listener("shop"),), "RDS resource all: there is no such rds resource"),
        ((listener("shop"), route("all", rest="shop")), "CDS resource shop: there is no such cds resource"),
    ],
    ids=["lds", "rds", "cds"],
)
async def test_a_name_that_does_not_exist_is_told_at_once(there, missing):
    """Row 94: in words of ours, where gRPC waits 15 s otherwise."""
    server = XdsServer()
    await server.publish(GROUP, Snapshot.of(there))
    async with server.serve() as xds:
        said = await asked(xds, "shop", GROUP)
    assert said.startswith("UNAVAILABLE: ")
    assert missing in said


class Failing:
    """An on-demand hook whose registry is down."""

    types = frozenset({CDS})

    async def make(self, group, type_url, name):
        raise ConnectionError("no route to the registry")


async def test_what_cannot_be_made_now_is_unavailable():
    """Row 95."""
    server = XdsServer(on_demand=[Failing()])
    await server.publish(GROUP, Snapshot.of([listener("shop"), route("all", rest="shop")]))
    async with server.serve() as xds:
        said = await asked(xds, "shop", GROUP)
    assert "CDS resource shop: it could not be made, try again later" in said


async def test_what_a_client_may_not_have_is_denied():
    """Rows 94, 123."""
    rule = Rule(("local",), types=("lds", "rds"))
    server = XdsServer(authority=Authority((rule,)))
    await server.publish(GROUP, Snapshot.of([listener("shop"), route("all", rest="shop"), cluster("shop")]))
    async with server.serve() as xds:
        said = await asked(xds, "shop", GROUP)
    assert "CDS resource shop: this client may not ask for cds" in said

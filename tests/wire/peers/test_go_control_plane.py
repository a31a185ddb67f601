"""The peer is a target as any other: it says where it is, takes what the adapter is given, and serves it."""

from __future__ import annotations

import base64
import json
import subprocess

import aiohttp
import go_control_plane
import grpc
import pytest

from benchmarks.server.go_program import go
from xds.codec import message_class
from xds.model.type_url import CDS, LEDS

pytestmark = [
    pytest.mark.skipif(go() is None, reason="the peer is written in Go, and there is none here"),
    pytest.mark.timeout(600),  # it is built first
]
SOON = 10
METHOD = "/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources"


@pytest.fixture(params=go_control_plane.SETUPS)
def target(request):
    command = [go_control_plane.PROGRAM.built(), "-setup", request.param]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with process:
        yield json.loads(process.stdout.readline())
        process.stdin.close()
        assert process.wait(SOON) == 0


def cluster(name: str) -> dict[str, str]:
    value = message_class("envoy.config.cluster.v3.Cluster")(name=name).SerializeToString()
    return {"type_url": CDS, "name": name, "value": base64.b64encode(value).decode()}


async def tell(target, call: str, version: str, *resources: dict) -> int:
    body = {"group": "g", "version": version, "resources": resources}
    async with aiohttp.ClientSession() as session, session.post(f"{target['adapter']}/{call}", json=body) as answer:
        told = await answer.json()
        assert ("error" in told) == (answer.status != 200)
        return answer.status


async def clusters(target) -> set[str]:
    """What a new node of the group is given."""
    request = message_class("envoy.service.discovery.v3.DiscoveryRequest")(type_url=CDS, node={"id": "g", "cluster": "g"})
    response = message_class("envoy.service.discovery.v3.DiscoveryResponse")
    async with grpc.aio.insecure_channel(target["xds"]) as channel:
        call = channel.stream_stream(METHOD)()
        await call.write(request.SerializeToString())
        got = response.FromString(await call.read())
        call.cancel()
    return {message_class("envoy.config.cluster.v3.Cluster").FromString(one.value).name for one in got.resources}


async def test_what_the_adapter_is_told_is_served(target):
    await tell(target, "set", "1", cluster("a"), cluster("b"))
    assert await clusters(target) == {"a", "b"}
    await tell(target, "add", "2", cluster("c"))
    await tell(target, "update", "3", cluster("b"))
    await tell(target, "remove", "4", cluster("a"))
    assert await clusters(target) == {"b", "c"}


async def test_what_the_peer_cannot_do_is_said(target):
    endpoint = {"type_url": LEDS, "name": "e", "value": ""}
    assert await tell(target, "set", "1", endpoint) == 501
    assert await tell(target, "set", "2", {**cluster("a"), "aliases": ["b"]}) == 501
    assert await tell(target, "set", "3", {**cluster("a"), "value": "CgFh!"}) == 400

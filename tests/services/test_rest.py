"""REST: what a poll gets, and what every wrong one is told."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from typing import Any

import aiohttp
import anyio
import pytest
from discovery_world import NODE, cluster
from prometheus_client.parser import text_string_to_metric_families
from test_authority import RULES, Tokens, bearer
from test_services import RESOURCES

from xds.model import ConfigError, Resource, Snapshot
from xds.model.type_url import CDS, EDS, SDS
from xds.server import rest
from xds.server.authority import Authority
from xds.server.service import PATHS
from xds.server.xds_server import XdsServer

CLUSTERS = "/v3/discovery:clusters"
JSON = {"Content-Type": "application/json"}


@dataclass
class Polled:
    """A server, and a session with its REST port."""

    server: XdsServer
    session: aiohttp.ClientSession

    async def post(self, path: str = CLUSTERS, *, body: bytes | None = None, headers: Any = JSON, **request: Any):
        """Status, text and headers of the answer."""
        data = io.BytesIO(json.dumps({"node": NODE, **request}).encode() if body is None else body)
        async with self.session.post(path, data=data, headers={**headers}) as answer:
            return answer.status, await answer.text(), answer.headers

    async def ask(self, path: str = CLUSTERS, **request: Any) -> dict[str, Any]:
        status, text, headers = await self.post(path, **request)
        assert (status, headers["Content-Type"]) == (200, "application/json"), text
        return json.loads(text)

    def refused(self, **labels: str) -> float:
        families = text_string_to_metric_families(self.server.metrics.render()[1].decode())
        samples = [one for family in families for one in family.samples if one.name == "legation_xds_refused_total"]
        return sum(one.value for one in samples if labels.items() <= one.labels.items())


@pytest.fixture(params=[None], ids=["open"])
def authority(request) -> Authority:
    return request.param or Authority()


@pytest.fixture
async def polled(anyio_backend, authority):
    server = XdsServer(authority=authority, identifier="me")
    await server.publish("edge", Snapshot.of([*RESOURCES.values(), cluster("b")]))
    async with server.serve_rest() as (host, port), aiohttp.ClientSession(f"http://{host}:{port}") as session:
        yield Polled(server, session)


@pytest.mark.parametrize(("path", "type_url"), PATHS.items(), ids=lambda one: one.rpartition(":")[2])
async def test_every_type_is_served_on_its_path(polled, path, type_url):
    """Row 137."""
    got = await polled.ask(path, resource_names=["a"])
    assert (got["type_url"], got["control_plane"]) == (type_url, {"identifier": "me"})
    assert [one["@type"] for one in got["resources"]] == [type_url]
    assert got["version_info"]


async def test_field_names_are_protos_own_going_out_and_either_coming_in(polled):
    (one,) = (await polled.ask(resource_names=["a"]))["resources"]
    assert (one["name"], one["alt_stat_name"]) == ("a", "1")
    (one,) = (await polled.ask(resourceNames=["b"], typeUrl=CDS))["resources"]
    assert one["name"] == "b"
    assert len((await polled.ask())["resources"]) == 2


async def test_what_a_proxy_has_already_is_not_said_again(polled):
    """Row 137: 304, until something changes."""
    version = (await polled.ask())["version_info"]
    assert (await polled.post(version_info=version))[:2] == (304, "")
    await polled.server.publish("edge", Snapshot.of([cluster("a", "2")]))
    assert (await polled.ask(version_info=version))["version_info"] != version


async def test_missing_endpoints_are_said_to_be_none(polled):
    got = await polled.ask("/v3/discovery:endpoints", resource_names=["zz"])
    assert got["resources"] == [{"@type": EDS, "cluster_name": "zz"}]


async def test_a_nodes_extensions_are_not_looked_at(polled):
    extensions = [{"name": number, "category": "filters"} for number in range(500)]
    got = await polled.ask(node={**NODE, "user_agent_name": "envoy", "extensions": extensions, "new_field": 7})
    assert len(got["resources"]) == 2


@pytest.mark.parametrize(
    ("request_", "status", "words"),
    [
        ({"body": b"{"}, 400, "is no DiscoveryRequest"),
        ({"body": b"[]"}, 400, "must be a JSON object"),
        ({"body": b'{"resource_names": 7}'}, 400, "resource_names"),
        ({"body": b"[" * 100_000}, 400, "is no DiscoveryRequest"),
        ({"body": b'{"node":{"metadata":' + b'{"a":' * 200 + b"1" + b"}" * 200 + b"}}"}, 400, "is no DiscoveryRequest"),
        ({"body": b"{}"}, 400, "a node with an id"),
        ({"node": {"id": "n"}}, 400, "a node with an id"),
        ({"type_url": SDS}, 400, CDS),
        ({"node": {"id": "n", "cluster": "nowhere"}}, 503, "nothing is known of the node group 'nowhere' yet"),
        ({"headers": {"Content-Type": "text/plain"}}, 415, "must be application/json"),
        ({"headers": {**JSON, "Origin": "http://a.page"}}, 403, "a web page may not ask"),
        ({"body": b" " * (5 << 20)}, 413, ""),
        ({"path": "/v3/discovery:virtual-hosts"}, 404, "POST /v3/discovery:clusters"),
        ({"path": "/"}, 404, "POST /v3/discovery:secrets"),
    ],
    ids=lambda one: str(one)[:30],
)
async def test_a_wrong_poll_is_told_what_is_wrong_with_it(polled, request_, status, words):
    got, text, _ = await polled.post(**request_)
    assert (got, words in text) == (status, True), text
    assert len((await polled.ask())["resources"]) == 2
    assert len(text) < 1000


async def test_nothing_is_said_to_a_mere_visit(polled):
    async with polled.session.get(CLUSTERS) as answer:
        assert (answer.status, "GET /v3/discovery:clusters is not here" in await answer.text()) == (404, True)


async def test_a_request_that_does_not_come_is_not_waited_for(polled, monkeypatch):
    monkeypatch.setattr(rest, "PATIENCE", 0.05)

    async def never():
        yield b"{"
        await anyio.sleep_forever()

    async with polled.session.post(CLUSTERS, data=never(), headers=JSON) as answer:
        assert (answer.status, "must be here within" in await answer.text()) == (408, True)


async def test_what_cannot_be_json_is_told_and_the_rest_is_served(polled, caplog):
    await polled.server.publish("edge", Snapshot.of([Resource(CDS, "bad", "1", b"\xff\xff"), RESOURCES[EDS]]))
    status, text, _ = await polled.post()
    assert (status, "cannot be written as JSON" in text, "cannot be written as JSON" in caplog.text) == (500, True, True)
    assert (await polled.ask("/v3/discovery:endpoints", resource_names=["a"]))["resources"]


@pytest.mark.parametrize("authority", [Authority(RULES, [Tokens()])], indirect=True)
@pytest.mark.parametrize(
    ("name", "path", "status"),
    [
        ("", CLUSTERS, 401),
        ("team-a", CLUSTERS, 200),
        ("team-a", "/v3/discovery:secrets", 403),
        ("admin", "/v3/discovery:secrets", 200),
        ("nobody", CLUSTERS, 403),
        ("broken", CLUSTERS, 503),
    ],
)
async def test_the_same_authority_says_who_may_ask_for_what(polled, name, path, status):
    """Rows 121-123: before the request is read, where nobody is known."""
    headers = {**JSON, **(dict(bearer(name)) if name else {})}
    got, text, answered = await polled.post(path, headers=headers, resource_names=["a"])
    assert got == status, text
    assert ("WWW-Authenticate" in answered) == (status == 401)
    if status == 401:
        assert (await polled.post(path, body=b"{"))[0] == 401
        assert polled.refused(service="cds", code="UNAUTHENTICATED") == 2


async def test_a_taken_port_is_named():
    async with XdsServer().serve_rest() as (host, port):
        with pytest.raises(ConfigError, match=f"{host}:{port} is already in use.*choose another with rest.address"):
            async with XdsServer().serve_rest(host, port):
                pass

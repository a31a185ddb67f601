"""The admin service: what it tells, and what it keeps to itself."""

from __future__ import annotations

import json
import socket

import pytest

from xds.model import ConfigError
from xds.server.admin import ENDPOINTS, serve_admin
from xds.server.metrics import Metrics


async def test_the_index_links_every_endpoint(ask):
    status, page, headers = await ask("/")
    assert status == 200
    assert headers["Content-Type"].startswith("text/html")
    assert all(f'href="{path}"' in page for path in ENDPOINTS)


@pytest.mark.parametrize("path", ENDPOINTS)
async def test_every_endpoint_answers_get_and_head_and_nothing_else(ask, path):
    assert (await ask(path))[0] == 200
    assert (await ask(path, "HEAD"))[0] == 200
    for method in ("POST", "PUT", "DELETE"):
        assert (await ask(path, method))[0] == 405


async def test_the_process_is_healthy_before_it_is_ready(ask, plane):
    plane.waits = ["the provider file", "a snapshot"]
    assert (await ask("/healthz"))[:2] == (200, "ok\n")
    assert (await ask("/readyz"))[:2] == (503, "waiting for the provider file\nwaiting for a snapshot\n")
    plane.waits = []
    assert (await ask("/readyz"))[:2] == (200, "ready\n")


async def test_snapshots_are_versions_by_group_type_and_name(ask, plane):
    told = json.loads((await ask("/snapshots"))[1])
    assert list(told) == ["default/edge", "default/other"]
    assert list(told["default/edge"]) == ["cds", "sds"]
    assert {name: len(version) for name, version in told["default/edge"]["cds"].items()} == {"a": 16, "b": 16}


async def test_snapshots_of_one_group_and_type(ask):
    told = json.loads((await ask("/snapshots?group=default/edge&type=sds"))[1])
    assert list(told) == ["default/edge"]
    assert list(told["default/edge"]) == ["sds"]


async def test_bodies_are_whole_messages_without_private_keys(ask):
    _, text, _ = await ask("/snapshots?bodies=true")
    told = json.loads(text)["default/edge"]
    assert told["cds"]["a"]["connect_timeout"] == "1s"
    assert told["sds"]["tls"]["tls_certificate"]["certificate_chain"] == {"inline_string": "CERTIFICATE"}
    assert told["sds"]["tls"]["tls_certificate"]["private_key"] == {"inline_string": "[redacted]"}
    assert "HUSH" not in text


async def test_an_unknown_group_or_type_says_which_there_are(ask):
    assert (await ask("/snapshots?group=x"))[:2] == (
        404,
        "there is no node group 'x'; there are: default/edge, default/other\n",
    )
    status, text, _ = await ask("/snapshots?type=x")
    assert (status, text[:42]) == (400, "there is no type 'x'; there are: cds, eds,")


async def test_proxies_are_told_with_what_they_hold_and_what_was_refused(ask):
    told = json.loads((await ask("/proxies"))[1])
    (proxy,) = told["proxies"]
    assert (proxy["id"], proxy["dialect"], proxy["since"]) == ("envoy-1", "delta", "2001-09-09T01:46:40+00:00")
    assert proxy["types"]["cds"] == {
        "resources": 2,
        "version": "c0ffee",
        "answer": "rejected",
        "error": "no such filter",
    }
    assert told["refused"][0]["name"] == "b"
    assert told["refused"][0]["kept"] is True
    assert told["refused"][0]["objects"] == ["HTTPRoute default/api"]


async def test_status_tells_of_each_object_whether_it_is_well_and_why_not(ask):
    gateway, route = json.loads((await ask("/status"))[1])
    assert (gateway["object"], gateway["well"], gateway["summary"]) == (
        "Gateway default/edge",
        True,
        "http://127.0.0.1:8080",
    )
    assert (route["well"], route["failing"]) == (
        False,
        [
            {
                "part": "parent default/edge",
                "type": "ResolvedRefs",
                "reason": "BackendNotFound",
                "message": "no Service default/echo",
            },
        ],
    )
    assert route["status"]["parents"][0]["conditions"][0]["type"] == "Accepted"


async def test_diagnostics_have_file_line_field_and_hint(ask):
    route, empty = json.loads((await ask("/diagnostics"))[1])
    assert (route["file"], route["line"], route["object"]) == ("r.yaml", 7, "HTTPRoute default/api")
    assert (route["field"], route["hint"], route["severity"]) == ("spec.hostnames[0]", "quote it", "error")
    assert (empty["object"], empty["severity"]) == ("", "warning")


async def test_a_taken_port_names_the_address_the_setting_and_the_flag(plane):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError) as caught:
            async with serve_admin(plane, Metrics(), "127.0.0.1", port):
                pass
    assert str(caught.value) == (
        f"127.0.0.1:{port} is already in use"
        " (choose another with --admin-port, or admin.address and admin.port in the settings file)"
    )


async def test_an_address_of_another_machine_is_said_in_words(plane):
    with pytest.raises(ConfigError, match=r"192\.0\.2\.1:1 is no address of this machine"):
        async with serve_admin(plane, Metrics(), "192.0.2.1", 1):
            pass


class TestClientStatus:
    async def test_is_csds_over_rest(self, ask):
        status, text, headers = await ask("/v3/discovery:client_status", "POST", '{"exclude_resource_contents": true}')
        assert (status, headers["Content-Type"]) == (200, "application/json")
        (config,) = json.loads(text)["config"]
        (one,) = config["generic_xds_configs"]
        assert config["node"]["id"] == "envoy-1"
        assert (one["name"], one["config_status"], one["client_status"]) == ("a", "SYNCED", "ACKED")
        assert "xds_config" not in one

    async def test_chooses_nodes(self, ask):
        body = '{"node_matchers": [{"node_id": {"exact": "nobody"}}]}'
        assert json.loads((await ask("/v3/discovery:client_status", "POST", body))[1]) == {}

    @pytest.mark.parametrize("body", ["[]", "{", '{"nobody": 1}', '{"node_matchers": [{"node_id": {}}]}'])
    async def test_a_question_that_is_none_is_told(self, ask, body):
        status, text, _ = await ask("/v3/discovery:client_status", "POST", body)
        assert status == 400
        assert text

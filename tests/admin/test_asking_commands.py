"""The commands that ask a running legation: status and proxies."""

from __future__ import annotations

import json
import socket
from datetime import timedelta

import pytest
from anyio import to_thread
from click.testing import CliRunner

from xds.control.cli import main
from xds.control.cli.asking import ask
from xds.control.cli.proxies import ago
from xds.control.cli.screen import Failure


@pytest.fixture
def legation(admin):
    """Runs a command that asks the admin service, in a thread: (exit code, lines of output)."""

    async def ran(*arguments: str):
        command = (*arguments, "--admin", admin)
        result = await to_thread.run_sync(lambda: CliRunner().invoke(main, command, catch_exceptions=False))
        return result.exit_code, result.stdout.splitlines()

    return ran


async def test_status_is_a_table_and_a_failing_object_says_why(legation):
    assert await legation("status") == (
        1,
        [
            "OBJECT                 STATE     WHAT",
            "Gateway default/edge   well      http://127.0.0.1:8080",
            "HTTPRoute default/api  not well  parent default/edge: ResolvedRefs BackendNotFound: no Service default/echo",
            "",
            "r.yaml:7: error: HTTPRoute default/api: spec.hostnames[0] must be text",
            "    quote it",
            "empty.yaml:1: warning: holds no objects",
        ],
    )


async def test_warnings_alone_are_no_failure(legation, plane):
    plane.told, plane.wrong = {}, plane.wrong[1:]
    assert await legation("status") == (0, ["There are no objects.", "", "empty.yaml:1: warning: holds no objects"])


async def test_what_is_not_ready_is_not_well(legation, plane):
    plane.told, plane.wrong, plane.waits = {}, [], ["the provider file"]
    assert await legation("status") == (1, ["Not ready: waiting for the provider file.", "There are no objects."])


async def test_status_as_json_is_what_the_service_told(legation):
    code, lines = await legation("status", "-o", "json")
    told = json.loads("\n".join(lines))
    assert code == 1
    assert [one["object"] for one in told["objects"]] == ["Gateway default/edge", "HTTPRoute default/api"]
    assert [one["severity"] for one in told["diagnostics"]] == ["error", "warning"]


async def test_proxies_are_a_table_with_what_was_refused_below(legation):
    code, lines = await legation("proxies")
    assert code == 0
    assert lines[0].split() == ["PROXY", "GROUP", "DIALECT", "SINCE", "TYPE", "RESOURCES", "VERSION", "ANSWER"]
    assert lines[1].startswith("envoy-1  default/edge  delta    ")
    assert lines[1].endswith("cds   2          c0ffee   rejected: no such filter")
    assert lines[2].split() == ["sds", "1", "5ec2e7", "accepted"]
    assert lines[3:] == [
        "",
        "REFUSED  TYPE  VERSION  GROUP         IN FORCE          MADE FROM              WHY",
        "b        cds   c0ffee   default/edge  an older version  HTTPRoute default/api  no such filter",
    ]


async def test_no_proxy_is_said_in_words(legation, plane):
    plane.connected, plane.refused = [], []
    assert await legation("proxies") == (0, ["No proxy is connected."])


async def test_what_a_proxy_says_cannot_steer_the_terminal(legation, plane):
    plane.refused = [type(plane.refused[0])("g", "t", "n", "v", "\x1b[2Jboo", kept=False)]
    assert (await legation("proxies"))[1][-1].endswith("nothing              \\x1b[2Jboo")


async def test_proxies_as_json_are_what_the_service_told(legation):
    told = json.loads("\n".join((await legation("proxies", "-o", "json"))[1]))
    assert told["proxies"][0]["types"]["sds"]["answer"] == "accepted"


@pytest.mark.parametrize("command", ["status", "proxies"])
def test_when_nobody_answers_it_says_where_and_how_to_start(command):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    result = CliRunner().invoke(main, [command, "--admin", f"http://127.0.0.1:{port}"])
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == (
        f"legation: no legation answers at http://127.0.0.1:{port} (connection refused).\n"
        "Start one with 'legation run PATH', or say where it is with --admin.\n"
    )


@pytest.mark.parametrize("address", ["127.0.0.1:1", "http://", "http://x:y", "ftp://x", "http://[1"])
def test_an_address_that_is_none_says_what_one_looks_like(address):
    result = CliRunner().invoke(main, ["status", "--admin", address])
    assert (result.exit_code, result.stderr) == (
        2,
        f"legation: --admin {address} is no address of an admin service; it looks like http://127.0.0.1:19000\n",
    )


async def test_a_server_that_is_no_legation_is_told_apart(admin):
    with pytest.raises(Failure, match="/healthz answers 200, and not as a legation does"):
        await to_thread.run_sync(ask, admin, "/healthz")


@pytest.mark.parametrize(
    ("seconds", "said"), [(0, "0 s"), (59, "59 s"), (60, "1 min"), (7200, "2 h"), (90000, "1 d"), (-5, "0 s")]
)
def test_times_are_said_in_their_largest_unit(seconds, said):
    assert ago(timedelta(seconds=seconds)) == said

"""The whole control plane without a proxy: readiness, ports, the banner, and its end as a process."""

from __future__ import annotations

import os
import signal
import socket
import sys
from contextlib import asynccontextmanager
from dataclasses import replace

import aiohttp
import anyio
import pytest
from scripted import Words, put, until

from xds.control import app
from xds.control.banner import _listed as listed
from xds.control.banner import attempt, lines
from xds.control.plugin import NODES, PROVIDERS, SOURCES, Plugin
from xds.control.settings import Admin, Log, Rest, Settings, Xds
from xds.model import ConfigError, Listed
from xds.server.authority import Rule
from xds.server.grouping import ById


@pytest.fixture
def settings(monkeypatch, teller):
    """Settings of a plane over the scripted provider and source, at free ports."""
    monkeypatch.setattr(Plugin, "make", lambda self: self.factory())
    provider = Plugin(PROVIDERS, "slow", lambda: teller)
    return Settings(Xds(port=0), Admin(port=0), Log(), (provider,), (Plugin(SOURCES, "words", Words),))


@pytest.fixture
def addresses(monkeypatch):
    """Where the admin service listens, once it does."""
    found: list[str] = []
    really = app.serve_admin

    @asynccontextmanager
    async def noted(*arguments):
        async with really(*arguments) as (host, port):
            found.append(f"http://{host}:{port}")
            yield host, port

    monkeypatch.setattr(app, "serve_admin", noted)
    return found


async def test_it_is_ready_when_every_provider_has_listed(settings, teller, addresses):
    async with app.plane(settings, None) as plane, aiohttp.ClientSession(addresses[0]) as session:
        async with session.get("/readyz") as answer:
            assert (answer.status, await answer.text()) == (503, "waiting for the provider slow\n")
        teller.say(put("a"), Listed())
        await until(lambda: not plane.missing())
        async with session.get("/readyz") as answer:
            assert (answer.status, await answer.text()) == (200, "ready\n")
        async with session.get("/status") as answer:
            assert [one["object"] for one in await answer.json()] == ["Word default/a"]


@pytest.fixture
def port() -> int:
    """One that is free, for what does not say which it took."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


@pytest.mark.parametrize(("node", "status"), [({"id": "acme"}, 200), ({"id": "other"}, 403), ({}, 200)])
async def test_who_polls_is_let_in_and_grouped_as_the_settings_say(settings, teller, port, node, status):
    """By its id, and what has none is one group; `local` may have two groups."""
    access = (Rule(who=("local",), groups=("acme", "words")),)
    grouping = Plugin(NODES, "id", ById)
    made = replace(settings, rest=Rest(port=port), access=access, grouping=grouping, default_group="acme")
    async with app.plane(made, None) as plane, aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
        teller.say(put("a"), Listed())
        await until(lambda: not plane.missing())
        async with session.post("/v3/discovery:clusters", json={"node": node}) as answer:
            assert (answer.status, "connect_timeout" in await answer.text()) == (status, status == 200)


SECTIONS = [("xds", Xds, "--port,"), ("admin", Admin, "--admin-port,"), ("rest", Rest, "rest.address and rest.port in")]


@pytest.mark.parametrize(("section", "struct", "flag"), SECTIONS)
async def test_a_port_that_is_taken_ends_the_start_with_an_error(settings, section, struct, flag):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        taken = replace(settings, **{section: struct(port=port)})
        with pytest.raises(ConfigError, match=f"127.0.0.1:{port} is already in use .choose another with {flag}"):
            async with app.plane(taken, None):
                pytest.fail("this block is not reached")


async def test_the_banner_says_where_everything_is(settings, teller):
    async with app.plane(settings, None) as plane:
        teller.say(put("a"), Listed())
        await until(lambda: not plane.missing())
        assert list(lines(plane, ("127.0.0.1", 1), ("127.0.0.1", 2))) == [
            "  admin     http://127.0.0.1:2/",
            "  metrics   http://127.0.0.1:2/metrics",
            "  xds       127.0.0.1:1",
        ]


@pytest.mark.parametrize(("format_", "shown"), [("text", "  xds       "), ("json", "")])
async def test_a_log_for_programs_has_a_line_in_the_place_of_the_banner(settings, teller, format_, shown, capsys, caplog):
    caplog.set_level("INFO")
    async with app.plane(replace(settings, log=Log(format=format_)), None):
        teller.say(put("a"), Listed())
        printed: list[str] = []
        await until(lambda: printed.append(capsys.readouterr().out) or "everything is served" in caplog.text or any(printed))
    assert ("everything is served: to proxies at 127.0.0.1:" in caplog.text) is (format_ == "json")
    assert shown in "".join(printed)
    assert any(printed) is (format_ == "text")


def test_of_many_routes_a_banner_has_a_few():
    told = list(listed("route", ["a -> b"] * 1020))
    assert told[0] == "  route     a -> b"
    assert told[-1] == "  route     and 1,000 more: legation status"
    assert len(told) == 21


QUICK = """\
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge}
spec:
  gatewayClassName: legation
  addresses: [{type: IPAddress, value: 127.0.0.1}]
  listeners: [{name: http, protocol: HTTP, port: 8080}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: api}
spec:
  parentRefs: [{name: edge}]
  rules:
    - backendRefs: [{group: gateway.envoyproxy.io, kind: Backend, name: echo}]
---
apiVersion: gateway.envoyproxy.io/v1alpha1
kind: Backend
metadata: {name: echo}
spec: {endpoints: [{ip: {address: 127.0.0.1, port: 3000}}]}
"""


class TestTheProcess:
    @pytest.fixture
    async def legation(self, tmp_path):
        """`legation run` without an Envoy, with a companion, once its banner is there: (process, printed, companion)."""
        (tmp_path / "quick.yaml").write_text(QUICK)
        (tmp_path / "free.yaml").write_text("xds: {port: 0}\nadmin: {port: 0}\n")
        pid = tmp_path / "pid"
        beside = f'{sys.executable} -c \'import os, time; open("{pid}", "w").write(str(os.getpid())); time.sleep(60)\''
        command = [sys.executable, "-c", "from xds.control.cli import main; main()", "run", "quick.yaml", "--no-envoy"]
        command += ["--config", "free.yaml", "--with", beside]
        async with await anyio.open_process(command, cwd=tmp_path) as process:
            printed = ""
            with anyio.fail_after(20):
                while "curl" not in printed:
                    printed += (await process.stdout.receive()).decode()
                while not (pid.exists() and pid.read_text()):  # noqa: ASYNC110  a file tells nobody
                    await anyio.sleep(0.01)
            yield process, printed, int(pid.read_text())
            if process.returncode is None:
                process.terminate()
                with anyio.fail_after(20):
                    await process.wait()

    async def test_its_banner_has_what_one_types(self, legation):
        _, printed, _ = legation
        assert "  gateway   http://127.0.0.1:8080\n" in printed
        assert "  route     http://127.0.0.1:8080/ -> backend default/echo\n" in printed
        assert "  try       curl -i http://127.0.0.1:8080/\n" in printed

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    async def test_a_signal_ends_it_well_and_nothing_is_left(self, legation, number):
        process, _, companion = legation
        os.kill(companion, 0)
        process.send_signal(number)
        with anyio.fail_after(20):
            assert await process.wait() == 0
        with pytest.raises(ProcessLookupError):
            os.kill(companion, 0)


@pytest.mark.parametrize(
    ("summaries", "line"),
    [
        ([], "curl -i http://127.0.0.1:8080/"),
        (["nowhere", "http://127.0.0.1:8080/api -> service a:80"], "curl -i http://127.0.0.1:8080/api"),
        (["http://a.example:8080/ -> b"], "curl -i --connect-to ::127.0.0.1:8080 http://a.example:8080/"),
        (["https://*.a.example:8443/"], "curl -i -k --connect-to ::127.0.0.1:8443 https://www.a.example:8443/"),
    ],
)
def test_the_banner_offers_a_curl_line_that_works_without_dns(summaries, line):
    assert attempt(["http://127.0.0.1:8080", "https://127.0.0.1:8443"], summaries) == line

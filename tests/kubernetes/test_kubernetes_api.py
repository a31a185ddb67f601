"""Requests, and what is said of those that fail."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
from aiohttp import web
from blockbuster import blockbuster_ctx
from issuer import Issuer

from providers.kubernetes import KubernetesProvider, credentials
from providers.kubernetes import api as module
from providers.kubernetes.api import Api, ApiError, connect
from providers.kubernetes.credentials import Credentials
from providers.kubernetes.settings import Settings
from xds.model import ConfigError

pytest.importorskip("kubernetes_asyncio")

TOKEN = "never-to-be-shown"

Answer = Callable[[web.Request], Any]


@pytest.fixture(autouse=True)
def nothing_blocks() -> Iterator[None]:
    """What is asked of the API server never holds up the event loop."""
    with blockbuster_ctx([f"providers.kubernetes.{name}" for name in ("api", "discovery", "reflection", "reflector")]):
        yield


@pytest.fixture
def config(tmp_path) -> Path:
    """Where a kubeconfig goes."""
    return tmp_path / "config"


def write(path: Path, server: str, **user: Any) -> None:
    """A kubeconfig as kubectl takes it."""
    path.write_text(
        json.dumps(
            {
                "current-context": "one",
                "contexts": [{"name": "one", "context": {"cluster": "c", "user": "u"}}],
                "clusters": [{"name": "c", "cluster": {"server": server}}],
                "users": [{"name": "u", "user": user}],
            }
        )
    )


@asynccontextmanager
async def answering(answer: Answer, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """The URL of a server that answers every request like this."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, shutdown_timeout=0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
    try:
        yield f"{'https' if tls else 'http'}://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@pytest.fixture
def served(config):
    """An API of the test's own, and a session with it."""

    @asynccontextmanager
    async def serve(answer: Answer, **user: Any) -> AsyncIterator[Api]:
        async with answering(answer) as server:
            write(config, server, **user)
            async with connect(Settings(kubeconfig=str(config))) as api:
                yield api

    return serve


def status(code: int, reason: str, **headers: str) -> Answer:
    async def answer(_: web.Request) -> web.Response:
        return web.json_response(
            {"kind": "Status", "message": "not like this", "reason": reason}, status=code, headers=headers
        )

    return answer


async def test_a_request_carries_the_token_and_the_query(served):
    async def answer(request: web.Request) -> web.Response:
        return web.json_response([request.method, request.headers["authorization"], dict(request.query)])

    async with served(answer, token=TOKEN) as api:
        assert json.loads(await api.read("/api/v1/pods", {"labelSelector": "a in (b, c)"})) == [
            "GET",
            f"Bearer {TOKEN}",
            {"labelSelector": "a in (b, c)"},
        ]


async def test_a_body_is_sent_as_it_is(served):
    async def answer(request: web.Request) -> web.Response:
        return web.json_response([request.method, request.content_type, await request.text()])

    async with served(answer) as api:
        sent = await api.send("PATCH", "/x", b"{}", "application/merge-patch+json")
        assert json.loads(sent) == ["PATCH", "application/merge-patch+json", "{}"]


async def test_a_refusal_says_who_what_and_why(served):
    async with served(status(403, "Forbidden"), token=TOKEN) as api:
        with pytest.raises(ApiError) as refused:
            await api.read("/api/v1/pods")
        assert (refused.value.status, refused.value.reason, refused.value.message) == (403, "Forbidden", "not like this")
        assert str(refused.value).startswith(f"{api.server}: GET /api/v1/pods is answered 403 Forbidden: not like this")
        assert TOKEN not in str(refused.value)


async def test_a_busy_server_says_when_to_come_again(served):
    async with served(status(429, "TooManyRequests", **{"Retry-After": "7"})) as api:
        with pytest.raises(ApiError) as refused:
            await api.read("/")
        assert refused.value.retry_after == 7


async def test_what_is_not_kubernetes_is_quoted(served):
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=502, text="<h1>Bad Gateway</h1>")

    async with served(answer) as api:
        with pytest.raises(ApiError, match="502 Bad Gateway: <h1>Bad Gateway</h1>"):
            await api.read("/")


async def test_lines_come_as_they_are_sent_however_long(served):
    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for piece in (b"one\ntw", b"o\n", b"x" * (1 << 22), b"\n"):
            await response.write(piece)
        return response

    async with served(answer) as api, api.lines("/") as lines:
        assert [len(one) async for one in lines] == [3, 3, 1 << 22]


async def test_silence_ends_the_lines(served, monkeypatch):
    monkeypatch.setattr(module, "LONG", module.aiohttp.ClientTimeout(total=None, sock_read=0.05))
    over = anyio.Event()

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"one\n")
        await over.wait()
        return response

    async with served(answer) as api, api.lines("/") as lines:
        assert [one async for one in lines] == [b"one"]
        over.set()


async def test_a_connection_that_breaks_is_an_os_error(served):
    async def answer(request: web.Request) -> web.Response:
        request.transport.abort()
        return web.Response()

    async with served(answer, token=TOKEN) as api:
        with pytest.raises(OSError, match=r"http://127.0.0.1:.* broke off") as failed:
            await api.read("/")
        assert TOKEN not in str(failed.value)


async def test_a_server_that_is_not_there_is_an_os_error(config):
    write(config, "http://127.0.0.1:1")
    async with connect(Settings(kubeconfig=str(config))) as api:
        with pytest.raises(OSError, match=r"http://127.0.0.1:1 cannot be reached: .*refused"):
            await api.read("/")


async def test_a_token_that_is_not_accepted_is_read_again(served, tmp_path):
    token = tmp_path / "token"
    token.write_text("old")

    async def answer(request: web.Request) -> web.Response:
        return web.Response(status=200 if request.headers["authorization"] == "Bearer new" else 401)

    async with served(answer, tokenFile=str(token)) as api:
        with pytest.raises(ApiError, match="401"):
            await api.read("/")
        token.write_text("new")
        await api.read("/")


async def test_a_program_that_a_kubeconfig_names_is_asked_for_the_token(served, tmp_path):
    program = tmp_path / "login"
    credential = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "kind": "ExecCredential",
        "status": {"token": "of-a-program"},
    }
    program.write_text(f"#!/bin/sh\necho '{json.dumps(credential)}'\n")
    program.chmod(0o755)

    async def answer(request: web.Request) -> web.Response:
        return web.Response(text=request.headers["authorization"])

    login = {"apiVersion": "client.authentication.k8s.io/v1", "command": str(program), "interactiveMode": "Never"}
    async with served(answer, exec=login) as api:
        assert await api.read("/") == b"Bearer of-a-program"


async def test_certificates_prove_who_is_who(tmp_path, config):
    """The server's is checked against the kubeconfig's authority, and ours is shown."""
    issuer = Issuer(tmp_path, "ca")
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(issuer.file))
    tls.load_cert_chain(*issuer.issue("localhost"))
    tls.verify_mode = ssl.CERT_REQUIRED
    certificate, key = issuer.issue("someone")

    async def answer(request: web.Request) -> web.Response:
        return web.json_response(request.transport.get_extra_info("peercert")["subject"])

    async with answering(answer, tls) as server:
        write(config, server, **{"client-certificate": str(certificate), "client-key": str(key)})
        async with connect(Settings(kubeconfig=str(config))) as api:
            with pytest.raises(OSError, match="certificate verify failed"):
                await api.read("/")
        known = json.loads(config.read_text())
        known["clusters"][0]["cluster"]["certificate-authority"] = str(issuer.file)
        config.write_text(json.dumps(known))
        async with connect(Settings(kubeconfig=str(config))) as api:
            assert b"someone" in await api.read("/")


async def test_the_token_of_a_pod_is_read_again_from_time_to_time(tmp_path, monkeypatch):
    (tmp_path / "token").write_text("one\n")
    Issuer(tmp_path, "ca").file.rename(tmp_path / "ca.crt")
    monkeypatch.setattr(credentials, "SERVICE_ACCOUNT", tmp_path)
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    made = credentials.load(Settings())
    assert made.server == "https://10.0.0.1:443"
    assert await made.headers() == {"Authorization": "Bearer one"}
    (tmp_path / "token").write_text("two")
    assert await made.headers() == {"Authorization": "Bearer one"}
    clock = credentials.time.monotonic() + credentials.FRESH
    monkeypatch.setattr(credentials.time, "monotonic", lambda: clock)
    assert await made.headers() == {"Authorization": "Bearer two"}


async def test_credentials_that_cannot_be_read_again_are_an_os_error(tmp_path, served):
    token = tmp_path / "token"
    token.write_text("old")
    async with served(status(401, "Unauthorized"), tokenFile=str(token)) as api:
        with pytest.raises(ApiError):
            await api.read("/")
        token.unlink()
        with pytest.raises(OSError, match="credentials cannot be read: "):
            await api.read("/")


async def test_credentials_that_nobody_hands_out_are_not_waited_for(monkeypatch):
    monkeypatch.setattr(credentials, "PATIENCE", 0.01)
    never = threading.Event()
    made = Credentials("https://there", ssl.create_default_context(), lambda: str(never.wait()))
    with pytest.raises(OSError, match="https://there: the credentials cannot be read: TimeoutError"):
        await made.headers()
    never.set()


@pytest.mark.parametrize(
    ("text", "context", "words"),
    [
        ("{", None, "while parsing"),
        ("[]", None, "it is not written like a kubeconfig"),
        ("", None, "it is not written like a kubeconfig"),
        ("current-context: one\ncontexts: []\nclusters: []\n", None, "name one"),
        ("contexts: []\nclusters: []\n", "other", "name other"),
    ],
)
def test_a_kubeconfig_that_leads_nowhere_is_told_at_the_start(config, text, context, words):
    config.write_text(text)
    with pytest.raises(ConfigError, match=words) as wrong:
        KubernetesProvider(Settings(kubeconfig=str(config), context=context))
    assert f"{config} leads to no cluster: " in str(wrong.value)


async def test_a_program_that_fails_leads_nowhere(config):
    login = {"apiVersion": "client.authentication.k8s.io/v1", "command": "/bin/false", "interactiveMode": "Never"}
    write(config, "https://127.0.0.1:1", exec=login)
    with pytest.raises(ConfigError, match=f"{config} leads to no cluster: exec: process returned 1"):
        await anyio.to_thread.run_sync(credentials.load, Settings(kubeconfig=str(config)))


def test_a_kubeconfig_that_is_not_there(config):
    with pytest.raises(ConfigError, match=r"there is no kubeconfig .*/config"):
        credentials.kubeconfig(Settings(kubeconfig=str(config)))


def test_no_cluster_at_all(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    with pytest.raises(ConfigError, match=r"there is no kubeconfig ~/.kube/config, and this is no pod"):
        credentials.kubeconfig(Settings())


def test_the_library_is_missing(config, monkeypatch):
    config.write_text("{}")
    monkeypatch.setattr(credentials, "find_spec", lambda _: None)
    with pytest.raises(ConfigError, match=r"pip install 'legation\[kubernetes\]'"):
        credentials.kubeconfig(Settings(kubeconfig=str(config)))

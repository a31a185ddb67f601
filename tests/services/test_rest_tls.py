"""REST over TLS: secured as the rest is, with the same certificates and for the same clients."""

from __future__ import annotations

import json
import ssl
from pathlib import Path
from typing import Any

import aiohttp
import anyio
import pytest
from cryptography import x509
from discovery_world import NODE, SOON
from issuer import Issuer
from test_services import RESOURCES

from xds.model import ConfigError, Snapshot
from xds.server import tls
from xds.server.authority import Authority, Rule
from xds.server.tls import Tls
from xds.server.transport import Transport
from xds.server.xds_server import XdsServer

RULES = (Rule(who=("spiffe://acme/edge",), types=("cds",)),)


@pytest.fixture
def ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Issuer:
    monkeypatch.setattr(tls, "LOOK", 0.02)
    return Issuer(tmp_path, "ours")


@pytest.fixture
async def server(ours, anyio_backend) -> XdsServer:
    certificate, key = ours.issue("localhost")
    secured = Tls(certificate=str(certificate), key=str(key), client_ca=str(ours.file))
    made = XdsServer(authority=Authority(RULES), transport=Transport(tls=secured))
    await made.publish("edge", Snapshot.of(RESOURCES.values()))
    return made


def client(issuer: Issuer, files: tuple[Path, Path] | None) -> ssl.SSLContext:
    """What a client shows and believes."""
    context = ssl.create_default_context(cafile=str(issuer.file))
    if files:
        context.load_cert_chain(*files)
    return context


async def post(port: int, context: ssl.SSLContext, what: str) -> tuple[int, str]:
    """Status and text of a poll over a connection of its own."""
    url, body = f"https://localhost:{port}/v3/discovery:{what}", json.dumps({"node": NODE, "resource_names": ["a"]})
    connector = aiohttp.TCPConnector(ssl=context, force_close=True)
    headers = {"Content-Type": "application/json"}
    async with (
        aiohttp.ClientSession(connector=connector) as session,
        session.post(url, data=body, headers=headers) as answer,
    ):
        return answer.status, await answer.text()


async def test_a_certificate_says_who_polls(server, ours):
    """Rows 121, 123, 137."""
    edge = client(ours, ours.issue("edge", uri="spiffe://acme/edge"))
    stranger = client(ours, ours.issue("stranger"))
    async with server.serve_rest() as (_, port):
        assert (await post(port, edge, "clusters"))[0] == 200
        assert await post(port, edge, "secrets") == (403, "spiffe://acme/edge may not ask for sds\n")
        assert await post(port, stranger, "clusters") == (403, "stranger may not ask for the node group 'edge'\n")
        for nobody in (client(ours, None), client(ours, Issuer(ours.folder, "foreign").issue("edge"))):
            with pytest.raises(aiohttp.ClientError):
                await post(port, nobody, "clusters")
        assert (await post(port, edge, "clusters"))[0] == 200


async def test_a_client_that_would_rather_speak_http2_is_told_that_it_is_not_spoken_here(server, ours):
    """As curl, which speaks HTTP/2 with whoever says so."""
    edge = client(ours, ours.issue("edge", uri="spiffe://acme/edge"))
    edge.set_alpn_protocols(["h2", "http/1.1"])
    async with (
        server.serve_rest() as (_, port),
        await anyio.connect_tcp("localhost", port, ssl_context=edge, tls_standard_compatible=False) as stream,
    ):
        assert stream.extra(anyio.streams.tls.TLSAttribute.alpn_protocol) == "http/1.1"


async def shown(port: int, context: ssl.SSLContext) -> int:
    """The serial number of the certificate that a new connection is shown."""
    async with await anyio.connect_tcp("localhost", port, ssl_context=context, tls_standard_compatible=False) as stream:
        body: Any = stream.extra(anyio.streams.tls.TLSAttribute.peer_certificate_binary)
        return x509.load_der_x509_certificate(body).serial_number


async def test_a_renewed_certificate_is_shown_to_new_connections(server, ours):
    edge = client(ours, ours.issue("edge", uri="spiffe://acme/edge"))
    async with server.serve_rest() as (_, port):
        before = await shown(port, edge)
        ours.issue("localhost")
        with anyio.fail_after(SOON):
            while await shown(port, edge) == before:  # noqa: ASYNC110  nobody tells a client
                await anyio.sleep(0.02)
        assert (await post(port, edge, "clusters"))[0] == 200


async def test_files_that_are_wrong_are_named(ours):
    missing = Tls(certificate="gone.crt", key="gone.key")
    with pytest.raises(ConfigError, match=r"gone\.crt cannot be read"):
        async with XdsServer(transport=Transport(tls=missing)).serve_rest():
            pass

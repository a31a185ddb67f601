"""What a real Envoy answers to requests. No backend runs, so 503 says "sent to a backend", 404 "nobody's", 500 "refused"."""

from __future__ import annotations

import json
import re
import socket
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest
from cryptography import x509
from gateway_world import CASES, bootstrap, translate
from key_pair import filled

pytestmark = pytest.mark.envoy


def with_free_ports(text: str) -> tuple[str, dict[int, int]]:
    """A case with the ports of its listeners replaced by free ones, and which is which."""
    ports = {}
    for port in sorted({int(one) for one in re.findall(r"port: (8\d\d\d), protocol", text)}):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            ports[port] = probe.getsockname()[1]
        text = re.sub(rf"port: {port}\b", f"port: {ports[port]}", text)
    return text, ports


@asynccontextmanager
async def envoy(case: str, folder: Path) -> AsyncIterator[dict[int, int]]:
    """An Envoy that serves the one Gateway of a case; gives the ports."""
    text, ports = with_free_ports((CASES / case / "in.yaml").read_text())
    translation = translate(text, bind_address="127.0.0.1")
    (snapshot,), (group,) = translation.snapshots.values(), translation.groups.values()
    file = folder / "bootstrap.json"
    file.write_text(json.dumps(bootstrap(snapshot)))
    program = Path(sys.executable).with_name("envoy")
    command = [program, "-c", file, "--use-dynamic-base-id", "--log-level", "error", "--concurrency", "1"]
    async with await anyio.open_process(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            with anyio.fail_after(30):
                for one in group.listens:
                    await listening(one.port)
            yield ports
        finally:
            process.kill()


async def listening(port: int) -> None:
    while True:
        try:
            async with await anyio.connect_tcp("127.0.0.1", port):
                return
        except OSError:
            await anyio.sleep(0.01)


async def status(port: int, host: str, tls: ssl.SSLContext | None = None, name: str | None = None) -> int:
    """The status that a GET of / gets under a Host; over TLS with `name` as the server's name."""
    with anyio.fail_after(10):
        stream = await anyio.connect_tcp(
            "127.0.0.1", port, ssl_context=tls, tls_hostname=name, tls_standard_compatible=False
        )
        async with stream:
            await stream.send(f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
            answer = b""
            while b"\r\n" not in answer:
                answer += await stream.receive()
    return int(answer.split()[1])


def unverified(client: str = "") -> ssl.SSLContext:
    """TLS that takes the cases' own certificates; with that of a client, PEM with its key."""
    tls = ssl.create_default_context()
    if client:
        tls.load_cert_chain(client)
    tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
    tls.set_alpn_protocols(["http/1.1"])
    return tls


async def test_a_hostname_is_served_by_the_most_specific_listener_alone(tmp_path):
    async with envoy("hostnames", tmp_path) as ports:
        answers = {
            host: await status(ports[8080], host)
            for host in (
                "unknown.org",
                "elsewhere.org",
                "x.example.com",
                "a.b.example.com",
                "foo.example.com",
                "FOO.example.com:1",
            )
        }
        assert answers == {
            "unknown.org": 503,
            "elsewhere.org": 503,
            "x.example.com": 503,
            "a.b.example.com": 503,
            "foo.example.com": 404,
            "FOO.example.com:1": 404,
        }
        assert await status(ports[8081], "bar.example.org:8081") == 503
        assert await status(ports[8081], "unknown.org") == 404


async def test_a_backend_that_is_not_there_answers_500_for_its_share(tmp_path):
    async with envoy("unresolved-backends", tmp_path) as ports:
        for host in ("missing", "port", "kind", "external", "encrypted", "zero", "nothing"):
            assert (host, await status(ports[8080], f"{host}.example.com")) == (host, 500)
        shares = {await status(ports[8080], "share.example.com") for _ in range(100)}
        assert shares == {500, 503}


async def test_the_server_name_chooses_the_certificate_and_the_routes(tmp_path):
    tls = unverified()

    def shown(port: int, name: str) -> str:
        with socket.create_connection(("127.0.0.1", port)) as plain, tls.wrap_socket(plain, server_hostname=name) as stream:
            leaf = x509.load_der_x509_certificate(stream.getpeercert(binary_form=True))
            return leaf.subject.rfc4514_string()

    async with envoy("https", tmp_path) as ports:
        port = ports[8443]
        names = ("foo.example.com", "bar.example.com", "elsewhere.org")
        certificates = [await anyio.to_thread.run_sync(shown, port, name) for name in names]
        assert certificates == ["CN=foo.example.com", "CN=*.example.com", "CN=foo.example.com"]
        assert await status(port, "foo.example.com", tls, "foo.example.com") == 503
        assert await status(port, "bar.example.com", tls, "bar.example.com") == 503
        assert await status(port, "elsewhere.org", tls, "elsewhere.org") == 503


async def test_a_request_over_the_connection_of_another_listener_is_told_so(tmp_path):
    """421 makes a client that uses one HTTP/2 connection for several hostnames try again over a new one."""
    tls = unverified()
    async with envoy("https", tmp_path) as ports:
        for name, host in (("bar", "foo"), ("foo", "bar")):
            assert await status(ports[8443], f"{host}.example.com", tls, f"{name}.example.com") == 421
        assert await status(ports[8443], "elsewhere.org", tls, "foo.example.com") == 421, "it is of the listener for all"


async def test_a_client_is_let_in_by_the_authorities_of_the_port(tmp_path):
    """The clients' certificates are their own authorities; of the first port's only the first is."""
    tls = {"nobody": unverified()}
    for name in ("one", "two"):
        pair = filled({"kind": "Secret", "stringData": {what: f"<{what} of {name}.example.com>" for what in WHAT}})
        file = tmp_path / f"{name}.pem"
        file.write_text("".join(pair["stringData"].values()))
        tls[name] = unverified(str(file))

    async def answers(port: int) -> dict[str, int | None]:
        return {who: await let_in(port, context) for who, context in tls.items()}

    async with envoy("client-certificates", tmp_path) as ports:
        assert await answers(ports[8443]) == {"nobody": None, "one": 503, "two": None}
        assert await answers(ports[8444]) == {"nobody": 503, "one": 503, "two": 503}
        assert await answers(ports[8445]) == {"nobody": 503, "one": 503, "two": 503}
        assert await answers(ports[8446]) == {"nobody": None, "one": None, "two": 503}


WHAT = ("certificate", "key")


async def let_in(port: int, tls: ssl.SSLContext) -> int | None:
    """The status that a client gets; None where it is turned away."""
    try:
        return await status(port, "any.example.com", tls, "any.example.com")
    except (OSError, anyio.BrokenResourceError, anyio.EndOfStream):
        return None

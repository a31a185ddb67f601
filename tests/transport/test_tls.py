"""TLS and mTLS: who gets in, how certificates are renewed, and what is said of files that are wrong."""

from __future__ import annotations

import datetime as dt
import logging
import os
import socket
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import grpc
import pytest
from anyio import to_thread
from anyio.streams.tls import TLSAttribute
from cryptography import x509
from grpc_client import clusters
from issuer import Issuer
from raw_client import SOON

from xds.model import ConfigError, Principal
from xds.server import grpc_server, tls
from xds.server.authority import Authority, Rule
from xds.server.identity import identify
from xds.server.tls import Certificates, Tls

UNAVAILABLE = grpc.StatusCode.UNAVAILABLE


@pytest.fixture(autouse=True)
def _looks_often(monkeypatch, caplog):
    monkeypatch.setattr(tls, "LOOK", 0.02)
    caplog.set_level(logging.INFO)


@pytest.fixture
def ours(tmp_path) -> Issuer:
    return Issuer(tmp_path, "ours")


@pytest.fixture
def server_files(ours) -> Tls:
    certificate, key = ours.issue("localhost")
    return Tls(certificate=str(certificate), key=str(key))


@pytest.fixture
def both_files(ours, server_files) -> Tls:
    """TLS that asks for client certificates."""
    return Tls(certificate=server_files.certificate, key=server_files.key, client_ca=str(ours.file))


@dataclass
class Mutual:
    """A server that asks for client certificates, and clients that show them."""

    server: Any
    address: tuple[str, int]
    talks: Any

    async def begin(self, dialect, shows):
        channel = await self.talks.channel(local(self.address), shows)
        return await self.talks.begin(self.address, dialect, channel=channel)


@pytest.fixture
async def mutual(serving, talks, both_files):
    async with serving(tls=both_files) as (server, address):
        await server.publish("edge", clusters("a"))
        yield Mutual(server, address, talks)


def credentials(issuer: Issuer, client=None) -> grpc.ChannelCredentials:
    """What a client trusts, and the (certificate, key) files it shows."""
    certificate, key = [one.read_bytes() for one in client] if client else (None, None)
    return grpc.ssl_channel_credentials(issuer.file.read_bytes(), key, certificate)


def local(address):
    """The address as the name in the certificate."""
    return "localhost", address[1]


async def shown(address, **files) -> x509.Certificate:
    """The certificate that a new client is shown."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    if files:
        context.load_cert_chain(**files)
    stream = await anyio.connect_tcp(*address, ssl_context=context, tls_standard_compatible=False)
    async with stream:
        await stream.receive()
        assert stream.extra(TLSAttribute.alpn_protocol) == "h2"
        return x509.load_der_x509_certificate(stream.extra(TLSAttribute.peer_certificate_binary))


async def until(condition) -> None:
    with anyio.fail_after(SOON):
        while not await condition():  # noqa: ASYNC110  nobody tells when a file was looked at
            await anyio.sleep(0.01)


async def test_proxies_are_served_over_tls(serving, talks, dialect, ours, server_files):
    async with serving(tls=server_files) as (server, address):
        await server.publish("edge", clusters("a"))
        channel = await talks.channel(local(address), credentials(ours))
        talk = await talks.begin(address, dialect, channel=channel)
        assert await talk.names() == ["a"]
        await server.publish("edge", clusters("b"))
        assert await talk.names() == ["b"]


async def test_plain_text_gets_no_answer_over_tls(serving, talks, dialect, server_files, caplog):
    async with serving(tls=server_files) as (_, address):
        talk = await talks.begin(address, dialect)
        assert (await talk.end())[0] == UNAVAILABLE
        assert "no TLS connection: it does not speak TLS" in caplog.text


async def test_a_client_certificate_lets_in_and_tells_who_it_is(mutual, dialect, ours, monkeypatch):
    """Row 121: the authority is asked about whom the certificate names."""
    seen = []
    authorize = Authority.authorize
    monkeypatch.setattr(Authority, "authorize", lambda self, who, *rest: seen.append(who) or authorize(self, who, *rest))
    client = ours.issue("proxy.edge", uri="spiffe://mesh/ns/edge/sa/proxy")
    assert await (await mutual.begin(dialect, credentials(ours, client))).names() == ["a"]
    assert seen == [Principal(("spiffe://mesh/ns/edge/sa/proxy", "proxy.edge"))]


async def test_a_client_without_a_right_to_the_group_is_told_so(serving, talks, dialect, ours, both_files):
    """Rows 121, 122: as whom its certificate names."""
    authority = Authority([Rule(who=("*.edge",), groups=("edge",))])
    async with serving(tls=both_files, authority=authority) as (server, address):
        await server.publish("edge", clusters("a"))
        mutual = Mutual(server, address, talks)
        assert await (await mutual.begin(dialect, credentials(ours, ours.issue("one.edge")))).names() == ["a"]
        stranger = await mutual.begin(dialect, credentials(ours, ours.issue("one.core")))
        code, words = await stranger.end()
        assert (code, words) == (grpc.StatusCode.PERMISSION_DENIED, "one.core may not ask for the node group 'edge'")


NOT_ACCEPTED = "its certificate is not accepted: "
WRONG = {
    "none": (lambda _: None, "it shows no certificate"),
    "foreign": (
        lambda ours: Issuer(ours.folder, "theirs").issue("stranger"),
        NOT_ACCEPTED + "unable to get local issuer certificate",
    ),
    "expired": (lambda ours: ours.issue("late", age=dt.timedelta(days=3)), NOT_ACCEPTED + "certificate has expired"),
    "not yet valid": (
        lambda ours: ours.issue("early", age=-dt.timedelta(days=3)),
        NOT_ACCEPTED + "certificate is not yet valid",
    ),
}


@pytest.mark.parametrize("which", WRONG)
async def test_the_wrong_client_certificate_is_refused_and_disturbs_nobody(mutual, dialect, ours, caplog, which):
    issue, why = WRONG[which]
    issued = issue(ours)
    good = await mutual.begin(dialect, credentials(ours, ours.issue("good")))
    assert await good.names() == ["a"]
    caplog.clear()
    bad = await mutual.begin(dialect, credentials(ours, issued))
    assert (await bad.end())[0] == UNAVAILABLE
    told = [one for one in caplog.records if "no TLS connection" in one.getMessage()]
    assert {one.levelname for one in told} == {"INFO"}
    assert all(one.getMessage().startswith("127.0.0.1:") for one in told)
    assert all(one.getMessage().endswith(f": no TLS connection: {why}") for one in told)
    assert not [one for one in caplog.records if one.levelno > logging.INFO]
    await mutual.server.publish("edge", clusters("b"))
    assert await good.names() == ["b"]


async def test_a_client_that_does_not_know_our_authority_is_told_of(serving, ours, server_files, caplog):
    theirs = ssl.create_default_context(cafile=str(Issuer(ours.folder, "theirs").file))

    async def is_told():
        return "no TLS connection: it does not know who signed our certificate" in caplog.text

    def shakes_hands(address):  # asyncio's client would go without a word
        with socket.create_connection(address) as plain, theirs.wrap_socket(plain, server_hostname="localhost"):
            pass

    async with serving(tls=server_files) as (_, address):
        with pytest.raises(ssl.SSLCertVerificationError):
            await to_thread.run_sync(shakes_hands, address)
        await until(is_told)


@pytest.mark.parametrize(("days", "told"), [(0, False), (3, True), (-3, True)])
def test_a_certificate_that_is_not_valid_now_is_told(ours, caplog, days, told):
    certificate, key = ours.issue("localhost", age=dt.timedelta(days=days))
    Certificates(Tls(str(certificate), str(key), client_ca=str(ours.file))).lasting()
    assert [one.getMessage().partition(" is valid from ")[0] for one in caplog.records] == [str(certificate)] * told


async def test_a_client_that_never_finishes_its_handshake_is_sent_away(serving, server_files, monkeypatch):
    monkeypatch.setattr(grpc_server, "HANDSHAKE", {"ssl_handshake_timeout": 0.1, "ssl_shutdown_timeout": 1})
    async with serving(tls=server_files) as (_, address), await anyio.connect_tcp(*address) as socket:
        with anyio.fail_after(SOON), pytest.raises((anyio.EndOfStream, anyio.BrokenResourceError)):
            await socket.receive()


async def test_new_files_are_for_new_connections(serving, talks, dialect, ours, server_files):
    async with serving(tls=server_files) as (server, address):
        await server.publish("edge", clusters("a"))
        channel = await talks.channel(local(address), credentials(ours))
        talk = await talks.begin(address, dialect, channel=channel)
        assert await talk.names() == ["a"]
        before = await shown(address)
        ours.issue("localhost")

        async def is_new():
            return await shown(address) != before

        await until(is_new)
        await server.publish("edge", clusters("b"))
        assert await talk.names() == ["b"]


async def test_a_swap_of_a_symlink_is_seen(serving, ours, tmp_path):
    """As Kubernetes does it: ..data points to a directory, and then to another."""
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        ours.issue("localhost", into=tmp_path / name)
    data = tmp_path / "..data"
    data.symlink_to("first")
    files = Tls(certificate=str(data / "localhost.crt"), key=str(data / "localhost.key"))
    async with serving(tls=files) as (_, address):
        before = await shown(address)
        (tmp_path / "..new").symlink_to("second")
        os.replace(tmp_path / "..new", data)  # noqa: PTH105  as atomic as Kubernetes is

        async def is_new():
            return await shown(address) != before

        await until(is_new)


async def test_new_authorities_are_for_new_connections(mutual, dialect, ours, caplog):
    """One that is taken out is not trusted any more."""
    theirs = Issuer(ours.folder, "theirs")
    yours, mine = (credentials(ours, issuer.issue("client")) for issuer in (theirs, ours))
    ours.file.write_bytes(theirs.file.read_bytes())

    async def is_taken():
        return "has changed" in caplog.text

    await until(is_taken)
    assert await (await mutual.begin(dialect, yours)).names() == ["a"]
    assert (await (await mutual.begin(dialect, mine)).end())[0] == UNAVAILABLE


SPOILED = {
    "a key of another": lambda ours, _, key: key.write_bytes(ours.issue("other")[1].read_bytes()),
    "half a file": lambda _, certificate, __: certificate.write_bytes(certificate.read_bytes()[:100]),
    "no file": lambda _, __, key: key.unlink(),
}


@pytest.mark.parametrize("spoil", SPOILED.values(), ids=SPOILED)
async def test_files_that_go_wrong_are_said_once_and_not_taken(serving, ours, server_files, caplog, spoil):
    def errors():
        return [one.getMessage() for one in caplog.records if one.levelname == "ERROR"]

    async def is_said():
        return errors()

    async with serving(tls=server_files) as (_, address):
        before = await shown(address)
        spoil(ours, Path(server_files.certificate), Path(server_files.key))
        await until(is_said)
        assert await shown(address) == before
        (said,) = errors()
        assert said.startswith("xds.tls.")
        assert said.endswith("; the files of before stay in use")
        ours.issue("localhost")

        async def is_new():
            return await shown(address) != before

        await until(is_new)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"certificate": "/nowhere.pem"}, "xds.tls.certificate /nowhere.pem cannot be read: No such file or directory"),
        ({"key": "/nowhere.pem"}, "xds.tls.key /nowhere.pem cannot be read: No such file or directory"),
        ({"client_ca": "/nowhere.pem"}, "xds.tls.client_ca /nowhere.pem cannot be read: No such file or directory"),
        ({"certificate": "{text}"}, "xds.tls.certificate {text} holds no PEM certificate"),
        ({"client_ca": "{text}"}, "xds.tls.client_ca {text} holds no PEM certificate"),
        ({"key": "{text}"}, "xds.tls.key {text} holds no PEM private key, or one that is encrypted"),
        ({"key": "{other}"}, "xds.tls.key {other} does not fit the certificate {certificate}"),
    ],
)
def test_files_that_are_wrong_at_the_start_are_named(ours, server_files, tmp_path, wrong, said):
    text = tmp_path / "text.pem"
    text.write_text("hello")
    places = {"text": text, "other": ours.issue("other")[1], "certificate": server_files.certificate}
    given = {setting: path.format(**places) for setting, path in wrong.items()}
    files = {"certificate": server_files.certificate, "key": server_files.key, **given}
    with pytest.raises(ConfigError) as caught:
        Certificates(Tls(**files))
    assert str(caught.value) == said.format(**places)


def test_versions_of_tls_below_the_least_are_refused(server_files):
    files = Tls(certificate=server_files.certificate, key=server_files.key, min_version="1.3")
    assert Certificates(files).context.minimum_version == ssl.TLSVersion.TLSv1_3


ME = ((("countryName", "X"),), (("commonName", "me"),))
OTHERS = (("DNS", "b"), ("IP Address", "::1"), ("URI", "a:b"))


@pytest.mark.parametrize(
    ("certificate", "names"),
    [
        (None, None),
        ({}, None),
        ({"subject": ()}, ()),
        ({"subject": ME}, ("me",)),
        ({"subject": ME, "subjectAltName": OTHERS}, ("a:b", "b")),
    ],
)
def test_a_certificate_names_somebody_by_its_alternative_names_first(certificate, names):
    who = identify(certificate)
    assert (who and who.names) == names

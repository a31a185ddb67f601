"""Who may ask for what: refused before any resource, with words that tell no more than the caller knows."""

from __future__ import annotations

from typing import get_args

import grpc
import pytest
from discovery_world import NODE, cluster
from test_services import FETCHES, RESOURCES, STREAMS, request_of

from xds.model import Node, Principal, ProtocolError
from xds.model.type_url import CDS, LDS, RDS, SDS, SHORT_TYPES
from xds.server import authority as module
from xds.server.authority import ANONYMOUS, EVERYTHING, LOCAL, OPEN, Authority, Caller, Rule, ShortType
from xds.server.xds_server import XdsServer

HERE = Caller("127.0.0.1", 1, {})
AWAY = Caller("192.0.2.1", 1, {})
STRANGE = ("192.0.2.1", "fe80::1%eth0", "::ffff:192.0.2.1", "unknown")
EDGE = Node("n1", "edge")
ADS = [path for path, one in STREAMS.items() if not one.only]
RULES = (
    Rule(who=("team-*",), groups=("edge",), types=("cds", "lds")),
    Rule(who=("admin",)),
    Rule(who=("pinned",), nodes=("n1",)),
)


class Tokens:
    """Takes `bearer NAME` for that name; cannot make up its mind about some."""

    async def authenticate(self, metadata, certified):
        kind, _, name = metadata.get("authorization", "").partition(" ")
        if name == "broken":
            raise OSError("the issuer does not answer: secret words")
        return Principal((name,)) if kind == "bearer" else None


def bearer(name: str) -> list[tuple[str, str]]:
    return [("authorization", f"bearer {name}")]


@pytest.fixture
async def guarded(anyio_backend, serving):
    """A server with rules, and with a group of everything."""
    server = XdsServer(authority=Authority(RULES, [Tokens()]))
    async with serving(server) as made:
        await made.publish(*RESOURCES.values())
        await made.publish(cluster("b"), group="other")
        yield made


async def refused(authority: Authority, caller: Caller) -> str:
    with pytest.raises(ProtocolError) as caught:
        await authority.authenticate(caller)
    return caught.value.code


async def test_where_nothing_is_said_this_machine_is_trusted_and_no_other():
    for host in ("127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"):
        assert await OPEN.authenticate(Caller(host, 1, {})) is LOCAL
    assert OPEN.authorize(LOCAL, EDGE, "edge") is EVERYTHING
    assert [await refused(OPEN, Caller(host, 1, {})) for host in STRANGE] == ["UNAUTHENTICATED"] * len(STRANGE)
    certified = Principal(("spiffe://acme/edge",))
    assert await OPEN.authenticate(Caller("192.0.2.1", 1, {}, certified)) == certified
    assert OPEN.authorize(certified, EDGE, "edge") is EVERYTHING


async def test_with_rules_this_machine_is_like_any_other():
    assert [await refused(Authority(RULES), one) for one in (HERE, AWAY)] == ["UNAUTHENTICATED"] * 2


async def test_rules_can_speak_of_those_who_prove_nothing():
    authority = Authority((Rule(who=("local",), groups=("edge",)), Rule(who=("anonymous",), types=())))
    assert [await authority.authenticate(one) for one in (HERE, AWAY)] == [LOCAL, ANONYMOUS]
    assert authority.authorize(LOCAL, EDGE, "edge") is EVERYTHING
    assert authority.authorize(ANONYMOUS, EDGE, "edge").types == frozenset()


def test_nobody_is_called_local_by_a_certificate_and_everybody_is_not_anybody():
    for names, who in (("local", "local"), ("anonymous", "anonymous")):
        with pytest.raises(ProtocolError):
            Authority((Rule(who=(who,)),)).authorize(Principal((names,)), EDGE, "edge")
    assert not Rule(who=("*",)).names(ANONYMOUS)
    assert not Rule(who=("*",)).names(LOCAL)


def test_rules_know_every_type():
    assert set(get_args(ShortType)) == SHORT_TYPES.keys()


async def test_a_token_goes_before_a_certificate():
    authority = Authority(RULES, [Tokens()])
    certified = Principal(("spiffe://acme/edge",))
    assert await authority.authenticate(Caller("192.0.2.1", 1, {}, certified)) == certified
    with_token = Caller("192.0.2.1", 1, dict(bearer("admin")), certified)
    assert await authority.authenticate(with_token) == Principal(("admin",))


async def test_an_authenticator_that_takes_too_long_is_not_waited_for(monkeypatch):
    import anyio  # noqa: PLC0415

    class Never:
        async def authenticate(self, metadata, certified):
            await anyio.sleep_forever()

    monkeypatch.setattr(module, "PATIENCE", 0.01)
    assert await refused(Authority((), [Never()]), HERE) == "UNAVAILABLE"


@pytest.mark.parametrize(
    ("name", "node", "group", "types"),
    [
        ("team-a", "n1", "edge", {CDS, LDS}),
        ("team-a", "n1", "other", None),
        ("tea", "n1", "edge", None),
        ("admin", "any", "any", ...),
        ("pinned", "n1", "any", ...),
        ("pinned", "n2", "any", None),
    ],
)
def test_rules_bind_names_to_groups_nodes_and_types(name, node, group, types):
    """Row 122."""
    principal = Principal(("another name", name))
    if types is None:
        with pytest.raises(ProtocolError, match="may not ask for the node group") as caught:
            Authority(RULES).authorize(principal, Node(node, group), group)
        assert caught.value.code == "PERMISSION_DENIED"
        return
    grant = Authority(RULES).authorize(principal, Node(node, group), group)
    assert grant is EVERYTHING if types is ... else grant.types == types


@pytest.mark.parametrize("path", [*STREAMS, *FETCHES], ids=lambda path: path.rpartition("/")[2])
@pytest.mark.parametrize(
    ("metadata", "code", "words"),
    [
        (None, "UNAUTHENTICATED", "neither a certificate nor a token says who you are"),
        (bearer("nobody"), "PERMISSION_DENIED", "nobody may not ask for the node group 'edge'"),
        (bearer("broken"), "UNAVAILABLE", "who you are cannot be found out now: try again"),
    ],
    ids=["nobody", "a stranger", "cannot tell"],
)
async def test_nobody_is_told_anything_without_leave(guarded, caplog, path, metadata, code, words):
    """Row 121: on every method, before any resource."""
    if path in STREAMS:
        call = guarded.open(path, metadata)
        if code == "PERMISSION_DENIED":  # the others are over before the first message
            await call.send(STREAMS[path].only or CDS, node=NODE)
        ended = await call.end()
    else:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await guarded.channel.unary_unary(path)(request_of(path, node=NODE), metadata=metadata)
        ended = caught.value.code(), caught.value.details()
    assert ended == (grpc.StatusCode[code], words)
    assert guarded.counted("legation_xds_refused_total", code=code) == 1
    assert "bearer" not in caplog.text


@pytest.mark.parametrize("path", ADS, ids=["sotw", "delta"])
async def test_a_type_that_may_not_be_asked_for_does_not_end_the_others(guarded, path):
    """Row 123: secrets, for those who may have clusters only; a change of what is forbidden is not told, either."""
    call = guarded.open(path, bearer("team-a"))
    await call.send(SDS, ("a",), node=NODE)
    await call.send(CDS)
    got = await call.read()
    while got.type_url != CDS:
        assert not got.resources
        got = await call.read()
    assert len(got.resources) == 1
    await call.send(CDS, response_nonce=got.nonce)
    secret = RESOURCES[SDS]
    await guarded.publish(cluster("a", "2"), type(secret)(SDS, "a", "2", secret.body))
    again = await call.read()
    assert (again.type_url, len(again.resources)) == (CDS, 1)
    await call.send(CDS, response_nonce=again.nonce)
    await guarded.until(lambda: guarded.server.fleet.has_answered("edge"))
    assert guarded.counted("legation_xds_refused_total", service="ads", code="PERMISSION_DENIED") == 1


@pytest.mark.parametrize("path", ADS, ids=["sotw", "delta"])
async def test_a_client_is_told_that_it_may_not_ask(guarded, path):
    """Row 94, for what a missing resource of is reported at all."""
    call = guarded.open(path, bearer("team-a"))
    await call.send(RDS, ("a", "zz"), node=NODE)
    got = await call.read()
    assert {(one.resource_name.name, one.error_detail.code) for one in got.resource_errors} == {("a", 7), ("zz", 7)}
    assert not got.resources


async def test_a_service_of_a_type_that_may_not_be_asked_for_is_closed(guarded):
    """Row 123."""
    for path in (path for path, one in STREAMS.items() if one.only == SDS):
        call = guarded.open(path, bearer("team-a"))
        await call.send("", ("a",), node=NODE)
        assert await call.end() == (grpc.StatusCode.PERMISSION_DENIED, "team-a may not ask for sds")


@pytest.mark.parametrize("path", ADS, ids=["sotw", "delta"])
async def test_leave_is_for_the_node_of_the_first_message(guarded, path):
    """Rows 5, 122: a later node changes neither the group nor the leave."""
    call = guarded.open(path, bearer("team-a"))
    await call.send(node=NODE)
    assert await call.names() == {"a"}
    await call.send(LDS, node={"id": "n1", "cluster": "other"})
    assert (await call.read()).type_url == LDS
    await guarded.publish(cluster("b", "2"), group="other")
    await guarded.publish(cluster("a", "2"))
    assert await call.names() == {"a"}

"""CSDS: how far each resource has come at each proxy, asked of the control plane (row 136)."""

from __future__ import annotations

from typing import Any

import grpc
import pytest

from xds.codec import message_class, resource
from xds.model import Principal, ProtocolError, Snapshot
from xds.model.type_url import CDS, EDS, SDS
from xds.protocol import DELTA
from xds.server.authority import Authority, Rule
from xds.server.client_status import read, read_json
from xds.server.report import Reports

STATUS = "envoy.service.status.v3."
FETCH = f"/{STATUS}ClientStatusDiscoveryService/FetchClientStatus"
STREAM = f"/{STATUS}ClientStatusDiscoveryService/StreamClientStatus"


def cluster(name: str, mark: str = "1"):
    return resource({"@type": CDS, "name": name, "alt_stat_name": mark})


def question(**fields: Any) -> bytes:
    return message_class(STATUS + "ClientStatusRequest")(**fields).SerializeToString()


async def ask(served, **fields: Any) -> list[Any]:
    """The ClientConfigs of one Fetch."""
    body = await served.channel.unary_unary(FETCH)(question(**fields))
    return list(message_class(STATUS + "ClientStatusResponse").FromString(body).config)


async def standing(served) -> dict[str, tuple[str, str, str]]:
    """Of the only proxy: name -> what the control plane says, what it knows of the client, the version that is held."""
    (config,) = await ask(served)
    kind = type(config)
    status = kind.DESCRIPTOR.file.enum_types_by_name["ConfigStatus"].values_by_number
    client = kind.GenericXdsConfig.DESCRIPTOR.fields_by_name["client_status"].enum_type.values_by_number
    return {
        one.name: (status[one.config_status].name, client[one.client_status].name, one.version_info)
        for one in config.generic_xds_configs
    }


async def test_a_resource_is_stale_until_it_is_answered_and_synced_then(served, dialect):
    one = cluster("a")
    await served.server.publish("edge", Snapshot.of([one]))
    proxy = served.connect(dialect)
    await proxy.ask()
    response = await proxy.read()
    assert await standing(served) == {"a": ("STALE", "REQUESTED", "")}
    await proxy.accept(response)
    await served.server.fleet.answered("edge")
    assert await standing(served) == {"a": ("SYNCED", "ACKED", one.version)}


async def test_what_was_refused_is_an_error_in_the_proxys_words_beside_what_it_has(served, dialect):
    good, bad = cluster("a"), cluster("a", "bad")
    proxy = served.connect(dialect)
    await served.server.publish("edge", Snapshot.of([good]))
    await proxy.ask()
    await proxy.accept(await proxy.read())
    await served.server.fleet.answered("edge")
    await served.server.publish("edge", Snapshot.of([bad]))
    await proxy.refuse(await proxy.read(), "a: no such thing")
    await served.until(lambda: list(served.server.fleet.refusals()))
    assert await standing(served) == {"a": ("ERROR", "NACKED", good.version)}
    (config,) = await ask(served)
    (one,) = config.generic_xds_configs
    assert (one.error_state.details, one.error_state.version_info) == ("a: no such thing", bad.version)
    assert one.error_state.failed_configuration.value == bad.body
    assert one.xds_config.value == good.body
    assert one.error_state.last_update_attempt.seconds >= one.last_updated.seconds > 0


async def test_a_name_that_does_not_exist_is_not_sent(served, dialect):
    await served.server.publish("edge", Snapshot.of([cluster("a")]))
    proxy = served.connect(dialect)
    await proxy.ask("nobody", type_url=EDS)
    await proxy.read()
    assert await standing(served) == {"nobody": ("NOT_SENT", "DOES_NOT_EXIST", "")}


async def test_what_waits_for_an_answer_is_not_sent(served, dialect):
    proxy = served.connect(dialect)
    await served.server.publish("edge", Snapshot.of([cluster("a")]))
    await proxy.ask()
    await proxy.read()
    await served.server.publish("edge", Snapshot.of([cluster("a"), cluster("b")]))
    assert (await standing(served))["b"] == ("NOT_SENT", "REQUESTED", "")


async def test_what_changed_since_is_not_sent_beside_the_version_that_is_held(served, dialect):
    old, new = cluster("a"), cluster("a", "2")
    proxy = served.connect(dialect)
    await served.server.publish("edge", Snapshot.of([old]))
    await proxy.ask()
    await proxy.accept(await proxy.read())
    await served.server.fleet.answered("edge")
    await served.server.publish("edge", Snapshot.of([old, cluster("b")]))
    await proxy.read()
    await served.server.publish("edge", Snapshot.of([new, cluster("b")]))
    assert (await standing(served))["a"] == ("NOT_SENT", "REQUESTED", old.version)


async def test_private_keys_are_never_told(served, dialect):
    key, chain = {"inline_string": "HUSH"}, {"inline_string": "CHAIN"}
    tls = {"@type": SDS, "name": "tls", "tls_certificate": {"private_key": key, "certificate_chain": chain}}
    await served.server.publish("edge", Snapshot.of([resource(tls)]))
    proxy = served.connect(dialect)
    await proxy.ask("tls", type_url=SDS)
    await proxy.accept(await proxy.read(), "tls")
    await served.server.fleet.answered("edge")
    body = await served.channel.unary_unary(FETCH)(question())
    assert b"CHAIN" in body
    assert b"HUSH" not in body
    assert b"CHAIN" not in await served.channel.unary_unary(FETCH)(question(exclude_resource_contents=True))


async def test_a_stream_is_questions_and_answers_and_no_watch(served, dialect):
    proxy = served.connect(dialect)
    await proxy.ask()
    await served.until(lambda: list(served.server.fleet.sessions()))
    call = served.open(STREAM)
    for _ in range(2):
        await call.write(question())
        response = message_class(STATUS + "ClientStatusResponse").FromString(await call.read())
        assert [one.node.id for one in response.config] == ["envoy-1"]
    await served.server.publish("edge", Snapshot.of([cluster("a")]))
    await call.done_writing()
    assert await call.read() is grpc.aio.EOF


NODE_ID = {"exact": "envoy-2"}
ZONE = [{"path": [{"key": "zone"}], "value": {"string_match": {"exact": "a"}}}]
NOWHERE = [{"path": [{"key": "zone"}], "value": {"string_match": {"prefix": "b"}}}]


@pytest.mark.parametrize(
    ("matchers", "found"),
    [
        ([], ["envoy-1", "envoy-2"]),
        ([{"node_id": NODE_ID}], ["envoy-2"]),
        ([{"node_id": {"prefix": "ENVOY", "ignore_case": True}}], ["envoy-1", "envoy-2"]),
        ([{"node_id": {"suffix": "-1"}}], ["envoy-1"]),
        ([{"node_id": {"contains": "oy-2"}}], ["envoy-2"]),
        ([{"node_id": {"safe_regex": {"regex": "envoy-[13]"}}}], ["envoy-1"]),
        ([{"node_id": {"exact": "none"}}], []),
        ([{"node_id": {"exact": "none"}}, {"node_id": NODE_ID}], ["envoy-2"]),
        ([{"node_metadatas": ZONE}], ["envoy-1", "envoy-2"]),
        ([{"node_id": NODE_ID, "node_metadatas": NOWHERE}], []),
    ],
)
async def test_node_matchers_choose_the_proxies(served, matchers, found):
    for name in ("envoy-1", "envoy-2"):
        await served.connect(DELTA, name).ask()
    await served.until(lambda: len(list(served.server.fleet.sessions())) == 2)
    assert [one.node.id for one in await ask(served, node_matchers=matchers)] == found


async def test_a_regular_expression_that_is_none_is_told(served):
    await served.connect(DELTA).ask()
    await served.until(lambda: list(served.server.fleet.sessions()))
    with pytest.raises(grpc.aio.AioRpcError, match="is no valid regular expression") as caught:
        await ask(served, node_matchers=[{"node_id": {"safe_regex": {"regex": "("}}}])
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT


class Badge:
    """Takes whoever says that he is a viewer for one."""

    async def authenticate(self, metadata, certified):
        return Principal(("viewer",)) if "viewer" in metadata else None


class TestWhoMayAsk:
    @pytest.fixture
    def options(self):
        """Whoever is on this machine may ask for everything, and viewers for the clusters of one group."""
        rules = [Rule(who=("local",)), Rule(who=("viewer",), groups=("edge",), types=("cds",))]
        return {"reports": Reports(client_status=True), "authority": Authority(rules, [Badge()])}

    async def test_is_whoever_may_ask_for_the_resources_themselves(self, served, dialect):
        for group in ("edge", "core"):
            await served.server.publish(group, Snapshot.of([cluster(group)]))
            proxy = served.connect(dialect, node=group)
            proxy.group = group
            await proxy.ask()
            await proxy.read()
            await proxy.ask("endpoints", type_url=EDS)
        await served.until(lambda: all(len(one.stream.subscribed()) == 2 for one in served.server.fleet.sessions()))
        body = await served.channel.unary_unary(FETCH)(question(), metadata=[("viewer", "yes")])
        (config,) = message_class(STATUS + "ClientStatusResponse").FromString(body).config
        assert config.node.id == "edge"
        assert [one.name for one in config.generic_xds_configs] == ["edge"]
        assert len(await ask(served)) == 2

    @pytest.mark.parametrize("options", [{}, {"reports": Reports(load_interval=1)}])
    async def test_nobody_unless_it_is_switched_on(self, served):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await ask(served)
        assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


@pytest.mark.parametrize("body", [b"\xff", b"\x0a\xff"])
def test_bytes_that_are_no_request_are_refused(body):
    with pytest.raises(ProtocolError):
        read(body)


@pytest.mark.parametrize("body", [{"node_matchers": 5}, {"nobody": 1}])
def test_json_that_is_no_request_is_refused(body):
    with pytest.raises(ProtocolError):
        read_json(body)

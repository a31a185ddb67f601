"""The services of one type, over real gRPC: every method that Envoy knows, and its own type on it."""

from __future__ import annotations

import grpc
import pytest
from discovery_world import NODE, cluster

from xds.codec import message_class, resource
from xds.codec.descriptors import pool
from xds.model import Resource
from xds.model.type_url import CDS, ECDS, EDS, LDS, LEDS, PREFIX, RDS, RTDS, SDS, SRDS, VHDS
from xds.protocol import SOTW
from xds.server.service import METHODS, PATHS, SERVICES, Method

STREAMS = {path: one for path, one in METHODS.items() if not one.once}
SINGLE = {path: one for path, one in STREAMS.items() if one.only}
FETCHES = {path: one for path, one in METHODS.items() if one.once}
ROUTE = {"virtual_hosts": [{"name": "v", "domains": ["*"]}]}
RESOURCES = {
    CDS: cluster("a"),
    EDS: resource({"@type": EDS, "cluster_name": "a"}),
    SDS: resource({"@type": SDS, "name": "a"}),
    LDS: resource({"@type": LDS, "name": "a"}),
    RDS: resource({"@type": RDS, "name": "a", **ROUTE}),
    SRDS: resource({"@type": SRDS, "name": "a", "route_configuration_name": "a"}),
    VHDS: resource({"@type": VHDS, "name": "a", "domains": ["*"]}),
    ECDS: resource({"@type": ECDS, "name": "a"}),
    RTDS: resource({"@type": RTDS, "name": "a"}),
    LEDS: Resource(LEDS, "a", "1", b""),
}


def named(methods: dict[str, Method]) -> pytest.MarkDecorator:
    """A test for each of these methods."""
    return pytest.mark.parametrize("path", methods, ids=lambda path: path.rpartition("/")[2])


def request_of(path: str, **fields):
    """The bytes of a request for `a`."""
    return message_class("envoy.service.discovery.v3.DiscoveryRequest")(
        type_url=METHODS[path].only, resource_names=["a"], **fields
    ).SerializeToString()


def test_the_methods_are_those_of_envoys_own_services():
    """Every service that is annotated with a resource type, with its paths and that type."""
    described = {
        (f"/{service.full_name}/{method.name}", type_of(service))
        for one in SERVICES
        for service in [pool().FindServiceByName(f"envoy.service.{one.name}")]
        for method in service.methods
    }
    assert described == {(path, one.only) for path, one in METHODS.items() if one.only}
    streams = {(path, one.dialect.name) for path, one in STREAMS.items()}
    assert all(("/Delta" in path) == (name == "delta") for path, name in streams)
    aggregated = pool().FindServiceByName("envoy.service.discovery.v3.AggregatedDiscoveryService")
    assert {f"/{aggregated.full_name}/{one.name}" for one in aggregated.methods} == STREAMS.keys() - SINGLE.keys()


def type_of(service) -> str:
    """The type that a service's annotation names."""
    return PREFIX + annotation("google.protobuf.ServiceOptions", service).type


def annotation(kind: str, described):
    """The only annotation of a service or a method, read where Envoy's annotations are known."""
    options = message_class(kind).FromString(described.GetOptions().SerializeToString())
    ((_, value),) = options.ListFields()
    return value


@named(SINGLE)
async def test_a_service_of_one_type_serves_it_to_who_does_not_name_it(served, path):
    """Row 2."""
    type_url = METHODS[path].only
    await served.publish(*RESOURCES.values())
    call = served.open(path)
    await call.send("", names=("a",), node=NODE)
    got = await call.read()
    assert (got.type_url, got.control_plane.identifier, len(got.resources)) == (type_url, "me", 1)
    assert {getattr(one, "resource", one).type_url for one in got.resources} == {type_url}


@named(SINGLE)
@pytest.mark.parametrize("later", [False, True], ids=["at once", "later"])
async def test_a_service_of_one_type_serves_no_other(served, path, later):
    """Row 3: nothing of the other type leaks."""
    await served.publish(*RESOURCES.values())
    call = served.open(path)
    if later:
        await call.send("", names=("a",), node=NODE)
        await call.read()
    await call.send(LDS if METHODS[path].only != LDS else CDS, node=NODE)
    code, words = await call.end()
    assert (code, METHODS[path].only in words) == (grpc.StatusCode.INVALID_ARGUMENT, True)


@named(SINGLE)
async def test_a_change_of_one_type_is_said_on_its_own_stream(served, path):
    """Row 93: no order is kept between streams, and none waits for another."""
    await served.publish(*RESOURCES.values())
    call = served.open(path)
    await call.send("", names=("a",), node=NODE)
    got = await call.read()
    await call.send(
        "", names=("a",) if call.dialect is SOTW else (), response_nonce=got.nonce, node={"id": "x", "cluster": "y"}
    )
    changed = [Resource(one.type_url, one.name, "2", one.body) for one in RESOURCES.values()]
    await served.publish(*changed)
    again = await call.read()
    assert (again.type_url, len(again.resources), again.nonce != got.nonce) == (METHODS[path].only, 1, True)


@named(FETCHES)
async def test_a_fetch_answers_once(served, path):
    """Row 138."""
    type_url = METHODS[path].only
    await served.publish(*RESOURCES.values())
    body = await served.channel.unary_unary(path)(request_of(path, node=NODE))
    got = message_class("envoy.service.discovery.v3.DiscoveryResponse").FromString(body)
    assert (got.type_url, [one.type_url for one in got.resources]) == (type_url, [type_url])
    assert (got.control_plane.identifier, bool(got.version_info)) == ("me", True)
    again = await served.channel.unary_unary(path)(request_of(path, node=NODE, version_info=got.version_info))
    assert len(message_class("envoy.service.discovery.v3.DiscoveryResponse").FromString(again).resources) == 1


async def test_a_fetch_is_never_divided(served):
    """No ACK comes that another part could follow."""
    heavy = [resource({"@type": EDS, "cluster_name": f"{number}-{'x' * 4_000}"}) for number in range(1000)]
    await served.publish(*heavy)
    request = message_class("envoy.service.discovery.v3.DiscoveryRequest")(
        resource_names=[one.name for one in heavy], node=NODE
    )
    async with grpc.aio.insecure_channel(served.target, options=[("grpc.max_receive_message_length", -1)]) as channel:
        path = "/envoy.service.endpoint.v3.EndpointDiscoveryService/FetchEndpoints"
        body = await channel.unary_unary(path)(request.SerializeToString())
    assert len(message_class("envoy.service.discovery.v3.DiscoveryResponse").FromString(body).resources) == 1000


@named(FETCHES)
async def test_a_fetch_of_what_is_not_there_is_empty(served, path):
    await served.publish()
    body = await served.channel.unary_unary(path)(request_of(path, node=NODE))
    got = message_class("envoy.service.discovery.v3.DiscoveryResponse").FromString(body)
    assert (got.type_url, bool(got.version_info)) == (METHODS[path].only, True)
    assert len(got.resources) == (1 if METHODS[path].only == EDS else 0)  # endpoints without an endpoint


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"\xff\xff", "INVALID_ARGUMENT"),
        (b"", "INVALID_ARGUMENT"),
        (request_of("/envoy.service.cluster.v3.ClusterDiscoveryService/FetchClusters", node=NODE), "UNAVAILABLE"),
        (request_of("/envoy.service.secret.v3.SecretDiscoveryService/FetchSecrets", node=NODE), "INVALID_ARGUMENT"),
    ],
    ids=["garbage", "no node", "a group of which nothing is known", "another type"],
)
async def test_a_fetch_that_cannot_be_answered_says_why(served, body, code):
    await served.publish(group="other")
    if code == "INVALID_ARGUMENT":
        await served.publish()
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await served.channel.unary_unary("/envoy.service.cluster.v3.ClusterDiscoveryService/FetchClusters")(body)
    assert caught.value.code() == grpc.StatusCode[code]
    assert caught.value.details()
    assert served.counted("legation_xds_refused_total", service="cds", code=code) == 1


async def test_what_asks_once_leaves_no_group_behind(served):
    """Whoever makes names up costs nothing."""
    path = "/envoy.service.cluster.v3.ClusterDiscoveryService/FetchClusters"
    for number in range(20):
        with pytest.raises(grpc.aio.AioRpcError):
            await served.channel.unary_unary(path)(request_of(path, node={"id": "n", "cluster": f"made-up-{number}"}))
    assert not served.server.fleet._groups


async def test_proxies_tell_which_service_they_use(served, dialect):
    await served.publish(cluster("a"))
    path = next(path for path, one in STREAMS.items() if (one.only, one.dialect) == (CDS, dialect))
    call = served.open(path)
    await call.send(node=NODE)
    assert await call.names() == {"a"}
    await call.send("", ("b",), response_nonce="stale")
    await served.until(lambda: served.counted("legation_xds_requests_total", type="cds") == 3)
    assert [one.describe().service for one in served.server.fleet.sessions()] == ["cds"]


def test_the_paths_of_rest_are_those_of_envoys_own_services():
    methods = {path: pool().FindMethodByName(path[1:].replace("/", ".")) for path in FETCHES}
    annotated = {annotation("google.protobuf.MethodOptions", one).post: METHODS[path].only for path, one in methods.items()}
    assert annotated == PATHS
    assert set(PATHS.values()) == set(RESOURCES) - {VHDS, LEDS}

"""O: load reports, client status, and discovery without a stream: by REST and by the Fetch methods."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import grpc
import grpc.aio
import line
from case import World, case
from line import Unmet
from resources import CDS, ECDS, EDS, LDS, RDS, RTDS, SDS, SRDS, Resource, make, name_of
from variant import FETCH, REST, SERVER, SERVICES

from xds.codec import from_json, message_class

PATHS: Final[Mapping[str, str]] = {
    CDS: "clusters",
    EDS: "endpoints",
    LDS: "listeners",
    RDS: "routes",
    SRDS: "scoped-routes",
    SDS: "secrets",
    RTDS: "runtime",
    ECDS: "extension_configs",
}
"""Type URL -> the end of its path over REST."""

STATUS: Final = "/envoy.service.status.v3.ClientStatusDiscoveryService/"
LOAD: Final = "/envoy.service.load_stats.v3.LoadReportingService/StreamLoadStats"

CONFIG_STATUS: Final[Mapping[int, str]] = {1: "SYNCED", 2: "NOT_SENT", 3: "STALE", 4: "ERROR"}
TRIES, PAUSE = 50, 0.05


# REST


@case(137, variants=(REST,), types=tuple(PATHS))
async def a_request_as_json_is_answered_as_json(world: World) -> None:
    wanted = [world.make("a"), world.make("b")]
    await world.set(*wanted, world.make("c"))
    told = await news(world, resource_names=["a", "b"])
    if not told.get("version_info"):
        raise Unmet(f"the answer has no version_info: {sorted(told)}")
    brings(world, [from_json(one).SerializeToString(deterministic=True) for one in told["resources"]], wanted)


@case(137, variants=(REST,), types=(CDS, EDS))
async def what_the_client_has_already_is_answered_304(world: World) -> None:
    await world.set(world.make("a"))
    version = (await news(world, resource_names=["a"]))["version_info"]
    status, _ = await ask(world, resource_names=["a"], version_info=version)
    if status != 304:
        raise Unmet(f"the same request with the current version was answered {status}")
    await world.update(world.make("a", "2"))
    await news(world, resource_names=["a"], version_info=version)


@case(137, variants=(REST,))
async def mistakes_are_told_apart(world: World) -> None:
    await world.set(world.make("a"))
    for path, body, expected in (("/v3/discovery:nonsense", "{}", 404), ("/v3/discovery:clusters", "{", 400)):
        status, _ = await post(world, path, body)
        if status != expected:
            raise Unmet(f"{body} at {path} was answered {status}, not {expected}")


async def news(world: World, **fields: Any) -> Any:
    """What a request over REST gets, where there is something to tell."""
    status, told = await ask(world, **fields)
    if status != 200:
        raise Unmet(f"the request was answered {status}: {told}")
    return told


async def ask(world: World, **fields: Any) -> tuple[int, Any]:
    """The status and the JSON that a discovery request of the case's type gets, from a node of the group."""
    node = {"id": world.group, "cluster": world.group}
    return await post(world, f"/v3/discovery:{PATHS[world.type_url]}", json.dumps({"node": node, **fields}))


async def post(world: World, path: str, body: str) -> tuple[int, Any]:
    """The status and the JSON, or the words, that any request gets."""
    if not world.target.rest:
        world.lacks("REST")
    url, headers = world.target.rest + path, {"content-type": "application/json"}
    async with world.session.post(url, data=body, headers=headers) as got:
        text = await got.text()
        return got.status, json.loads(text) if got.status == 200 else text


def brings(world: World, bodies: list[bytes], resources: list[Resource]) -> None:
    """These are the resources' bytes, in any order."""
    if sorted(bodies) != sorted(one.value for one in resources):
        names = sorted(name_of(world.type_url, body) for body in bodies)
        raise Unmet(f"{names} came, and what should have come is {sorted(one.name for one in resources)}")


# Fetch


@case(138, variants=(FETCH,), types=tuple(PATHS))
async def a_fetch_answers_once(world: World) -> None:
    wanted = [world.make("a"), world.make("b")]
    await world.set(*wanted, world.make("c"))
    service, noun = SERVICES[world.type_url]
    node = {"id": world.group, "cluster": world.group}
    kind: Any = message_class("envoy.service.discovery.v3.DiscoveryRequest")
    request = kind(node=node, type_url=world.type_url, resource_names=["a", "b"])
    body = await call(world, f"/envoy.service.{service}/Fetch{noun}", request)
    told: Any = message_class("envoy.service.discovery.v3.DiscoveryResponse").FromString(body)
    if not told.version_info:
        raise Unmet("the answer has no version_info")
    brings(world, [one.value for one in told.resources], wanted)


# Client status


@case(136, variants=(SERVER,), types=(CDS, EDS, LDS, RDS))
async def the_status_of_each_resource_is_told(world: World) -> None:
    """What is accepted, sent and not answered, waits to be sent, and was refused, with the client's words."""
    talk = await world.client(world.make("a"))
    await stands(world, a="SYNCED")
    await world.set(world.make("a", "2"), world.make("b"))
    got = await talk.read(world.type_url)
    await talk.want(world.type_url, "b")
    await stands(world, a="STALE", b="NOT_SENT")
    await talk.nack(got, "a: it cannot be used")
    await talk.find(world.type_url)
    found = await stands(world, a="ERROR", b="STALE")
    if "it cannot be used" not in found["a"].error_state.details:
        raise Unmet(f"the status does not have the client's words: {found['a'].error_state.details!r}")


@case(136, variants=(SERVER,))
async def the_status_is_asked_again_on_one_stream(world: World) -> None:
    """The stream is questions and answers: nothing comes that was not asked for."""
    await world.client(world.make("a"))
    await stands(world, a="SYNCED")
    stream = Stream(world, STATUS + "StreamClientStatus")
    for _ in range(2):
        stream.say(message_class("envoy.service.status.v3.ClientStatusRequest")())
        if await stream.answer() is None:
            raise Unmet("a question was not answered")
    stream.finish()
    if await stream.answer() is not None:
        raise Unmet("an answer came that was not asked for")


async def stands(world: World, **wanted: str) -> dict[str, Any]:
    """Returns when these resources have this status. What the client just said may not have been read yet."""
    for _ in range(TRIES):
        found = await status_of(world)
        seen = {name: CONFIG_STATUS.get(one.config_status, "UNKNOWN") for name, one in found.items()}
        if wanted.items() <= seen.items():
            return found
        await asyncio.sleep(PAUSE)
    raise Unmet(f"the status is {seen}, and should be {wanted}")


async def status_of(world: World) -> dict[str, Any]:
    """What is said of the resources of the group's first node, by name."""
    kind: Any = message_class("envoy.service.status.v3.ClientStatusRequest")
    request = kind(node_matchers=[{"node_id": {"exact": world.group}}])
    body = await call(world, STATUS + "FetchClientStatus", request)
    told: Any = message_class("envoy.service.status.v3.ClientStatusResponse").FromString(body)
    return {one.name: one for config in told.config for one in config.generic_xds_configs}


# Load reports


@case(135, variants=(SERVER,))
async def a_client_is_told_what_to_report(world: World) -> None:
    """The clusters of its group, and again when these change; its reports end nothing."""
    await needs(world, LOAD)
    await world.set(make(CDS, "a"))
    kind: Any = message_class("envoy.service.load_stats.v3.LoadStatsRequest")
    stream = Stream(world, LOAD)
    stream.say(kind(node={"id": world.group, "cluster": world.group}))
    asks_for(await stream.answer(), "a")
    locality = {"locality": {"zone": "z"}, "total_successful_requests": 7}
    stream.say(kind(cluster_stats=[{"cluster_name": "a", "upstream_locality_stats": [locality]}]))
    await world.add(make(CDS, "b"))
    asks_for(await stream.answer(), "a", "b")


def asks_for(body: bytes | None, *clusters: str) -> None:
    """The load of these clusters is asked for, every so often."""
    if body is None:
        raise Unmet("the stream of load reports was ended")
    asked: Any = message_class("envoy.service.load_stats.v3.LoadStatsResponse").FromString(body)
    if not asked.load_reporting_interval.ToTimedelta():
        raise Unmet("no interval of reports is told")
    if not asked.send_all_clusters and set(asked.clusters) != set(clusters):
        raise Unmet(f"reports of {sorted(asked.clusters)} are asked for, and not of {sorted(clusters)}")


# gRPC methods that are no discovery


async def call(world: World, method: str, request: Any) -> bytes:
    """What a method with one answer answers."""
    with answered(world, method):
        return bytes(await world.channel.unary_unary(method)(request.SerializeToString()))


async def needs(world: World, method: str) -> None:
    """The target has this method. Why a stream ends that is written to, grpcio does not tell; of a call it does."""
    try:
        await world.channel.unary_unary(method)(b"")
    except grpc.aio.AioRpcError as error:
        if error.code() is grpc.StatusCode.UNIMPLEMENTED:
            world.lacks(method)


class Stream:
    """A stream of a method."""

    def __init__(self, world: World, method: str) -> None:
        self._world, self._method = world, method
        self._requests: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._answers = aiter(world.channel.stream_stream(method)(self._feed()))

    def say(self, request: Any) -> None:
        """Sends a message."""
        self._requests.put_nowait(request.SerializeToString())

    def finish(self) -> None:
        """Says that nothing more is sent."""
        self._requests.put_nowait(None)

    async def answer(self) -> bytes | None:
        """The next answer; None at the end of the stream."""
        with answered(self._world, self._method):
            async with asyncio.timeout(line.SOON):
                return await anext(self._answers, None)

    async def _feed(self) -> AsyncIterator[bytes]:
        while (request := await self._requests.get()) is not None:
            yield request


@contextmanager
def answered(world: World, method: str) -> Iterator[None]:
    """A call that ends otherwise, or not at all, fails the case."""
    try:
        yield
    except TimeoutError:
        raise Unmet(f"{method} gave no answer") from None
    except grpc.aio.AioRpcError as error:
        if error.code() is grpc.StatusCode.UNIMPLEMENTED:
            world.lacks(method)
        raise Unmet(f"{method} ended with {error.code().name}: {error.details()}") from None

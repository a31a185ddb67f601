"""O: load reports, client status, and discovery without a stream: by REST and by the Fetch methods."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

import grpc.aio
from case import World, case
from resources import CDS, ECDS, EDS, LDS, RDS, RTDS, SDS, SRDS, Resource, name_of
from talk import Unmet
from variant import FETCH, REST, SERVICES

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


async def post(world: World, path: str, body: str) -> tuple[int, Any]:
    """The status and the JSON that a request gets over REST."""
    if not world.target.rest:
        world.lacks("REST")
    url, headers = world.target.rest + path, {"content-type": "application/json"}
    async with world.session.post(url, data=body, headers=headers) as answer:
        text = await answer.text()
        return answer.status, json.loads(text) if answer.status == 200 else text


async def ask(world: World, **fields: Any) -> tuple[int, Any]:
    """The same for a discovery request of the case's type, from a node of the group."""
    node = {"id": world.group, "cluster": world.group}
    return await post(world, f"/v3/discovery:{PATHS[world.type_url]}", json.dumps({"node": node, **fields}))


def brings(bodies: list[bytes], resources: list[Resource], type_url: str) -> None:
    """These are the resources' bytes, in any order."""
    if sorted(bodies) != sorted(one.value for one in resources):
        names = sorted(name_of(type_url, body) for body in bodies)
        raise Unmet(f"{names} came, and what should have come is {sorted(one.name for one in resources)}")


@case(137, variants=(REST,), types=tuple(PATHS))
async def a_request_as_json_is_answered_as_json(world: World) -> None:
    wanted = [world.make("a"), world.make("b")]
    await world.set(*wanted, world.make("c"))
    status, answer = await ask(world, resource_names=["a", "b"])
    if status != 200:
        raise Unmet(f"the request was answered {status}: {answer}")
    if not answer.get("version_info"):
        raise Unmet(f"the answer has no version_info: {sorted(answer)}")
    brings([from_json(one).SerializeToString(deterministic=True) for one in answer["resources"]], wanted, world.type_url)


@case(137, variants=(REST,), types=(CDS, EDS))
async def what_the_client_has_already_is_answered_304(world: World) -> None:
    await world.set(world.make("a"))
    status, answer = await ask(world, resource_names=["a"])
    if status != 200:
        raise Unmet(f"the request was answered {status}: {answer}")
    status, _ = await ask(world, resource_names=["a"], version_info=answer["version_info"])
    if status != 304:
        raise Unmet(f"the same request with the current version was answered {status}")
    await world.update(world.make("a", "2"))
    status, _ = await ask(world, resource_names=["a"], version_info=answer["version_info"])
    if status != 200:
        raise Unmet(f"the same request with an old version was answered {status}")


@case(137, variants=(REST,))
async def mistakes_are_told_apart(world: World) -> None:
    await world.set(world.make("a"))
    for path, body, expected in (("/v3/discovery:nonsense", "{}", 404), ("/v3/discovery:clusters", "{", 400)):
        status, _ = await post(world, path, body)
        if status != expected:
            raise Unmet(f"{body} at {path} was answered {status}, not {expected}")


@case(138, variants=(FETCH,), types=tuple(PATHS))
async def a_fetch_answers_once(world: World) -> None:
    wanted = [world.make("a"), world.make("b")]
    await world.set(*wanted, world.make("c"))
    answer = await fetch(world, resource_names=["a", "b"])
    if not answer.version_info:
        raise Unmet("the answer has no version_info")
    brings([one.value for one in answer.resources], wanted, world.type_url)


async def fetch(world: World, **fields: Any) -> Any:
    """What a Fetch method answers to a request of the case's type, from a node of the group."""
    service, noun = SERVICES[world.type_url]
    kind = message_class("envoy.service.discovery.v3.DiscoveryRequest")
    request: Any = kind(node={"id": world.group, "cluster": world.group}, type_url=world.type_url, **fields)
    try:
        body = await world.channel.unary_unary(f"/envoy.service.{service}/Fetch{noun}")(request.SerializeToString())
    except grpc.aio.AioRpcError as error:
        if error.code() is grpc.StatusCode.UNIMPLEMENTED:
            world.lacks(f"Fetch{noun}")
        raise Unmet(f"Fetch{noun} was answered {error.code().name}: {error.details()}") from None
    return message_class("envoy.service.discovery.v3.DiscoveryResponse").FromString(body)

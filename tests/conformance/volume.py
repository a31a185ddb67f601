"""The Secrets and ConfigMaps that a container has as files. It has no root of its own here: its words are changed."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import anyio
from aiohttp import ClientResponseError
from cluster_client import ClusterClient, Json

POLL: Final = 0.2


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of volume: where the name is, where its objects are, and how a value is written in them."""

    named: str
    plural: str
    decode: Any


KINDS: Final = {
    "secret": Kind("secretName", "secrets", base64.b64decode),
    "configMap": Kind("name", "configmaps", str.encode),
}


async def mounted(client: ClusterClient, pod: Json, folder: Path) -> Mapping[str, str]:
    """The files of the pod's container, in the folder: what it calls a directory -> what it is called here.

    Waits for what is not there yet.
    """
    volumes = {one["name"]: one for one in pod["spec"].get("volumes", ())}
    found = {}
    for mount in pod["spec"]["containers"][0].get("volumeMounts", ()):
        volume = volumes[mount["name"]]
        for kind in KINDS.keys() & volume.keys():
            made = folder / mount["name"]
            made.mkdir(parents=True, exist_ok=True)
            await _fill(client, pod["metadata"]["namespace"], KINDS[kind], volume[kind], made)
            found[mount["mountPath"]] = str(made)
    return found


async def _fill(client: ClusterClient, namespace: str, kind: Kind, volume: Json, folder: Path) -> None:
    data = (await _read(client, f"/api/v1/namespaces/{namespace}/{kind.plural}/{volume[kind.named]}")).get("data", {})
    for item in volume.get("items") or [{"key": key, "path": key} for key in data]:
        await anyio.Path(folder / item["path"]).write_bytes(kind.decode(data[item["key"]]))


async def _read(client: ClusterClient, path: str) -> Json:
    while True:
        try:
            return await client.call("GET", path)
        except ClientResponseError as error:
            if error.status != HTTPStatus.NOT_FOUND:
                raise
        await anyio.sleep(POLL)

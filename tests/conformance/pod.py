"""One pod of the fake kubelet: its one container is a process in a network namespace of its own."""

from __future__ import annotations

import datetime as dt
import logging
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import anyio
from aiohttp import ClientError
from api_server import ADVERTISED as HOST
from cluster_client import MERGE, ClusterClient, Json
from journal import Journal
from pod_network import PodNetwork
from volume import mounted

LOG: Final = logging.getLogger(__name__)
NODE: Final = "bench"
POLL: Final = 0.02
PAUSE: Final = 1.0
"""Seconds until a container that has ended starts again, and until what went wrong is tried again."""
OPEN: Final = {"tcp": "0A", "tcp6": "0A", "udp": "07", "udp6": "07"}
"""How the kernel's tables of a network namespace mark a socket that waits for clients."""


@dataclass(frozen=True, slots=True)
class Host:
    """What all pods of the node share. `programs` are those of the images that it knows: an image's name -> a command."""

    client: ClusterClient
    network: PodNetwork
    programs: Mapping[str, Sequence[str]]
    folder: Path


class Pod:
    """A pod, from its start to its end. It ends when its `life` is cancelled."""

    def __init__(self, document: Json, host: Host) -> None:
        self.journal, self.life = Journal(), anyio.CancelScope()
        self._document, self._host = document, host
        self._meta, self._container = document["metadata"], document["spec"]["containers"][0]
        self.name = f"{self._meta['namespace']}/{self._meta['name']}"
        self._path = f"/api/v1/namespaces/{self._meta['namespace']}/pods/{self._meta['name']}"
        self._restarts = 0

    async def live(self) -> None:
        """Runs the container, and again whenever it ends; at the end of its life, removes the pod from the API server."""
        with self.life:
            await self._insist(self._bind)
            while True:
                await self._insist(self._run)
        with suppress(ClientError, OSError):
            await self._host.client.call("DELETE", f"{self._path}?gracePeriodSeconds=0")

    async def _insist(self, act) -> None:
        """Does one thing until the API server and the system let it."""
        while True:
            try:
                return await act()
            except (ClientError, OSError) as error:
                LOG.warning("%s: %s", self.name, error)
            await anyio.sleep(PAUSE)

    async def _bind(self) -> None:
        """Does what a scheduler does."""
        if "nodeName" not in self._document["spec"]:
            name, target = {"name": self._meta["name"]}, {"kind": "Node", "name": NODE}
            binding = {"apiVersion": "v1", "kind": "Binding", "metadata": name, "target": target}
            await self._host.client.call("POST", f"{self._path}/binding", binding)

    async def _run(self) -> None:
        """One life of the container."""
        image = self._container["image"].rpartition("/")[2].partition(":")[0]
        if image not in self._host.programs:
            await self._tell({"phase": "Pending", "reason": "NoProgram", "message": f"this node cannot run {image}"})
            await anyio.sleep_forever()
        address = self._host.network.address()
        mounts = await mounted(self._host.client, self._document, self._host.folder / self._meta["uid"])
        program = [*self._host.programs[image], *(_local(one, mounts) for one in self._container.get("args", ()))]
        process = await self._host.network.start(address, program, self._environment(address, mounts))
        async with process, anyio.create_task_group() as tasks:
            assert process.stdout is not None
            tasks.start_soon(self.journal.follow, process.stdout)
            while not _is_open(process.pid) and process.returncode is None:  # noqa: ASYNC110  the kernel can only be asked
                await anyio.sleep(POLL)
            if process.returncode is None:
                await self._tell(self._running(address, ready=True))
            await process.wait()
        LOG.warning("%s: its container ended with %s", self.name, process.returncode)
        self._restarts += 1
        await self._tell(self._running(address, ready=False))
        await anyio.sleep(PAUSE)

    def _environment(self, address: str, mounts: Mapping[str, str]) -> Mapping[str, str]:
        fields = {
            "metadata.name": self._meta["name"],
            "metadata.namespace": self._meta["namespace"],
            "status.podIP": address,
        }
        found = {"PATH": os.environ["PATH"]}
        for one in self._container.get("env", ()):
            by_field = one.get("valueFrom", {}).get("fieldRef", {}).get("fieldPath")
            found[one["name"]] = fields[by_field] if by_field else _local(one.get("value", ""), mounts)
        return found

    async def _tell(self, status: Json) -> None:
        await self._host.client.call("PATCH", f"{self._path}/status", {"status": status}, MERGE)

    def _running(self, address: str, *, ready: bool) -> Json:
        now = dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        kinds = {"PodScheduled": True, "Initialized": True, "ContainersReady": ready, "Ready": ready}
        container = {
            "name": self._container["name"],
            "image": self._container["image"],
            "imageID": self._container["image"],
            "ready": ready,
            "restartCount": self._restarts,
            "state": {"running": {"startedAt": now}},
        }
        return {
            "phase": "Running",
            "hostIP": HOST,
            "hostIPs": [{"ip": HOST}],
            "podIP": address,
            "podIPs": [{"ip": address}],
            "startTime": now,
            "conditions": [{"type": kind, "status": str(true), "lastTransitionTime": now} for kind, true in kinds.items()],
            "containerStatuses": [container],
        }


def _local(word: str, mounts: Mapping[str, str]) -> str:
    """A path in the container as the path that it has here; every other word as it is."""
    for mount, folder in mounts.items():
        if word.startswith(f"{mount}/"):
            return folder + word.removeprefix(mount)
    return word


def _is_open(pid: int) -> bool:
    """Whether the process waits for clients. Nobody else is in its namespace."""
    with suppress(OSError):
        for table, state in OPEN.items():
            rows = Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]
            if any(row.split()[3] == state for row in rows):
                return True
    return False

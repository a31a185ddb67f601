"""A fake kubelet, and a scheduler: one node that really runs the pods of its cluster, as processes in network namespaces.

Pods have one container, of an image that the node has a program for; of their volumes they get Secrets and ConfigMaps, which
it waits for. A pod is ready when its program waits for clients. Logs can be asked for through the API server.
"""

from __future__ import annotations

import datetime as dt
import logging
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import anyio
from aiohttp import ClientError, web
from anyio.abc import TaskGroup, TaskStatus
from api_server import ADVERTISED as HOST
from cluster_client import Json
from issuer import Issuer
from pod import NODE, PAUSE, Host, Pod

LOG: Final = logging.getLogger(__name__)
PORT: Final = 10250
PODS: Final = "/api/v1/pods"
BEGINNING: Final = "1970-01-01T00:00:00Z"


class Kubelet:
    """The only node of a cluster."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._pods: dict[str, Pod] = {}

    async def run(self, *, task_status: TaskStatus[None]) -> None:
        """Runs pods until cancelled. It has started when the API server knows the node."""
        async with self._logs(), anyio.create_task_group() as tasks:
            await self._host.client.call("POST", "/api/v1/nodes", NODE_DOCUMENT)
            task_status.started()
            while True:
                try:
                    await self._follow(tasks)
                except (ClientError, OSError) as error:
                    LOG.warning("pods cannot be watched: %s", error)
                await anyio.sleep(PAUSE)

    async def _follow(self, tasks: TaskGroup) -> None:
        """One list and one watch."""
        async for what, one in self._host.client.watch(PODS):
            if what == "LISTED":
                self._keep({pod["metadata"]["uid"] for pod in one["items"]})
            elif what == "DELETED":
                self._keep(self._pods.keys() - {one["metadata"]["uid"]})
            else:
                self._see(one, tasks)

    def _see(self, document: Json, tasks: TaskGroup) -> None:
        uid = document["metadata"]["uid"]
        if uid not in self._pods:
            self._pods[uid] = Pod(document, self._host)
            tasks.start_soon(self._pods[uid].live)
        if "deletionTimestamp" in document["metadata"]:
            self._pods[uid].life.cancel()

    def _keep(self, uids: set[str]) -> None:
        for uid in self._pods.keys() - uids:
            self._pods.pop(uid).life.cancel()

    @asynccontextmanager
    async def _logs(self) -> AsyncIterator[None]:
        """The port of a kubelet: of its pages, the logs."""
        application = web.Application()
        application.router.add_get("/containerLogs/{namespace}/{pod}/{container}", self._log)
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(*Issuer(self._host.folder, "kubelet").issue("kubelet-server"))
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=1)
        await runner.setup()
        try:
            await web.TCPSite(runner, HOST, PORT, ssl_context=tls).start()
            yield
        finally:
            await runner.cleanup()

    async def _log(self, request: web.Request) -> web.Response:
        name = f"{request.match_info['namespace']}/{request.match_info['pod']}"
        since = dt.datetime.fromisoformat(request.query.get("sinceTime", BEGINNING))
        for pod in self._pods.values():
            if pod.name == name:
                return web.Response(body=pod.journal.since(since))
        raise web.HTTPNotFound(text=f"there is no pod {name} on this node")


NODE_DOCUMENT: Final = {
    "apiVersion": "v1",
    "kind": "Node",
    "metadata": {"name": NODE},
    "status": {
        "addresses": [{"type": "InternalIP", "address": HOST}],
        "conditions": [{"type": "Ready", "status": "True"}],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": PORT}},
    },
}

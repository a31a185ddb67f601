"""Replicas of the control plane, side by side in one process: each has a provider, a pipeline and an xDS server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import anyio
import grpc.aio
from discovery_world import Call
from reach import until

from providers.kubernetes import KubernetesProvider, Lease, Settings
from sources.gatewayapi import GatewayApi
from sources.gatewayapi import Settings as GatewaySettings
from xds.control.pipeline import Pipeline
from xds.control.translator import Translator
from xds.model import Snapshot
from xds.protocol import Dialect
from xds.server.service import METHODS
from xds.server.xds_server import XdsServer


@dataclass(frozen=True)
class Place:
    """A namespace of an API server that replicas share: its controller has a name of its own."""

    kubeconfig: str
    namespace: str

    @property
    def controller(self) -> str:
        return f"legation.dev/{self.namespace}"

    def settings(self, identity: str, kubeconfig: str = "", **lease: float) -> Settings:
        times = {"duration": 15, "renew": lease.get("duration", 15) / 2, "retry": 0.2, **lease}
        return Settings(
            kubeconfig=kubeconfig or self.kubeconfig,
            namespaces=(self.namespace,),
            controller_name=self.controller,
            lease=Lease(namespace=self.namespace, identity=identity, **times),
        )


@dataclass
class Replica:
    """One that runs, and where it serves."""

    pipeline: Pipeline
    server: XdsServer
    target: str
    settings: Settings

    @property
    def leads(self) -> bool | None:
        return self.pipeline.office.leads.value

    @property
    def snapshots(self) -> dict[str, Snapshot]:
        return dict(self.server.fleet.snapshots())

    def versions(self) -> dict[tuple[str, str, str], str]:
        """(group, type URL, name) -> version of everything that it serves."""
        return {
            (group, one.type_url, one.name): one.version for group, snapshot in self.snapshots.items() for one in snapshot
        }

    @asynccontextmanager
    async def stream(self, dialect: Dialect) -> AsyncIterator[Call]:
        """A stream of a proxy."""
        (path,) = [path for path, one in METHODS.items() if (one.dialect, one.only) == (dialect, "")]
        async with grpc.aio.insecure_channel(self.target) as channel:
            call = channel.stream_stream(path)()
            yield Call(call, dialect)
            call.cancel()


@asynccontextmanager
async def replica(settings: Settings) -> AsyncIterator[Replica]:
    """One that runs while the block does, and has published."""
    server = XdsServer()
    translator = Translator(
        [GatewayApi(GatewaySettings(controller_name=settings.controller_name, bind_address="127.0.0.1"))]
    )
    pipeline = Pipeline({"kubernetes": KubernetesProvider(settings)}, translator, server.fleet, server.metrics)
    async with server.serve("127.0.0.1", 0) as (host, port), anyio.create_task_group() as tasks:
        tasks.start_soon(pipeline.run)
        await until(lambda: pipeline.published)
        yield Replica(pipeline, server, f"{host}:{port}", settings)
        tasks.cancel_scope.cancel()

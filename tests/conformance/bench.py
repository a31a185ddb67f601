"""The bench: a cluster in a network namespace of our own, whose node runs the backends of the suite; our control plane."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Final

import anyio
import toolbox
from api_server import ApiServer, api_server
from child import Child
from cluster_client import connected
from controllers import controllers
from kubelet import Kubelet
from pod import Host
from pod_network import PodNetwork

from providers.host.directory import orphans

HERE: Final = Path(__file__).parent
GATEWAY_CLASS: Final = "legation"
POOL: Final = "127.0.10.0/24"
"""Each Gateway has an address out of it: several have the same port."""
CLASS: Final = {
    "apiVersion": "gateway.networking.k8s.io/v1",
    "kind": "GatewayClass",
    "metadata": {"name": GATEWAY_CLASS},
    "spec": {"controllerName": "legation.dev/gateway"},
}


@asynccontextmanager
async def cluster(folder: Path) -> AsyncIterator[ApiServer]:
    """A cluster with Gateway API's experimental CRDs, in the network namespace that we are in, its files in the folder."""
    programs, network = toolbox.SUITE.built(), PodNetwork()
    (folder / "pods").mkdir(parents=True)
    with api_server(folder) as server:
        server.install_crds()
        async with connected(server.url, server.ca_file, server.token) as client, anyio.create_task_group() as tasks:
            kubelet = Kubelet(Host(client, network, images(programs), folder / "pods"))
            await tasks.start(kubelet.run)
            with controllers(server):  # last: they look for new kinds only now and then
                yield server
            tasks.cancel_scope.cancel()


def images(programs: Path) -> Mapping[str, list[str]]:
    """The programs of the images that the suite's pods are made of."""
    return {
        "echo-basic": [str(programs / "echo-basic")],
        "coredns": [sys.executable, str(HERE / "name_server.py")],
    }


@contextmanager
def control_plane(server: ApiServer, folder: Path) -> Iterator[Child]:
    """Our control plane, with real Envoys on this host, and our GatewayClass, which it has accepted."""
    server.kubectl("apply", "-f", "-", text=json.dumps(CLASS))
    settings = folder / "legation.json"
    settings.write_text(json.dumps(_settings(server)))
    command = [str(Path(sys.executable).with_name("legation")), "run", "--config", str(settings)]
    try:
        with Child(command, folder / "legation.log", {**os.environ, "TMPDIR": str(folder)}) as plane:
            _accepted(server, plane)
            yield plane
    finally:
        for pid in orphans(folder):  # none, unless it was killed
            os.kill(pid, signal.SIGKILL)


def _accepted(server: ApiServer, plane: Child) -> None:
    """Returns when the GatewayClass is accepted: the suite reads off it what we claim. Raises RuntimeError otherwise."""
    try:
        server.kubectl("wait", "--for=condition=Accepted", "--timeout=30s", f"gatewayclass/{GATEWAY_CLASS}")
    except RuntimeError:
        plane.check()
        raise


def _settings(server: ApiServer) -> Mapping[str, object]:
    return {
        "providers": {"kubernetes": {"kubeconfig": str(server.kubeconfig), "lease": {"namespace": "default"}}},
        "sources": {"gatewayapi": {"address_pool": POOL}},
        "runner": {"host": {"concurrency": 1, "drain_seconds": 0.2}},
    }

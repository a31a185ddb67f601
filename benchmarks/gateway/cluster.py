"""A Kubernetes cluster: a namespace of its own in it, and a site whose control plane reads that."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from fcntl import ioctl
from importlib.util import find_spec
from ipaddress import ip_address
from pathlib import Path
from secrets import token_hex
from tempfile import TemporaryDirectory
from time import time
from typing import TYPE_CHECKING, Any, Final

import msgspec

from benchmarks import usage
from benchmarks.bench import Bench, Options
from benchmarks.error import BenchError
from benchmarks.gateway import manifest
from benchmarks.gateway.backend import backend
from benchmarks.gateway.envoy import envoys, probes, release, without_envoy
from benchmarks.gateway.manifest import GATEWAY, Document
from benchmarks.gateway.plane import plane
from benchmarks.gateway.process import free_port
from benchmarks.gateway.site import Site
from xds.model import Kind

if TYPE_CHECKING:
    from providers.kubernetes.api import Api
    from providers.kubernetes.discovery import Served

KINDS: Final = {
    name: Kind.parse(version, name)
    for version, names in (
        ("v1", ("Namespace", "Service")),
        ("discovery.k8s.io/v1", ("EndpointSlice",)),
        ("coordination.k8s.io/v1", ("Lease",)),
        (manifest.GATEWAY_API, ("GatewayClass", "Gateway", "HTTPRoute")),
    )
    for name in names
}
"""What a run creates."""
AT_ONCE: Final = 16
"""Requests that are under way together while there is nothing to measure."""
MERGE: Final = "application/merge-patch+json"
QUIET: Final = 0.03
"""The share of a core below which a control plane has nothing left to do; the renewals of its lease are less."""
LOOK: Final = 1.0
"""Seconds over which that is looked at."""
PATIENCE: Final = 300.0
"""Seconds until it must be quiet."""
SIOCGIFADDR: Final = 0x8915
"""The question for the address of a network interface: netdevice(7)."""

Routes = Iterable[Document]


class Cluster:
    """A namespace of a cluster, and a GatewayClass of the same name, which the control plane of a run has for itself."""

    def __init__(self, name: str, api: Api, served: Mapping[Kind, Served]) -> None:
        self.name, self._api, self._served = name, api, served

    async def create(self, one: Document) -> float:
        """Creates an object; gives the moment of the API server's answer."""
        kind = KINDS[one["kind"]]
        await self._send("POST", self._served[kind].path(self._place(kind)), self._placed(one))
        return time()

    async def fill(self, documents: Iterable[Document]) -> None:
        """Creates many objects."""
        waiting = iter(documents)

        async def work() -> None:
            for one in waiting:
                await self.create(one)

        async with asyncio.TaskGroup() as tasks:
            for _ in range(AT_ONCE):
                tasks.create_task(work())

    async def move(self, service: str, addresses: Iterable[str], port: int) -> None:
        """Gives a Service other endpoints."""
        one = manifest.endpoints(service, addresses, port)
        path = self._served[KINDS["EndpointSlice"]].path(self.name, one["metadata"]["name"])
        await self._send("PATCH", path, {"endpoints": one["endpoints"]}, MERGE)

    async def clear(self) -> None:
        """Removes everything."""
        for served in self._served.values():
            if served.namespaced:
                await self._send("DELETE", served.path(self.name))
        for name in ("Namespace", "GatewayClass"):
            await self._send("DELETE", self._served[KINDS[name]].path("", self.name))

    async def _send(self, method: str, path: str, body: Document | None = None, kind: str = "application/json") -> None:
        await self._api.send(method, path, msgspec.json.encode(body or {}), kind)

    def _place(self, kind: Kind) -> str:
        return self.name if self._served[kind].namespaced else ""

    def _placed(self, one: Document) -> Document:
        """The object in the namespace, a Gateway of the class."""
        metadata = {**one["metadata"], "namespace": self._place(KINDS[one["kind"]])}
        spec = {"spec": {**one["spec"], "gatewayClassName": self.name}} if one["kind"] == "Gateway" else {}
        return {**one, "metadata": metadata, **spec}


@dataclass(frozen=True, slots=True)
class Installed:
    """A site whose configuration is in a cluster. `address` is where its backend listens, on the site's port `behind`."""

    site: Site
    cluster: Cluster
    address: str

    async def quiet(self) -> None:
        """Returns when the control plane has nothing left to do. Raises BenchError when it always has."""
        deadline = time() + PATIENCE
        while await self.share() > QUIET:
            if time() > deadline:
                raise BenchError(f"the control plane still works after {PATIENCE:.0f} s")

    async def share(self, seconds: float = LOOK) -> float:
        """The share of a core that the control plane takes for so long."""
        before = usage.cpu_seconds(self.site.plane.pid)
        await asyncio.sleep(seconds)
        return (usage.cpu_seconds(self.site.plane.pid) - before) / seconds


def without_cluster(options: Options) -> str | None:
    """What a machine lacks that has no cluster, or not what talks to one, or no address for its backend, or no Envoy."""
    if options.kubeconfig is None:
        return "it needs a Kubernetes API server: --kubeconfig FILE"
    if find_spec("kubernetes_asyncio") is None:
        return "it needs legation[kubernetes]"
    if own_address() is None:
        return "this machine has no address but loopback's, which no API server takes as an endpoint"
    return without_envoy()


@asynccontextmanager
async def installed(bench: Bench, routes: Callable[[], Routes]) -> AsyncIterator[Installed]:
    """A site inside the `async with`: a Gateway, its Service `backend`, and these routes in a cluster; an Envoy, which has
    accepted all of it.
    """
    home_address, port = own_address(), free_port()
    assert home_address is not None, "it is asked before"
    with TemporaryDirectory(prefix="lg") as name:
        home = Path(name)
        async with backend(home_address) as behind, _cluster(bench.options) as cluster:
            await cluster.fill(_served(port, home_address, behind))
            await cluster.fill(routes())
            async with (
                plane(home, core=bench.server_core, config=_settings(home, cluster.name, bench.options)) as running,
                envoys(1, running.xds, home, core=bench.client_core, group=f"{cluster.name}/{GATEWAY}") as proxies,
            ):
                await running.live(0)
                pids = tuple(one.pid for one in proxies)
                async with probes(port, pids) as found:
                    bench.versions["Envoy"] = await release()
                    site = Site(running, pids, tuple(found), port, behind)
                    yield Installed(site, cluster, home_address)


def _served(port: int, address: str, behind: int) -> Iterable[Document]:
    yield manifest.gateway(manifest.listener(port))
    yield manifest.service("backend")
    yield manifest.endpoints("backend", [address], behind)


@asynccontextmanager
async def _cluster(options: Options) -> AsyncIterator[Cluster]:
    from providers.kubernetes import discovery  # noqa: PLC0415  an extra, which other scenarios do without
    from providers.kubernetes.api import connect  # noqa: PLC0415  as above
    from providers.kubernetes.settings import Settings  # noqa: PLC0415  as above

    async with connect(Settings(kubeconfig=options.kubeconfig)) as api:
        served = await discovery.served(api, KINDS.values())
        if lacking := [str(kind) for kind in KINDS.values() if kind not in served]:
            raise BenchError(f"the cluster does not know {', '.join(lacking)}: install Gateway API's CRDs")
        cluster = Cluster(f"legation-bench-{token_hex(3)}", api, served)
        await cluster.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": cluster.name}})
        try:
            await cluster.create(_class(cluster.name))
            yield cluster
        finally:
            await cluster.clear()


def _class(name: str) -> Document:
    spec = {"controllerName": _controller(name)}
    return {"apiVersion": manifest.GATEWAY_API, "kind": "GatewayClass", "metadata": {"name": name}, "spec": spec}


def _controller(name: str) -> str:
    return f"legation.dev/{name}"


def _settings(home: Path, name: str, options: Options) -> Path:
    """A settings file for one namespace and its class."""
    controller = {"controller_name": _controller(name)}
    scope = {"namespaces": [name], "lease": {"namespace": name}}
    provider: dict[str, Any] = {"kubeconfig": options.kubeconfig, **scope, **controller}
    file = home / "legation.yaml"
    file.write_bytes(msgspec.json.encode({"providers": {"kubernetes": provider}, "sources": {"gatewayapi": controller}}))
    return file


def own_address() -> str | None:
    """An IPv4 address of this machine that is not loopback's, if there is one: API servers refuse those as endpoints."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        for _, name in socket.if_nameindex():
            with suppress(OSError):  # one without an address
                answer = ioctl(asking, SIOCGIFADDR, name.encode().ljust(256, b"\0"))
                address = ip_address(answer[20:24])
                if not address.is_loopback and not address.is_link_local:
                    return str(address)
    return None

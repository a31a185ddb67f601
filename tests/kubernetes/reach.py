"""Ways to an API server: as somebody with few rights, and over a wire that can be cut."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import anyio
from anyio.abc import SocketAttribute, SocketStream
from api_server import ApiServer, RefusedError, kubeconfig

DEADLINE = 60.0
"""Seconds after which a test gives up waiting, however busy this machine is."""


async def until(condition: Callable[[], object]) -> None:
    """Returns when the condition holds; fails when it does not in time."""
    with anyio.fail_after(DEADLINE):
        while not condition():  # noqa: ASYNC110  a test asks for states that nobody tells of
            await anyio.sleep(0.01)


class Account:
    """A service account of a namespace, with the rights that it is granted and no others."""

    def __init__(self, server: ApiServer, namespace: str, name: str) -> None:
        self._server, self._namespace, self._name = server, namespace, name
        account = f"/api/v1/namespaces/{namespace}/serviceaccounts"
        server.call("POST", account, {"metadata": {"name": name}})
        self.token: str = server.call("POST", f"{account}/{name}/token", {"spec": {}})["status"]["token"]

    def grant(self, *rules: dict[str, Any]) -> None:
        """These rights, all over the cluster, in the place of those that it had."""
        rbac, name = "/apis/rbac.authorization.k8s.io/v1", f"{self._namespace}-{self._name}"
        with suppress(RefusedError):  # there was none
            self._server.call("DELETE", f"{rbac}/clusterroles/{name}")
            self._server.call("DELETE", f"{rbac}/clusterrolebindings/{name}")
        self._server.call("POST", f"{rbac}/clusterroles", {"metadata": {"name": name}, "rules": list(rules)})
        binding = {
            "metadata": {"name": name},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name},
            "subjects": [{"kind": "ServiceAccount", "name": self._name, "namespace": self._namespace}],
        }
        self._server.call("POST", f"{rbac}/clusterrolebindings", binding)

    def kubeconfig(self, folder: Path) -> str:
        """The path of a kubeconfig for it."""
        path = folder / f"{self._name}.kubeconfig"
        path.write_text(kubeconfig(self._server.url, self._server.ca_file, self.token))
        return str(path)


class Wire:
    """The wire to an API server. Cut, it holds back all that is said: nobody hears that nobody hears."""

    def __init__(self, url: str) -> None:
        self._host, _, port = url.removeprefix("https://").rpartition(":")
        self._port = int(port)
        self.whole = anyio.Event()
        self.whole.set()
        self.url = ""

    def cut(self) -> None:
        self.whole = anyio.Event()

    def mend(self) -> None:
        self.whole.set()

    async def serve(self, client: SocketStream) -> None:
        with suppress(OSError):
            async with client, await anyio.connect_tcp(self._host, self._port) as server, anyio.create_task_group() as tasks:
                tasks.start_soon(self._pass_on, client, server)
                await self._pass_on(server, client)
                tasks.cancel_scope.cancel()

    async def _pass_on(self, source: SocketStream, drain: SocketStream) -> None:
        with suppress(anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError):
            async for some in source:
                await self.whole.wait()
                await drain.send(some)


@asynccontextmanager
async def wire(server: ApiServer, folder: Path) -> AsyncIterator[tuple[Wire, str]]:
    """A wire, and the path of a kubeconfig of an administrator who is at its other end."""
    made = Wire(server.url)
    async with await anyio.create_tcp_listener(local_host="127.0.0.1") as listener, anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, made.serve)
        port = listener.extra(SocketAttribute.local_port)
        path = folder / "wire.kubeconfig"
        path.write_text(kubeconfig(f"https://127.0.0.1:{port}", server.ca_file, server.token))
        yield made, str(path)
        tasks.cancel_scope.cancel()

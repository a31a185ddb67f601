"""A real Kubernetes API server on loopback: kube-apiserver and etcd as an ordinary user, and nothing else of a cluster."""

from __future__ import annotations

import json
import secrets
import shutil
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Self
from urllib.error import HTTPError
from urllib.request import HTTPSHandler, ProxyHandler, Request, build_opener

import toolbox
from child import Child
from gateway_site import free_port
from issuer import Issuer

SECONDS: Final = 60.0
"""How long it may take to be ready: three seconds when nobody else computes."""
ADVERTISED: Final = "10.244.0.1"
"""What it says is its address; the kubelet's, too. Loopback is refused there."""


class RefusedError(Exception):
    """The API server answered no: `status` is HTTP's."""

    def __init__(self, status: int, body: str) -> None:
        super().__init__(f"{status}: {body}")
        self.status = status


class ApiServer:
    """An API server, with RBAC or with everything allowed, its state in a directory.

    `url` is its address, `ca_file` its authority, `token` an administrator's, `kubeconfig` the path of a file with all
    three, and `etcd` the client URL of its etcd, which answers JSON under /v3, too.
    """

    def __init__(self, directory: Path, *, port: int = 0, rbac: bool = True) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        issuer = Issuer(directory, "ca")
        self.program, self.directory = str(toolbox.cluster()), directory
        self.url, self.ca_file = f"https://127.0.0.1:{port or free_port()}", issuer.file
        self.token, self.etcd = secrets.token_hex(16), f"http://127.0.0.1:{free_port()}"
        self.service_accounts = issuer.issue("service-accounts")
        self.kubeconfig = directory / "kubeconfig"
        self.kubeconfig.write_text(kubeconfig(self.url, self.ca_file, self.token))
        (directory / "tokens").write_text(f"{self.token},admin,admin,system:masters\n")
        handlers = ProxyHandler({}), HTTPSHandler(context=ssl.create_default_context(cafile=str(self.ca_file)))
        self._opener = build_opener(*handlers)
        self._etcd = Child([self.program, "etcd", *self._of_etcd()], directory / "etcd.log")
        flags = self._of_server(issuer, "RBAC" if rbac else "AlwaysAllow")
        self._server = Child([self.program, "kube-apiserver", *flags], directory / "kube-apiserver.log")

    def start(self) -> None:
        """Returns when it is ready, after a `stop` with all that it knew. Raises RuntimeError when it does not come up."""
        self._server.start()
        deadline = time.monotonic() + SECONDS
        while not self._ready():
            self._server.check()
            if time.monotonic() > deadline:
                raise RuntimeError(f"{self.url} is not ready after {SECONDS:.0f} s: see {self.directory}")
            time.sleep(0.1)

    def stop(self) -> None:
        """Kills it; etcd stays."""
        self._server.kill()

    def call(self, method: str, path: str, body: Any = None, kind: str = "application/json") -> Any:
        """The JSON that it answers to an administrator. Raises RefusedError, and urllib's URLError when it is down."""
        data = None if body is None else json.dumps(body).encode()
        try:
            with self._opener.open(self._request(method, path, data, kind), timeout=30) as answer:
                return json.load(answer)
        except HTTPError as error:
            with error:
                raise RefusedError(error.code, error.read().decode()) from None

    def kubectl(self, *arguments: str, text: str = "") -> str:
        """What kubectl says to an administrator, `text` on its standard input. Raises RuntimeError with its complaint."""
        command = [self.program, "kubectl", "--kubeconfig", str(self.kubeconfig), *arguments]
        done = subprocess.run(command, input=text, capture_output=True, text=True, check=False, timeout=SECONDS)
        if done.returncode:
            raise RuntimeError(f"kubectl {' '.join(arguments)}: {done.stderr.strip()}")
        return done.stdout

    def install_crds(self, channel: str = "experimental") -> None:
        """Gateway API's own kinds, of the suite's release; returns when they are served."""
        folder = toolbox.crds(channel)
        self.kubectl("apply", "--server-side", "-k", str(folder))
        self.kubectl("wait", "--for=condition=Established", "--timeout=60s", "crd", "--all")

    def clear(self, namespace: str) -> None:
        """Removes a namespace and all that is in it, at once: without controllers nobody else does."""
        for path in self._collections(namespace):
            self.call("DELETE", path)
        gone = self.call("DELETE", f"/api/v1/namespaces/{namespace}")
        self.call("PUT", f"/api/v1/namespaces/{namespace}/finalize", {**gone, "spec": {"finalizers": []}})

    def _collections(self, namespace: str) -> Iterator[str]:
        groups = [group["preferredVersion"]["groupVersion"] for group in self.call("GET", "/apis")["groups"]]
        for root in ("/api/v1", *(f"/apis/{group}" for group in groups)):
            for one in self.call("GET", root)["resources"]:
                if one["namespaced"] and "deletecollection" in one["verbs"]:
                    yield f"{root}/namespaces/{namespace}/{one['name']}"

    def _ready(self) -> bool:
        try:
            with self._opener.open(self._request("GET", "/readyz"), timeout=5):
                return True
        except HTTPError as error:
            error.close()
        except OSError:
            pass
        return False

    def _request(self, method: str, path: str, data: bytes | None = None, kind: str = "application/json") -> Request:
        headers = {"authorization": f"Bearer {self.token}", "content-type": kind}
        return Request(self.url + path, data, headers, method=method)

    def _of_etcd(self) -> list[str]:
        nobody = "http://127.0.0.1:0"
        return [
            f"--data-dir={self.directory / 'etcd'}",
            f"--listen-client-urls={self.etcd}",
            f"--advertise-client-urls={self.etcd}",
            f"--listen-peer-urls={nobody}",
            "--unsafe-no-fsync",
            "--log-level=warn",
        ]

    def _of_server(self, issuer: Issuer, authorization: str) -> list[str]:
        certificate, key = issuer.issue("localhost")
        signers, signing = self.service_accounts
        return [
            f"--etcd-servers={self.etcd}",
            "--bind-address=127.0.0.1",
            f"--secure-port={self.url.rpartition(':')[2]}",
            f"--advertise-address={ADVERTISED}",
            "--endpoint-reconciler-type=none",
            "--service-cluster-ip-range=10.96.0.0/16",
            f"--tls-cert-file={certificate}",
            f"--tls-private-key-file={key}",
            f"--token-auth-file={self.directory / 'tokens'}",
            f"--authorization-mode={authorization}",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={signers}",
            f"--service-account-signing-key-file={signing}",
            "--kubelet-preferred-address-types=InternalIP",
            "--profiling=false",
        ]

    def __enter__(self) -> Self:
        self._etcd.start()
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._server.kill()  # it ends slowly once etcd is gone
        self._etcd.kill()
        shutil.rmtree(self.directory / "etcd", ignore_errors=True)


@contextmanager
def api_server(directory: Path, *, port: int = 0, rbac: bool = True) -> Iterator[ApiServer]:
    """An API server, ready, and ended after; then the directory has its logs. Port 0 is any free one.

    Raises UnavailableError when it is not built and cannot be.
    """
    with ApiServer(directory, port=port, rbac=rbac) as server:
        yield server


def kubeconfig(url: str, ca_file: Path, token: str) -> str:
    """The text of a kubeconfig with one context, `bench`."""
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "bench",
            "contexts": [{"name": "bench", "context": {"cluster": "bench", "user": "bench"}}],
            "clusters": [{"name": "bench", "cluster": {"server": url, "certificate-authority": str(ca_file)}}],
            "users": [{"name": "bench", "user": {"token": token}}],
        },
        indent=2,
    )

"""Credentials: which cluster, and as whom: a pod's service account, or a kubeconfig.

Only a kubeconfig needs the client library. It brings 65 MB of classes for Kubernetes' own kinds along: pods are spared that.
"""

from __future__ import annotations

import asyncio
import os
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import anyio
from anyio.to_thread import run_sync

from providers.kubernetes.settings import Settings
from xds.model import ConfigError

if TYPE_CHECKING:
    from kubernetes_asyncio.client import Configuration
    from kubernetes_asyncio.config.kube_config import KubeConfigLoader

SERVICE_ACCOUNT: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount")
"""Where Kubernetes puts the credentials of a pod: `token`, `ca.crt` and `namespace`."""
FRESH: Final = 60.0
"""Seconds for which what proves who asks is good, before it is read anew: tokens of pods are replaced from time to time."""
PATIENCE: Final = 60.0
"""Seconds that this may take: a program that somebody wrote may ask somebody else."""
MALFORMED: Final = (AssertionError, AttributeError, KeyError, TypeError)
"""What the client library raises for a file that is something else."""


@dataclass(slots=True)
class Credentials:
    """Where the API server is, and what proves who asks.

    `server` is `https://HOST:PORT`, `read` gives the value of the header `authorization` (empty for none) as it is now; it
    reads files, and may run a program. `server_name` is whom to expect in the certificate, where that is not the host.
    """

    server: str
    tls: ssl.SSLContext
    read: Callable[[], str]
    proxy: str | None = None
    server_name: str | None = None
    _authorization: str = ""
    _stale: float = 0.0
    _reading: anyio.Lock = field(default_factory=anyio.Lock)

    async def headers(self) -> Mapping[str, str]:
        """What to send along with a request. Raises OSError when it cannot be had."""
        async with self._reading:
            if time.monotonic() >= self._stale:
                await self._read()
        return {"Authorization": self._authorization} if self._authorization else {}

    def doubt(self) -> None:
        """They were not accepted: they are read anew before the next request."""
        self._stale = 0.0

    async def _read(self) -> None:
        try:
            with anyio.fail_after(PATIENCE):
                self._authorization = await run_sync(self.read, abandon_on_cancel=True)
        except Exception as error:  # the client library raises all sorts of things
            words = str(error) or type(error).__name__
            raise OSError(f"{self.server}: the credentials cannot be read: {words}") from error
        self._stale = time.monotonic() + FRESH


def load(settings: Settings) -> Credentials:
    """The credentials that these settings lead to. Reads files, and may run a program that a kubeconfig names: call it in a
    thread.

    Raises ConfigError, with the file, where they lead to none.
    """
    path = kubeconfig(settings)
    try:
        return _of_pod() if path is None else _of_kubeconfig(path, settings.context)
    except Exception as error:
        raise _nowhere(path, error) from error


def _nowhere(path: str | None, error: Exception) -> ConfigError:
    """The client library raises all sorts of things for what is wrong with a file."""
    words = "it is not written like a kubeconfig" if isinstance(error, MALFORMED) else str(error) or type(error).__name__
    hint = "kubectl config view --kubeconfig shows what it has" if path else "it is mounted from the pod's service account"
    return ConfigError(f"{path or SERVICE_ACCOUNT} leads to no cluster: {words}", hint=hint)


def kubeconfig(settings: Settings) -> str | None:
    """The path of the kubeconfig to read (several, joined by ':', as kubectl takes them); None for a pod's own account.

    Raises ConfigError where there is neither, where the kubeconfig has no such context, and where the library is missing
    that reads it.
    """
    if settings.kubeconfig is None and settings.context is None and _is_pod():
        return None
    path = settings.kubeconfig or os.environ.get("KUBECONFIG") or "~/.kube/config"
    if not any(Path(one).expanduser().is_file() for one in path.split(os.pathsep) if one):
        what = f"there is no kubeconfig {path}, and this is no pod with a service account"
        raise ConfigError(what, hint="write providers.kubernetes.kubeconfig: PATH")
    if find_spec("kubernetes_asyncio") is None:
        what = f"reading the kubeconfig {path} needs the package kubernetes-asyncio"
        raise ConfigError(what, hint="pip install 'legation[kubernetes]'")
    try:
        _loader(path, settings.context)
    except Exception as error:
        raise _nowhere(path, error) from error
    return path


def _is_pod() -> bool:
    return bool(os.environ.get("KUBERNETES_SERVICE_HOST")) and (SERVICE_ACCOUNT / "token").is_file()


def _of_pod() -> Credentials:
    host, port = os.environ["KUBERNETES_SERVICE_HOST"], os.environ["KUBERNETES_SERVICE_PORT"]
    server = f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}"
    token = SERVICE_ACCOUNT / "token"
    return Credentials(server, _tls(str(SERVICE_ACCOUNT / "ca.crt")), lambda: f"Bearer {token.read_text().strip()}")


def _of_kubeconfig(path: str, context: str | None) -> Credentials:
    from kubernetes_asyncio.client import Configuration  # noqa: PLC0415  it is heavy, and may be missing

    found, loader = Configuration(), _loader(path, context)

    def read() -> str:
        asyncio.run(loader.load_and_set(found))
        return str(found.api_key.get("BearerToken", "")).strip()

    read()
    return Credentials(found.host, _tls_of(found), read, found.proxy or _proxy(found.host), found.tls_server_name)


def _loader(path: str, context: str | None) -> KubeConfigLoader:
    from kubernetes_asyncio.config import kube_config  # noqa: PLC0415  as above

    return kube_config.KubeConfigLoader(kube_config.KubeConfigMerger(path).config, context, config_base_path=None)


def _proxy(server: str) -> str | None:
    """The proxy that the environment names for this server."""
    url = urlsplit(server)
    return None if proxy_bypass(url.hostname or "") else getproxies().get(url.scheme)


def _tls_of(found: Configuration) -> ssl.SSLContext:
    tls = _tls(found.ssl_ca_cert)
    if found.cert_file:
        tls.load_cert_chain(found.cert_file, found.key_file)
    if not found.verify_ssl:
        tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
    return tls


def _tls(authority: str | None) -> ssl.SSLContext:
    tls = ssl.create_default_context(cafile=authority)
    tls.verify_flags &= ~ssl.VERIFY_X509_STRICT  # authorities of clusters lack extensions that Python asks for since 3.13
    return tls

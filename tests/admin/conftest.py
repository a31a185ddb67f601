"""A plane that stands still, and the admin service over it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import aiohttp
import pytest

from xds.codec import resource
from xds.model import (
    Answer,
    Condition,
    Diagnostic,
    Key,
    Kind,
    Node,
    NodeGroup,
    Origin,
    Part,
    Proxy,
    Refusal,
    Severity,
    Snapshot,
    Status,
    Subscribed,
)
from xds.model.type_url import CDS, SDS
from xds.protocol import Delivery, Progress
from xds.server.admin import serve_admin
from xds.server.metrics import Metrics

ROUTE = Key(Kind("gateway.networking.k8s.io", "HTTPRoute"), "default", "api")
GATEWAY = Key(Kind("gateway.networking.k8s.io", "Gateway"), "default", "edge")


def cluster(name: str):
    return resource({"@type": CDS, "name": name, "connect_timeout": "1s"}, authors=(ROUTE,))


def secret(name: str, key: str):
    chain = {"inline_string": "CERTIFICATE"}
    return resource(
        {"@type": SDS, "name": name, "tls_certificate": {"certificate_chain": chain, "private_key": {"inline_string": key}}}
    )


@dataclass
class StillPlane:
    """Every question's answer is a field."""

    waits: list = field(default_factory=list)
    held: dict = field(default_factory=dict)
    connected: list = field(default_factory=list)
    refused: list = field(default_factory=list)
    told: dict = field(default_factory=dict)
    wrong: list = field(default_factory=list)

    def missing(self):
        return self.waits

    def groups(self):
        return {name: NodeGroup(name) for name in self.held}

    def snapshots(self):
        return self.held

    async def proxies(self):
        return self.connected

    def streams(self):
        return Counter((one.dialect, one.service) for one in self.connected)

    async def measured(self):
        return ()

    def refusals(self):
        return self.refused

    async def deliveries(self, wanted):
        held = next(iter(self.held["default/edge"]))
        delivery = Delivery(held.type_url, held.name, Progress.SYNCED, held, held)
        for one in self.connected:
            if wanted(one.node):
                yield one, [delivery]

    def statuses(self):
        return self.told

    def diagnostics(self):
        return self.wrong


@pytest.fixture
def plane():
    """Two groups, one proxy that refused something, one route that is not well."""
    types = (
        Subscribed(CDS, "c0ffee", 2, Answer.REJECTED, "no such filter"),
        Subscribed(SDS, "5ec2e7", 1, Answer.ACCEPTED),
    )
    resolved = Condition("ResolvedRefs", False, "BackendNotFound", "no Service default/echo")
    parent = Part("parents", "default/edge", (Condition("Accepted", True, "Accepted"), resolved))
    return StillPlane(
        held={
            "default/edge": Snapshot.of([cluster("a"), cluster("b"), secret("tls", "HUSH")]),
            "default/other": Snapshot.of([cluster("c")]),
        },
        connected=[Proxy(Node("envoy-1", user_agent="envoy/1.40"), "default/edge", "127.0.0.1:5", "delta", 1e9, types)],
        refused=[Refusal("default/edge", CDS, "b", "c0ffee", "no such filter", kept=True, authors=(ROUTE,))],
        told={
            ROUTE: Status(parts=(parent,)),
            GATEWAY: Status((Condition("Accepted", True, "Accepted"),), summary="http://127.0.0.1:8080"),
        },
        wrong=[
            Diagnostic("must be text", ROUTE, "spec.hostnames[0]", Origin("r.yaml", 7), "quote it"),
            Diagnostic("holds no objects", origin=Origin("empty.yaml"), severity=Severity.WARNING),
        ],
    )


@pytest.fixture
async def admin(plane):
    """The address of an admin service over the plane."""
    metrics = Metrics()
    metrics.observe(plane)
    async with serve_admin(plane, metrics, "127.0.0.1", 0) as (host, port):
        yield f"http://{host}:{port}"


@pytest.fixture
async def ask(admin):
    """Asks the admin service: (status, text, headers)."""
    async with aiohttp.ClientSession(admin) as session:

        async def asked(path: str, method: str = "GET", body: str | None = None):
            async with session.request(method, path, data=body) as answer:
                return answer.status, await answer.text(), answer.headers

        yield asked

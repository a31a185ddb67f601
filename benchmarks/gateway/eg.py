"""The shapes of Envoy Gateway's benchmark of its translation, as far as they are Gateway API that is understood here.

Its routes attach to three listeners, and each has its own Service and EndpointSlice.
https://github.com/envoyproxy/gateway/blob/main/test/gobench/translate_test.go
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Final

from benchmarks.gateway import manifest
from benchmarks.gateway.certificate import certificate
from benchmarks.gateway.manifest import Document

SHAPES: Final[Mapping[str, int]] = {"EG small": 1, "EG medium": 50, "EG large": 500}
"""Shape -> how many HTTPRoutes it has."""
LEFT_OUT: Final = (
    "S2: of Envoy Gateway's shapes, GRPCRoutes (0, 25, 250), UDPRoutes (0, 10, 100) and policies (4, 151, 1,501) are left"
    " out, as nothing here translates them"
)


def documents(shape: str) -> Iterator[Document]:
    """All objects of a shape."""
    listeners = (manifest.listener(80), manifest.listener(443, "certificate"), manifest.listener(81))
    yield manifest.gateway(*listeners, manifest.listener(82, protocol="UDP"))
    yield manifest.secret("certificate", _certificate())
    for index in range(SHAPES[shape]):
        service = f"service-backend-{index}"
        yield manifest.route(index, [manifest.rule(service)])
        yield from (manifest.service(service), manifest.endpoints(service, ["192.168.1.1"], 8000))


@cache
def _certificate() -> Mapping[str, str]:
    return certificate("foo.bar.com")

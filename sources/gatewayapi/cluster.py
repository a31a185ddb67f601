"""Clusters: one for each backend, whoever refers to it, and the endpoints of each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from sources.gatewayapi.destination import H2C, port_of
from sources.gatewayapi.kind import BACKEND, SERVICE
from sources.gatewayapi.known import Known
from sources.gatewayapi.schema.backend import Backend, BackendEndpoint
from sources.gatewayapi.schema.core import EndpointSlice, Service, ServicePort
from sources.gatewayapi.schema.gateway_flaw import is_ip
from sources.graph import Reader
from xds.codec import build, pack, resource
from xds.model import Key, Resource

CLUSTER: Final = "envoy.config.cluster.v3.Cluster"
ENDPOINTS: Final = "envoy.config.endpoint.v3.ClusterLoadAssignment"
HTTP_OPTIONS: Final = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"

Address = tuple[str, int]
"""(IP address or name, port), or (path of a Unix domain socket, 0)."""

_HTTP2: Final = {HTTP_OPTIONS: pack(HTTP_OPTIONS, {"explicit_http_config": {"http2_protocol_options": {}}})}
_ADS: Final = {"ads": {}, "resource_api_version": "V3"}

_CLUSTER: Final = {
    "connect_timeout": {"seconds": 10},
    "lb_policy": "LEAST_REQUEST",
    "ignore_health_on_host_removal": True,
    "per_connection_buffer_limit_bytes": {"value": 32 * 1024},
}
_EDS: Final = {"type": "EDS", "eds_cluster_config": {"eds_config": _ADS}}
_DNS: Final = {
    "type": "STRICT_DNS",
    "dns_lookup_family": "V4_PREFERRED",
    "dns_refresh_rate": {"seconds": 30},
    "respect_dns_ttl": True,
}


def backend_of(cluster: str) -> tuple[Key, int]:
    """The backend that a cluster stands for, by the cluster's name: its key, and the port of a Service (0 for a Backend)."""
    kind, namespace, name, *port = cluster.split("/")
    return Key(SERVICE if kind == "service" else BACKEND, namespace, name), int(port[0]) if port else 0


def cluster(read: Reader, name: str) -> Resource | None:
    """The Cluster of this name; None when its backend is gone."""
    key, port = backend_of(name)
    fields: dict[str, Any] | None = read.get(_of_service, (key, port)) if port else read.get(_of_backend, (key, name))
    if fields is None:
        return None
    return resource(build(CLUSTER, {"name": name, **_CLUSTER, **fields}), authors=(key,))


def endpoints(read: Reader, name: str) -> Resource | None:
    """The ClusterLoadAssignment of the cluster of this name: empty when nothing is ready, but there.

    Its author is the backend: what decides the addresses is what the backend selects.
    """
    key, port = backend_of(name)
    addresses: tuple[Address, ...] = read.get(_of_slices, (key, port)) if port else read.get(_of_endpoints, key)
    return resource(build(ENDPOINTS, {"cluster_name": name, **_localities(addresses)}), authors=(key,))


def _of_service(read: Reader, at: tuple[Key, int]) -> dict[str, Any] | None:
    port = read.get(_service_port, at)
    if port is None:
        return None
    return {**_EDS, **_protocol((port.app_protocol,))}


def _service_port(read: Reader, at: tuple[Key, int]) -> ServicePort | None:
    key, number = at
    known: Known[Service] | None = read.input(key)
    return port_of(known.document, number) if known else None


def _of_backend(read: Reader, at: tuple[Key, str]) -> dict[str, Any] | None:
    key, name = at
    known: Known[Backend] | None = read.input(key)
    if known is None:
        return None
    spec = known.document.spec
    protocol = _protocol(spec.app_protocols)
    if not any(one.fqdn for one in spec.endpoints):
        return {**_EDS, **protocol}
    return {**_DNS, **protocol, "load_assignment": {"cluster_name": name, **_localities(addresses_of(known.document))}}


def _protocol(said: Iterable[str | None]) -> dict[str, Any]:
    return {"typed_extension_protocol_options": _HTTP2} if H2C & {*said} else {}


def _of_endpoints(read: Reader, key: Key) -> tuple[Address, ...]:
    known: Known[Backend] | None = read.input(key)
    return addresses_of(known.document) if known else ()


def addresses_of(backend: Backend) -> tuple[Address, ...]:
    """The endpoints of a Backend, each once."""
    return tuple(dict.fromkeys(_address(one) for one in backend.spec.endpoints))


def _address(one: BackendEndpoint) -> Address:
    if one.unix is not None:
        return one.unix.path, 0
    if one.fqdn is not None:
        return one.fqdn.hostname, one.fqdn.port
    assert one.ip is not None
    return one.ip.address, one.ip.port


def _of_slices(read: Reader, at: tuple[Key, int]) -> tuple[Address, ...]:
    """The ready addresses behind a port of a Service, sorted; slices have the port under its name."""
    port = read.get(_service_port, at)
    if port is None:
        return ()
    slices = (read.input(one) for one in read.group("slices", (at[0].namespace, at[0].name)))
    return tuple(sorted({address for one in slices if one for address in _ready(one.document, port.name)}))


def _ready(one: EndpointSlice, name: str) -> Iterator[Address]:
    numbers = [port.port for port in one.ports if port.name == name and port.protocol == "TCP" and port.port]
    for endpoint in one.endpoints:
        if endpoint.conditions.ready is not False and one.address_type != "FQDN":
            yield from ((address, number) for address in endpoint.addresses[:1] if is_ip(address) for number in numbers)


def _localities(addresses: Iterable[Address]) -> dict[str, Any]:
    listed = [{"endpoint": {"address": _socket(*one)}} for one in addresses]
    return {"endpoints": [{"lb_endpoints": listed}]} if listed else {}


def _socket(address: str, port: int) -> dict[str, Any]:
    return {"socket_address": {"address": address, "port_value": port}} if port else {"pipe": {"path": address}}

"""Listeners, as gRPC reads them: those of clients (gRFC A27) and those of servers (gRFC A36)."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address
from typing import Any, Final
from urllib.parse import unquote

from xds.codec.proxyless.flaw import Flaw, last_word, source_flaw, unpacked
from xds.codec.proxyless.route import route_flaws
from xds.codec.proxyless.tls import downstream_flaws

LISTENING: Final = "xds.resource.listening_address="
"""What the name of a server's listener has before the address, by the template that gRPC's documentation has."""
MANAGER: Final = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
FILTERS: Final = "envoy.extensions.filters.http."
ROUTER: Final = FILTERS + "router.v3.Router"
CLIENT: Final = frozenset(
    {
        ROUTER,
        FILTERS + "fault.v3.HTTPFault",
        FILTERS + "gcp_authn.v3.GcpAuthnFilterConfig",
        FILTERS + "stateful_session.v3.StatefulSession",
    }
)
SERVER: Final = frozenset({ROUTER, FILTERS + "rbac.v3.RBAC"})
"""The HTTP filters that gRPC clients know, and those that servers know."""


def listener_flaws(listener: Any) -> Iterator[Flaw]:
    """What is wrong with a Listener that gRPC asks for."""
    if LISTENING in listener.name:
        yield from _server_flaws(listener)
    elif listener.HasField("api_listener"):
        yield from _manager_flaws("api_listener.api_listener", listener.api_listener.api_listener, CLIENT)


def _server_flaws(listener: Any) -> Iterator[Flaw]:
    yield from _address_flaws(listener)
    if listener.use_original_dst.value:
        yield Flaw("use_original_dst", "is unknown to gRPC")
    chains = [(f"filter_chains[{at}]", one) for at, one in enumerate(listener.filter_chains)]
    if listener.HasField("default_filter_chain"):
        chains.append(("default_filter_chain", listener.default_filter_chain))
    if not chains:
        yield Flaw("filter_chains", "is empty")
    for field, chain in chains:
        yield from _chain_flaws(field, chain)


def _address_flaws(listener: Any) -> Iterator[Flaw]:
    """A server does not serve a listener whose address is not the one that it listens at."""
    socket = listener.address.socket_address
    named = unquote(listener.name.partition(LISTENING)[2])
    if _place(named) != _place(f"{socket.address}:{socket.port_value}"):
        given = f"{socket.address}:{socket.port_value}" if socket.address else "missing"
        yield Flaw("address.socket_address", f"is {given}, and the name says {named}")


def _place(address: str) -> tuple[str, str]:
    """(host, port), each written one way."""
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    try:
        return str(ip_address(host)), port
    except ValueError:
        return host, port


def _chain_flaws(field: str, chain: Any) -> Iterator[Flaw]:
    if len(chain.filters) != 1:
        yield Flaw(f"{field}.filters", f"must be one HttpConnectionManager, not {len(chain.filters)} filters")
    for at, one in enumerate(chain.filters):
        yield from _manager_flaws(f"{field}.filters[{at}].typed_config", one.typed_config, SERVER)
    if chain.HasField("transport_socket"):
        yield from downstream_flaws(f"{field}.transport_socket.typed_config", chain.transport_socket.typed_config)


def _manager_flaws(field: str, packed: Any, known: frozenset[str]) -> Iterator[Flaw]:
    kind, manager = unpacked(packed)
    if kind != MANAGER or manager is None:
        yield Flaw(field, f"must be an HttpConnectionManager, not {last_word(kind)}")
        return
    yield from _routes_flaws(field, manager)
    yield from _filters_flaws(f"{field}.http_filters", manager.http_filters, known)
    if manager.xff_num_trusted_hops:
        yield Flaw(f"{field}.xff_num_trusted_hops", "must be 0")
    if manager.original_ip_detection_extensions:
        yield Flaw(f"{field}.original_ip_detection_extensions", "must be empty")


def _routes_flaws(field: str, manager: Any) -> Iterator[Flaw]:
    match manager.WhichOneof("route_specifier"):
        case "rds":
            yield from source_flaw(manager.rds.config_source, f"{field}.rds.config_source")
        case "route_config":
            for flaw in route_flaws(manager.route_config):
                yield flaw._replace(field=f"{field}.route_config.{flaw.field}")
        case _:
            yield Flaw(field, "must have rds or route_config")


def _filters_flaws(field: str, filters: Any, known: frozenset[str]) -> Iterator[Flaw]:
    if not filters:
        yield Flaw(field, "is empty; the last filter must be the Router")
    names: set[str] = set()
    for at, one in enumerate(filters):
        kind, place = unpacked(one.typed_config)[0], f"{field}[{at}]"
        is_last = at == len(filters) - 1
        if one.name in names:
            yield Flaw(f"{place}.name", f"{one.name!r} is the name of an earlier filter")
        names.add(one.name)
        if not one.HasField("typed_config"):
            yield Flaw(f"{place}.typed_config", "is missing")
        elif kind not in known and not one.is_optional:
            yield Flaw(f"{place}.typed_config", _unknown(kind, known))
        elif (kind == ROUTER) is not is_last:
            yield Flaw(place, "must be the Router, as the last filter" if is_last else "the Router must be the last filter")


def _unknown(kind: str, known: frozenset[str]) -> str:
    there = ", ".join(sorted(map(last_word, known)))
    return f"is of the type {last_word(kind)}; here gRPC knows {there}, and passes over others only with is_optional"

"""Endpoints, as gRPC reads them (gRFC A27)."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address
from typing import Any

from xds.codec.proxyless.flaw import Flaw, passed_over


def endpoint_flaws(assignment: Any) -> Iterator[Flaw]:
    """What is wrong with a ClusterLoadAssignment."""
    weighted = [(f"endpoints[{at}]", one) for at, one in enumerate(assignment.endpoints)]
    for field, one in weighted:
        yield from _locality_flaws(field, one)
    counted = [(field, one) for field, one in weighted if one.load_balancing_weight.value]
    yield from _gaps(counted)
    yield from _twice(counted)
    addresses: set[tuple[str, int]] = set()
    for field, one in weighted:
        for at, endpoint in enumerate(one.lb_endpoints):
            yield from _endpoint_flaws(f"{field}.lb_endpoints[{at}]", endpoint, addresses)
    if not any(one.lb_endpoints for _, one in counted):
        yield passed_over("endpoints", "have no endpoint in a locality with a weight: every call fails")


def _locality_flaws(field: str, one: Any) -> Iterator[Flaw]:
    if not one.HasField("locality"):
        yield Flaw(f"{field}.locality", "is missing")
    if not one.load_balancing_weight.value:
        yield passed_over(f"{field}.load_balancing_weight", "is missing: a locality without a weight is left out")


def _gaps(counted: list[tuple[str, Any]]) -> Iterator[Flaw]:
    """Priorities are numbered from 0 without a gap."""
    used = {one.priority for _, one in counted}
    for field, one in counted:
        if one.priority >= len(used):
            yield Flaw(f"{field}.priority", f"is {one.priority}, but no locality has every priority below it")


def _twice(counted: list[tuple[str, Any]]) -> Iterator[Flaw]:
    seen: set[tuple[str, str, str, int]] = set()
    for field, one in counted:
        place = (one.locality.region, one.locality.zone, one.locality.sub_zone, one.priority)
        if place in seen:
            yield Flaw(f"{field}.locality", "is that of another entry with the same priority")
        seen.add(place)


def _endpoint_flaws(field: str, one: Any, addresses: set[tuple[str, int]]) -> Iterator[Flaw]:
    at = f"{field}.endpoint.address.socket_address"
    if one.HasField("load_balancing_weight") and not one.load_balancing_weight.value:
        yield Flaw(f"{field}.load_balancing_weight", "must be greater than 0")
    if one.endpoint.address.WhichOneof("address") != "socket_address":
        yield Flaw(at, "is missing")
        return
    socket = one.endpoint.address.socket_address
    if not _is_ip(socket.address):
        yield Flaw(f"{at}.address", f"must be an IP address, not {socket.address!r}")
    if not socket.port_value:
        yield passed_over(f"{at}.port_value", "is missing")
    if (socket.address, socket.port_value) in addresses:
        yield Flaw(at, f"{socket.address}:{socket.port_value} is given twice")
    addresses.add((socket.address, socket.port_value))


def _is_ip(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True

"""Addresses: where Gateways listen, and who gets a port that two of them want."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from hashlib import blake2b
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from sources.gatewayapi.gateway import gateway, gateway_verdict, gateways
from sources.gatewayapi.schema.gateway import Gateway
from sources.gatewayapi.settings import settings
from sources.graph import Reader
from xds.model import Key

HTTP, HTTPS = "HTTP", "HTTPS"
PROTOCOLS = (HTTP, HTTPS)
"""What listeners can speak here."""


def addresses(read: Reader, key: Key) -> tuple[str, ...]:
    """The addresses that a Gateway of ours listens at: its own, or one of the pool, or that of the settings.

    Empty when it is not accepted, or the pool is used up.
    """
    known = read.get(gateway, key)
    if known is None or not read.get(gateway_verdict, key).status:
        return ()
    if own := asked(known.document):
        return own
    if read.get(settings, None).address_pool is None:
        return (read.get(settings, None).bind_address,)
    lent = read.get(_lent, None).get(key)
    return (lent,) if lent else ()


def reached(read: Reader, key: Key) -> tuple[str, ...]:
    """Those of its addresses that say where it is reached: one that stands for all of a host does not."""
    return tuple(one for one in read.get(addresses, key) if not ip_address(one).is_unspecified)


def asked(document: Gateway) -> tuple[str, ...]:
    """The IP addresses that a Gateway asks for."""
    named = (one.value for one in document.spec.addresses if one.type == "IPAddress")
    return tuple(str(ip_address(value)) for value in named if value)


def owner(read: Reader, at: tuple[str, int]) -> Key | None:
    """The Gateway that has an address and port: the oldest of those that want it."""
    return read.get(_owners, None).get(at)


def _owners(read: Reader, _: None) -> Mapping[tuple[str, int], Key]:
    owners: dict[tuple[str, int], Key] = {}
    wants = read.each(_wants, read.get(gateways, None))
    for _age, key in sorted((age, key) for key, (age, _) in wants.items()):
        for at in wants[key][1]:
            owners.setdefault(at, key)
    return owners


def _wants(read: Reader, key: Key) -> tuple[tuple[str, str, str], tuple[tuple[str, int], ...]]:
    """(age, the addresses and ports that a Gateway would bind)."""
    known = read.get(gateway, key)
    if known is None:
        return ("", "", ""), ()
    ports = dict.fromkeys(one.port for one in known.document.spec.listeners if one.protocol in PROTOCOLS)
    return known.age, tuple((address, port) for address in read.get(addresses, key) for port in ports)


def _lent(read: Reader, _: None) -> Mapping[Key, str]:
    """The addresses of the pool by Gateway.

    Each Gateway takes the first free one of a sequence of its own, older Gateways first: so an address stays when
    others come and go, unless an older Gateway wants it. Addresses that somebody asks for by name are not lent.
    """
    pool = ip_network(read.get(settings, None).address_pool or "")
    wants = read.each(_own, read.get(gateways, None))
    taken = {address for _, own in wants.values() for address in own}
    lent: dict[Key, str] = {}
    for _age, key in sorted((age, key) for key, (age, own) in wants.items() if not own):
        found = next((address for address in _sequence(pool, key) if address not in taken), None)
        if found is not None:
            lent[key] = found
            taken.add(found)
    return lent


def _own(read: Reader, key: Key) -> tuple[tuple[str, str, str], tuple[str, ...]]:
    known = read.get(gateway, key)
    return (known.age, asked(known.document)) if known else (("", "", ""), ())


def _sequence(pool: IPv4Network | IPv6Network, key: Key) -> Iterator[str]:
    """Every address of a pool that a host can have, from a place on that the Gateway's name decides."""
    edge = 1 if pool.version == 4 and pool.num_addresses > 2 else 0  # the network's own and the broadcast address
    size = pool.num_addresses - 2 * edge
    name = f"{key.namespace}/{key.name}"
    start = int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), "big")
    return (str(pool[edge + (start + step) % size]) for step in range(size))

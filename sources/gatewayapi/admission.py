"""Admissions: which listeners of a Gateway are accepted, and why the others are not.

Its own certificates have no part in this: a listener whose certificate is missing is accepted, and routes attach to it.
One that cannot check its clients is not, as Gateway API has it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain

from sources.gatewayapi.address import HTTP, HTTPS, PROTOCOLS, addresses, owner
from sources.gatewayapi.authority import Authorities, authorities
from sources.gatewayapi.filter import Entrance
from sources.gatewayapi.gateway import ACCEPTED, Verdict, gateway
from sources.gatewayapi.hostname import ANY
from sources.gatewayapi.kind import HTTP_ROUTE
from sources.gatewayapi.schema.gateway import GatewaySpec, Listener, RouteGroupKind
from sources.gatewayapi.settings import settings
from sources.graph import Reader
from xds.model import Key


@dataclass(frozen=True, slots=True)
class Admission:
    """A listener, and whether it is accepted."""

    listener: Listener
    verdict: Verdict = ACCEPTED

    @property
    def accepted(self) -> bool:
        """Whether routes attach to it and it may be served."""
        return self.verdict.status

    @property
    def conflicted(self) -> bool:
        """Whether another listener of the Gateway is in its way."""
        return self.verdict.reason in ("ProtocolConflict", "HostnameConflict")

    @property
    def hostname(self) -> str:
        """The hostnames it serves; `*` for all."""
        return self.listener.hostname or ANY

    @property
    def entrance(self) -> Entrance:
        """Its port and scheme."""
        return Entrance(self.listener.port, self.listener.protocol.lower())

    @property
    def table(self) -> str:
        """The name of the RouteConfiguration that it uses: HTTP listeners of one port share one."""
        port = self.listener.port
        return f"http-{port}" if self.listener.protocol == HTTP else f"https-{port}/{self.listener.name}"

    @property
    def kinds(self) -> tuple[RouteGroupKind, ...]:
        """The kinds of routes that it allows, of those that its protocol knows."""
        if self.listener.protocol not in PROTOCOLS:
            return ()
        known = RouteGroupKind(HTTP_ROUTE.name, HTTP_ROUTE.group)
        asked = self.listener.allowed_routes.kinds
        return (known,) if not asked or known in asked else ()

    @property
    def unknown_kinds(self) -> tuple[str, ...]:
        """The kinds of routes that it allows and that its protocol does not know."""
        return tuple(one.kind for one in self.listener.allowed_routes.kinds if one not in self.kinds)


def admissions(read: Reader, key: Key) -> tuple[Admission, ...]:
    """The listeners of a Gateway of ours, in order; none when the Gateway is not accepted or has no address."""
    known = read.get(gateway, key)
    at = read.get(addresses, key)
    if known is None or not at:
        return ()
    spec = known.document.spec
    rivals = {port: _rival(read, key, [(one, port) for one in at]) for port in {one.port for one in spec.listeners}}
    return tuple(Admission(one, _judge(read, key, one, spec, rivals[one.port])) for one in spec.listeners)


def hostnames(read: Reader, key: Key) -> Mapping[int, tuple[str, ...]]:
    """The hostnames of the accepted listeners of a Gateway, by port."""
    found: dict[int, tuple[str, ...]] = {}
    for one in read.get(admissions, key):
        if one.accepted:
            found[one.listener.port] = (*found.get(one.listener.port, ()), one.hostname)
    return found


def _rival(read: Reader, key: Key, places: Iterable[tuple[str, int]]) -> tuple[Key, str] | None:
    """The older Gateway that has one of these places, and the address; where they share a network."""
    if not read.get(settings, None).one_network:
        return None
    owners = ((read.get(owner, place), place[0]) for place in places)
    return next(((other, address) for other, address in owners if other is not None and other != key), None)


def _judge(read: Reader, key: Key, listener: Listener, spec: GatewaySpec, rival: tuple[Key, str] | None) -> Verdict:
    clients = read.get(authorities, (key, listener.port)) if listener.protocol == HTTPS else None
    return next(chain(_faults(listener, spec, rival), _unchecked(clients)), ACCEPTED)


def _unchecked(clients: Authorities | None) -> Iterator[Verdict]:
    if clients is not None and not clients.name:
        message = f"its clients cannot be checked, so it stays closed: {clients.verdict.message}"
        yield Verdict(False, "NoValidCACertificate", message)


def _faults(listener: Listener, spec: GatewaySpec, rival: tuple[Key, str] | None) -> Iterator[Verdict]:
    if listener.protocol not in PROTOCOLS:
        message = f"protocol {listener.protocol} is not supported; write {' or '.join(PROTOCOLS)}"
        yield Verdict(False, "UnsupportedProtocol", message)
    yield from _conflicts(listener, spec)
    yield from _unsupported(listener)
    if rival is not None:
        message = (
            f"{rival[0]}, which came first, listens at {rival[1]} port {listener.port} already;"
            " give this Gateway an address of its own in spec.addresses, or this listener another port"
        )
        yield Verdict(False, "PortUnavailable", message)


def _conflicts(listener: Listener, spec: GatewaySpec) -> Iterator[Verdict]:
    """No listener wins a conflict: all that are in it are refused, as Gateway API has it."""
    others = [one for one in spec.listeners if one.port == listener.port and one is not listener]
    for other in others:
        if other.protocol != listener.protocol and other.protocol in PROTOCOLS:
            theirs = f"listener {other.name} speaks {other.protocol} on port {listener.port}"
            message = f"{theirs}, and this one {listener.protocol}; give one of them another port"
            yield Verdict(False, "ProtocolConflict", message)
    for other in others:
        if (other.hostname or ANY) == (listener.hostname or ANY) and other.protocol == listener.protocol:
            hostname = listener.hostname or "every hostname"
            message = f"listener {other.name} has {hostname} on port {listener.port} too; change one of them"
            yield Verdict(False, "HostnameConflict", message)


def _unsupported(listener: Listener) -> Iterator[Verdict]:
    if listener.tls and listener.tls.options:
        options = ", ".join(sorted(listener.tls.options))
        yield Verdict(False, "UnsupportedValue", f"tls.options are not supported yet: {options}")

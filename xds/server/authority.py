"""Authority: who may ask for what. Decided before anything of a group is read, and once for each stream."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from ipaddress import ip_address
from typing import Annotated, Final, Literal, TypeAlias

import anyio
from msgspec import Meta, Struct

from xds.model import Authenticator, Node, Principal, ProtocolError
from xds.model.type_url import SHORT_TYPES

log = logging.getLogger(__name__)

PATIENCE: Final = 10.0
"""Seconds that an authenticator may take."""

LOCAL: Final = Principal(("local",), proved=False)
"""A caller on this machine who proves nothing."""
ANONYMOUS: Final = Principal(("anonymous",), proved=False)
"""A caller from elsewhere who proves nothing."""
UNPROVED: Final = frozenset((*LOCAL.names, *ANONYMOUS.names))

ANY: Final = ("*",)
ShortType: TypeAlias = Literal["cds", "eds", "sds", "lds", "rds", "srds", "vhds", "ecds", "rtds", "leds"]


def is_loopback(host: str) -> bool:
    """Whether this address, or `localhost`, can be reached from this machine only."""
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return host == "localhost"
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who opened a stream, before a word of it is read: from where, with which metadata (lower-case names), and
    who the certificate says it is, which was checked when the connection was made.
    """

    host: str
    port: int
    metadata: Mapping[str, str]
    certified: Principal | None = None

    @property
    def is_local(self) -> bool:
        """Whether the caller is on this machine."""
        return is_loopback(self.host)

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


class Rule(Struct, frozen=True, forbid_unknown_fields=True):
    """Whoever has a name like one in `who` may ask for the groups, as the nodes, for the types.

    Names, groups and node ids are patterns as in a shell: `*` is any text, with slashes and dots. Two names are words, and
    no pattern fits them: `local` is whoever proves nothing and is on this machine, `anonymous` whoever proves nothing and
    is not. Types are short; without them, all may be asked for.
    """

    who: Annotated[tuple[str, ...], Meta(min_length=1)]
    groups: tuple[str, ...] = ANY
    nodes: tuple[str, ...] = ANY
    types: tuple[ShortType, ...] | None = None

    def names(self, principal: Principal) -> bool:
        """Whether this principal is among those of whom the rule speaks."""
        patterns = [one for one in self.who if (one in UNPROVED) is not principal.proved]
        return any(_is_like(name, patterns) for name in principal.names)

    def lets(self, principal: Principal, node: Node, group: str) -> bool:
        """Whether the rule lets this principal ask anything for this group, as this node."""
        return self.names(principal) and _is_like(group, self.groups) and _is_like(node.id, self.nodes)


@dataclass(frozen=True, slots=True)
class Grant:
    """What a stream may ask for: these type URLs, or all where it is None."""

    types: frozenset[str] | None = None

    def covers(self, type_url: str) -> bool:
        """Whether this type may be asked for."""
        return self.types is None or type_url in self.types


EVERYTHING: Final = Grant()
"""For those whose rule names no types."""


DEFAULT: Final = (Rule(who=("*", *LOCAL.names)),)
"""Without rules of their own, those who prove who they are may ask for everything, and so may whoever is on this machine:
the port is loopback's unless somebody chose another, and what runs here is trusted with what is served here."""


class Authority:
    """Who may ask for what: whoever a rule lets. Authenticators are asked in their order, before certificates count."""

    def __init__(self, rules: Iterable[Rule] = DEFAULT, authenticators: Iterable[Authenticator] = ()) -> None:
        self._rules, self._authenticators = tuple(rules), tuple(authenticators)

    def lets_in(self, principal: Principal) -> bool:
        """Whether there is any rule for this principal."""
        return any(rule.names(principal) for rule in self._rules)

    async def authenticate(self, caller: Caller) -> Principal:
        """Who calls. Raises ProtocolError, UNAUTHENTICATED for a caller that proves nothing where no rule speaks of those,
        and UNAVAILABLE when it cannot be found out now.
        """
        for one in self._authenticators:
            if (principal := await _asked(one, caller)) is not None:
                return principal
        principal = caller.certified or (LOCAL if caller.is_local else ANONYMOUS)
        if not principal.proved and not self.lets_in(principal):
            raise ProtocolError("neither a certificate nor a token says who you are", code="UNAUTHENTICATED")
        return principal

    def authorize(self, principal: Principal, node: Node, group: str) -> Grant:
        """What this principal may ask for, for this group and as this node.

        Raises ProtocolError, PERMISSION_DENIED, when that is nothing.
        """
        granted = [rule.types for rule in self._rules if rule.lets(principal, node, group)]
        if not granted:
            raise ProtocolError(f"{principal} may not ask for the node group {group!r}", code="PERMISSION_DENIED")
        if None in granted:
            return EVERYTHING
        return Grant(frozenset(SHORT_TYPES[short] for types in granted for short in types or ()))


async def _asked(one: Authenticator, caller: Caller) -> Principal | None:
    """What an authenticator says. It is a stranger's code: what it raises is told here, and not to the caller."""
    try:
        with anyio.fail_after(PATIENCE):
            return await one.authenticate(caller.metadata, caller.certified)
    except Exception as error:
        log.error("%s: who it is could not be found out: %s: %s", caller, type(error).__name__, error)  # noqa: TRY400
        raise ProtocolError("who you are cannot be found out now: try again", code="UNAVAILABLE") from error


def _is_like(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


OPEN: Final = Authority()

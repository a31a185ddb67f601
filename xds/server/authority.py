"""Authority: who may ask for what. Decided before anything of a group is read, and once for each stream."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from ipaddress import ip_address
from typing import Final

import anyio

from xds.model import Authenticator, Node, Principal, ProtocolError
from xds.model.type_url import SHORT_TYPES

log = logging.getLogger(__name__)

PATIENCE: Final = 10.0
"""Seconds that an authenticator may take."""

ANY: Final = ("*",)


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
        try:
            return ip_address(self.host.partition("%")[0]).is_loopback
        except ValueError:
            return False

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Rule:
    """Whoever has a name like one in `who` may ask for the groups, as the nodes, for the types.

    All but the types are patterns as in a shell: `*` is any text, with slashes and dots. Types are short (`sds`); none at
    all are all types.
    """

    who: tuple[str, ...]
    groups: tuple[str, ...] = ANY
    nodes: tuple[str, ...] = ANY
    types: tuple[str, ...] = ()

    def speaks_of(self, principal: Principal, node: Node, group: str) -> bool:
        """Whether the rule lets this principal ask anything for this group, as this node."""
        named = any(_is_like(name, self.who) for name in principal.names)
        return named and _is_like(group, self.groups) and _is_like(node.id, self.nodes)


@dataclass(frozen=True, slots=True)
class Grant:
    """What a stream may ask for: these type URLs, or all where it is None."""

    types: frozenset[str] | None = None

    def covers(self, type_url: str) -> bool:
        """Whether this type may be asked for."""
        return self.types is None or type_url in self.types


EVERYTHING: Final = Grant()
"""For whom no rule speaks of types."""


class Authority:
    """Who may ask for what.

    Where nothing is said of that, a caller on this machine may ask for everything: the port is loopback's unless somebody
    chose another address, and what runs here is trusted with what is served here. A caller from elsewhere needs a
    certificate, or a token that an authenticator knows. With rules or authenticators every caller needs one; with rules,
    also one that lets it in.
    """

    def __init__(self, rules: Iterable[Rule] | None = None, authenticators: Iterable[Authenticator] = ()) -> None:
        self._rules = None if rules is None else tuple(rules)
        self._authenticators = tuple(authenticators)
        self._trusts_here = rules is None and not self._authenticators

    async def authenticate(self, caller: Caller) -> Principal | None:
        """Who calls; None for somebody on this machine, where nobody needs to be anybody.

        Raises ProtocolError, UNAUTHENTICATED for a caller that proves nothing and UNAVAILABLE when that cannot be found
        out now.
        """
        for one in self._authenticators:
            if (principal := await _asked(one, caller)) is not None:
                return principal
        if caller.certified is None and not (self._trusts_here and caller.is_local):
            raise ProtocolError("neither a certificate nor a token says who you are", code="UNAUTHENTICATED")
        return caller.certified

    def authorize(self, principal: Principal | None, node: Node, group: str) -> Grant:
        """What this principal may ask for, for this group and as this node.

        Raises ProtocolError, PERMISSION_DENIED, when that is nothing.
        """
        if self._rules is None or principal is None:
            return EVERYTHING
        spoken = [rule for rule in self._rules if rule.speaks_of(principal, node, group)]
        if not spoken:
            raise ProtocolError(f"{principal} may not ask for the node group {group!r}", code="PERMISSION_DENIED")
        if not all(rule.types for rule in spoken):
            return EVERYTHING
        return Grant(frozenset(SHORT_TYPES[short] for rule in spoken for short in rule.types))


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

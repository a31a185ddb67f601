"""Offers: responses that may still be answered."""

from __future__ import annotations

from msgspec import Struct

from xds.model import NO_RESOURCES, Resource, Resources


class Offer(Struct, frozen=True):
    """What a response changes at the client, when it went out (seconds), and `source`, all there was of the type then.

    `whole` is all that the client has when it takes the offer; None where that is to be worked out. `owed` are the names
    that were to be said whatever their version. It is `lasting` when it is known that nothing in it has a TTL.

    `unknown` are the names that do not exist and never did for this client: each is among the removals, or has a
    stand-in among the upserts. A `heartbeat` changes nothing.
    """

    nonce: str
    upserts: tuple[Resource, ...]
    removals: tuple[str, ...]
    unknown: frozenset[str] = frozenset()
    since: float = 0.0
    version: str = ""
    heartbeat: bool = False
    source: Resources = NO_RESOURCES
    whole: Resources | None = None
    owed: frozenset[str] = frozenset()
    lasting: bool = False

    @property
    def content(self) -> frozenset[tuple[str, str]]:
        """What the offer says, whatever its nonce: (name, version), the version empty for a removal."""
        return frozenset([(one.name, one.version) for one in self.upserts] + [(name, "") for name in self.removals])

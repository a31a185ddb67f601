"""Offers: responses that may still be answered."""

from __future__ import annotations

from dataclasses import dataclass, field

from xds.model import NO_RESOURCES, Resource, Resources


@dataclass(frozen=True, slots=True)
class Offer:
    """What a response changes at the client, when it went out (seconds), and `source`, all there was of the type then.

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
    source: Resources = field(default_factory=lambda: NO_RESOURCES, compare=False, repr=False)

    @property
    def content(self) -> frozenset[tuple[str, str]]:
        """What the offer says, whatever its nonce: (name, version), the version empty for a removal."""
        return frozenset([(one.name, one.version) for one in self.upserts] + [(name, "") for name in self.removals])

"""The pulse: when a client has to hear of what has a time to live (TTL), so that it does not let go of it.

https://www.envoyproxy.io/docs/envoy/latest/api-docs/xds_protocol ("TTL")
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import inf
from typing import Final

from xds.model import Resource

DUE: Final = 1 / 3
"""The part of its TTL after which a resource is to be heard of again."""
JOINS: Final = 1 / 6
"""The part of its TTL after which a resource is heard of again when another one is due."""


class Pulse:
    """When a client last heard of each resource that has a TTL (seconds); of others nothing is known here."""

    __slots__ = ("_heard",)

    def __init__(self) -> None:
        self._heard: dict[str, float] = {}

    def __bool__(self) -> bool:
        return bool(self._heard)

    def hear(self, resources: Iterable[Resource], at: float) -> None:
        """The client hears of these at this time."""
        for one in resources:
            if one.ttl is not None:
                self._heard[one.name] = at
            elif self._heard:
                self._heard.pop(one.name, None)

    def due_at(self, held: Mapping[str, Resource]) -> float:
        """When something of what the client holds is to be heard of again; infinity for never."""
        self._heard = {name: at for name, at in self._heard.items() if name in held}
        return min((at + (held[name].ttl or 0.0) * DUE for name, at in self._heard.items()), default=inf)

    def due(self, held: Mapping[str, Resource], now: float) -> tuple[Resource, ...]:
        """All that is to be heard of now, and what may as well be, being late in its TTL."""
        if not self._heard or self.due_at(held) > now:
            return ()
        return tuple(held[name] for name, at in self._heard.items() if at + (held[name].ttl or 0.0) * JOINS <= now)

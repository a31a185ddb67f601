"""Changes: what stands between two lists of resources, worked out once for all who go from one to the other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from xds.model.resource import Resource


class Change:
    """What of a list is new to who has another: `upserts` by name, and the names that are gone, sorted as `removals`. It is
    `lasting` when nothing in it has a TTL.

    Never changed once it is made. In `made` others keep what they make of it, and of nothing else, so that it is made once.
    """

    __slots__ = ("lasting", "listed", "made", "removals", "size", "upserts")

    def __init__(self, upserts: Mapping[str, Resource], removals: tuple[str, ...]) -> None:
        self.upserts, self.removals = upserts, removals
        self.listed = tuple(upserts.values())
        self.size = sum(one.size for one in self.listed)
        self.lasting = all(one.ttl is None for one in self.listed)
        self.made: dict[Any, Any] = {}

    def __bool__(self) -> bool:
        return bool(self.upserts or self.removals)

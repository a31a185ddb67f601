"""Drafts: responses in the making. A draft starts as all that a client wants, and is cut down to what it may be told now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from itertools import accumulate, takewhile

from xds.model import Resource


@dataclass(slots=True)
class Draft:
    """`held` is what the client has, `wanted` what it wants; `visible` is all that it is to have after this response, `news`
    what it lacks of that, or is `owed` all the same; `removals` is what it is to lose, or to hear that it does not exist.
    `unknown` are the names that do not exist and never did for this client: of what is said of them, see Offer. `late` are
    the names that are left as the client has them, for another response, and `waits` tells whether any of those waits for
    what another type says.
    """

    held: Mapping[str, Resource]
    wanted: Mapping[str, Resource]
    visible: Mapping[str, Resource]
    news: dict[str, Resource]
    owed: AbstractSet[str]
    unknown: set[str] = field(default_factory=set)
    removals: set[str] = field(default_factory=set)
    late: set[str] = field(default_factory=set)
    waits: bool = False

    def content(self) -> tuple[tuple[Resource, ...], tuple[str, ...], frozenset[str]]:
        """What the response says: the upserts, removals and unknown names of an Offer."""
        unknown = frozenset(name for name in self.unknown if name in self.news or name in self.removals)
        return tuple(self.news.values()), tuple(sorted(self.removals)), unknown

    def going(self) -> set[str]:
        """What the client has and is not to have any more."""
        return self.held.keys() - self.visible.keys()

    def wait(self, names: set[str]) -> None:
        """Leaves these until something else is in force, or gone."""
        self.waits = self.waits or bool(names)
        self.leave(names)

    def leave(self, names: Iterable[str]) -> None:
        """Leaves these as the client has them."""
        left = set(names)
        if not left:
            return
        visible = {name: one for name, one in self.visible.items() if name not in left}
        self.visible = visible | {name: self.held[name] for name in left if name in self.held}
        self.news = {name: one for name, one in self.news.items() if name not in left}
        self.removals -= left
        self.late |= left

    def fit(self, room: int) -> None:
        """Leaves what is beyond this many bytes, though never everything: news first, then removals."""
        sizes = [one.size for one in self.news.values()]
        many = fitting(sizes, room)
        removals = sorted(self.removals)
        few = fitting([len(name) + 4 for name in removals], room - sum(sizes), least=0 if self.news else 1)
        self.leave([*list(self.news)[many:], *removals[few:]])


def fitting(sizes: Iterable[int], room: int, *, least: int = 1) -> int:
    """How many of these fit one after the other, though at least so many."""
    return max(least, sum(1 for _ in takewhile(lambda total: total <= room, accumulate(sizes))))

"""Trials: which of several resources a refusal means, when its words name none."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from xds.model import Resource


class Trial:
    """The search for those to blame: what was refused together is offered apart, one half after the other, until a half
    passes or one resource stands alone. It finds k culprits among n suspects in at most about 2 k log2(n) responses, and
    none where only the combination was at fault.
    """

    __slots__ = ("_groups",)

    def __init__(self) -> None:
        self._groups: list[Sequence[Resource]] = []

    def __bool__(self) -> bool:
        return bool(self._groups)

    def divide(self, suspects: Sequence[Resource]) -> None:
        """These, at least two, were refused together: each half of them stands trial next."""
        middle = len(suspects) // 2
        self._groups += [suspects[middle:], suspects[:middle]]

    def tried(self, offered: Iterable[Resource]) -> None:
        """These were offered and answered."""
        names = {one.name for one in offered}
        self._sift(lambda one: one.name not in names)

    def held_back(self, wanted: Mapping[str, Resource], news: Mapping[str, Resource]) -> set[str]:
        """Which of the news are not to be offered now: all but the group that stands trial. A suspect that nobody wants any
        more as it was is none; where no suspect may go out yet, nothing is held back.
        """
        self._sift(lambda one: wanted.get(one.name) == one)
        for group in reversed(self._groups):
            if on_trial := {one.name for one in group if one.name in news}:
                return news.keys() - on_trial
        return set()

    def _sift(self, stays: Callable[[Resource], bool]) -> None:
        sifted = (tuple(filter(stays, group)) for group in self._groups)
        self._groups = [group for group in sifted if group]

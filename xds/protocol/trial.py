"""Trials: which of several resources a refusal means, when its words name none."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

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

    def held_back(self, unsettled: Mapping[str, Resource], news: Collection[str]) -> set[str]:
        """Which of these news are not to be offered now: all but the group that stands trial. Where no suspect may go out
        yet, none. `unsettled` is what the client wants and neither has nor refused by itself: what is no longer, or is
        another version by now, is no suspect any more.
        """
        sifted = (tuple(one for one in group if unsettled.get(one.name) == one) for group in self._groups)
        self._groups = [group for group in sifted if group]
        for group in reversed(self._groups):
            if on_trial := {one.name for one in group if one.name in news}:
                return set(news) - on_trial
        return set()

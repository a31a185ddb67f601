"""Sinks for load reports: one that keeps them, one that always fails."""

from __future__ import annotations

from dataclasses import dataclass, field

from xds.model import Load, LocalityLoad


@dataclass
class Kept:
    """Keeps every report."""

    loads: list[Load] = field(default_factory=list)

    async def take(self, load: Load) -> None:
        self.loads.append(load)

    def total(self, cluster: str) -> tuple[int, int]:
        """(succeeded, failed) of one cluster in all reports."""
        found = self._of(cluster)
        return sum(one.succeeded for one in found), sum(one.failed for one in found)

    def localities(self, cluster: str) -> set[tuple[str, str, str]]:
        """The localities of one cluster in all reports."""
        return {one.locality for one in self._of(cluster)}

    def _of(self, cluster: str) -> list[LocalityLoad]:
        return [place for load in self.loads for one in load.clusters if one.cluster == cluster for place in one.localities]


class Broken:
    """Takes nothing."""

    async def take(self, load: Load) -> None:
        raise OSError("the disk is full")

"""The outage: what keeps the API server from being followed, told once however much of it is concerned."""

from __future__ import annotations

import logging
from collections.abc import Hashable

log = logging.getLogger(__name__)


class Outage:
    """Told who fails and who works again; says in the log when the first does, and when nobody fails any more."""

    def __init__(self, server: str) -> None:
        self._server = server
        self._failing: set[Hashable] = set()

    def begin(self, who: Hashable, error: Exception, level: int = logging.WARNING) -> None:
        """This one fails."""
        level = logging.DEBUG if self._failing else level
        log.log(level, "%s; what was read of the cluster stays in force, and it is tried again until it works", error)
        self._failing.add(who)

    def end(self, who: Hashable) -> None:
        """This one works, or is no longer tried."""
        if who in self._failing:
            self._failing.discard(who)
            if not self._failing:
                log.info("%s answers again: the cluster is followed", self._server)

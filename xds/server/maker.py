"""The maker: asks the on-demand hooks for what proxies want and nobody configured."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

import anyio

from xds.model import OnDemand, Resource
from xds.model.type_url import short_type
from xds.server.background import background
from xds.server.demand import Demand
from xds.server.fleet import Fleet

log = logging.getLogger(__name__)

PATIENCE: Final = 10.0
"""Seconds that one hook may take for one name."""
CALLS: Final = 16
"""Hooks that are asked at once."""
LINGER: Final = 60.0
"""Seconds between one look for what was made and nobody wants any more, and the next."""

Made = tuple[Resource, ...]


class Maker:
    """Fulfils the demands of a fleet while it runs.

    Of several hooks for a type the first that makes something counts. A hook that takes too long made nothing; one that
    raises is a line in the log, and what it was asked for is unavailable.
    """

    def __init__(
        self, hooks: Sequence[OnDemand], fleet: Fleet, *, patience: float = PATIENCE, linger: float = LINGER
    ) -> None:
        self._hooks, self._fleet = hooks, fleet
        self._patience, self._linger = patience, linger
        self._calls = 0

    @property
    def types(self) -> frozenset[str]:
        """The type URLs that any hook makes."""
        return frozenset[str]().union(*(hook.types for hook in self._hooks))

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """Works inside the `async with`; what is raised there comes out as it is."""
        async with background() as tasks:
            tasks.start_soon(self.run)
            yield

    async def run(self) -> None:
        """Runs until cancelled."""
        demands = self._fleet.demands
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._tidy)
            while True:
                while self._calls < CALLS and (demand := demands.take()) is not None:
                    self._calls += 1
                    tasks.start_soon(self._fulfil, demand)
                await demands.news.wait()

    async def _fulfil(self, demand: Demand) -> None:
        made, reason = await self._make(demand)
        self._calls -= 1
        self._fleet.fulfil(demand, made, reason)

    async def _make(self, demand: Demand) -> tuple[Made, str]:
        """What the hooks make of a demand, and why that is nothing where it may be something another time."""
        for hook in self._hooks:
            if demand.type_url not in hook.types:
                continue
            try:
                made = await self._ask(hook, demand)
            except Exception as error:  # noqa: BLE001  whatever a stranger's code raises concerns this one name
                log.warning("%s: %s failed: %s: %s", _what(demand), type(hook).__name__, type(error).__name__, error)
                return (), "it could not be made, try again later"
            if made:
                return made, ""
        return (), ""

    async def _ask(self, hook: OnDemand, demand: Demand) -> Made:
        with anyio.move_on_after(self._patience) as scope:
            made = await hook.make(demand.group, demand.type_url, demand.name)
        if scope.cancelled_caught:
            log.warning("%s: %s did not answer in %g s", _what(demand), type(hook).__name__, self._patience)
            return ()
        resources = (made,) if isinstance(made, Resource) else tuple(made or ())
        if not all(isinstance(one, Resource) for one in resources):
            raise TypeError(f"it made {made!r}, which are no Resources")
        return resources

    async def _tidy(self) -> None:
        while True:
            await anyio.sleep(self._linger)
            await self._fleet.tidy()


def _what(demand: Demand) -> str:
    return f"{demand.group}: {short_type(demand.type_url)} {demand.name!r} on demand"

"""The host runner: an Envoy on this host for every node group."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from itertools import count
from typing import ClassVar, Final

import anyio
from anyio.abc import TaskGroup

from providers.host import binary, directory, orphan
from providers.host.admin import POLL
from providers.host.keeper import Keeper
from providers.host.launch import Launch
from providers.host.listen import taken
from providers.host.orphan import Orphan
from providers.host.settings import Settings as HostSettings
from providers.host.state import Phase, State
from xds.model import NodeGroup

LOG: Final = logging.getLogger(__name__)


class HostRunner:
    """Runs one Envoy on this host for every node group; a ProxyRunner.

    An Envoy that dies is started again. One whose group is gone is drained: its connections may go on for
    `drain_seconds`. A control plane that is killed leaves its Envoys running; the next one at its address replaces them,
    each when its own Envoy of the group is live.
    """

    Settings: ClassVar = HostSettings

    def __init__(self, settings: HostSettings) -> None:
        self._settings = settings
        self._wanted: dict[str, NodeGroup] | None = None
        self._keepers: list[Keeper] = []
        self._orphans: list[Orphan] = []
        self._running: tuple[Launch, TaskGroup] | None = None
        self._serial = count(1)

    async def check(self) -> str:
        """The version of the Envoy that `run` would start. Raises ConfigError when there is none that can be started."""
        return (await binary.find(self._settings.envoy_path)).version

    async def run(self, xds_address: tuple[str, int]) -> None:
        """Keeps an Envoy alive for every group of the last `reconcile`, until cancelled; then drains and ends them all.

        Raises ConfigError when there is no Envoy that can be started.
        """
        envoy = await binary.find(self._settings.envoy_path)
        LOG.debug("%s is Envoy %s", envoy.path, envoy.version)
        home = await directory.prepare(xds_address)
        try:
            await self._run(Launch(envoy.path, self._settings, xds_address, home))
        finally:
            with anyio.CancelScope(shield=True):
                await directory.end_orphans(home.parent)
                await directory.remove(home.parent)

    async def _run(self, launch: Launch) -> None:
        self._orphans = await orphan.find(launch.directory)
        async with anyio.create_task_group() as tasks:
            self._running = launch, tasks
            for one in self._orphans:
                tasks.start_soon(self._replace, one)
            try:
                self._adjust()
                await anyio.sleep_forever()
            finally:
                self._running = None

    async def reconcile(self, groups: Collection[NodeGroup]) -> None:
        """Makes the running Envoys match: one for each group, none for others. Returns at once. Before `run`, remembers."""
        self._wanted = {group.name: group for group in groups}
        self._adjust()

    def hurry(self) -> None:
        """Ends the drains that are under way, and lets no other begin."""
        for keeper in self._keepers:
            keeper.hurry()

    def proxies(self) -> Mapping[str, State]:
        """The Envoy of each group, by the group's name; of two, one draining, the newer."""
        return {keeper.group.name: keeper.state for keeper in self._keepers}

    async def _replace(self, one: Orphan) -> None:
        """Lets an orphan serve on until its group has an Envoy of ours, or is wanted no more."""
        while not self._is_replaced(one):  # noqa: ASYNC110  the Envoy that takes its place can only be asked
            await anyio.sleep(POLL)
        await one.retire(self._settings.drain_seconds)
        self._orphans = [other for other in self._orphans if other is not one]
        LOG.debug("%s: the Envoy of an earlier life has ended", one.group)

    def _is_replaced(self, one: Orphan) -> bool:
        if self._wanted is None:
            return False
        successor = self.proxies().get(one.group)
        return one.group not in self._wanted or (successor is not None and successor.phase is Phase.LIVE)

    def _adjust(self) -> None:
        if self._running is None or self._wanted is None:
            return
        kept = {keeper.group.name: keeper for keeper in self._keepers if not keeper.stopped}
        for name, keeper in kept.items():
            if name in self._wanted:
                keeper.group = self._wanted[name]
            else:
                keeper.stop()
        for name, group in self._wanted.items():
            if name not in kept:
                self._start(group, *self._running)

    def _start(self, group: NodeGroup, launch: Launch, tasks: TaskGroup) -> None:
        self._warn_of_taken(group)
        keeper = Keeper(group, launch, launch.directory / str(next(self._serial)))
        self._keepers.append(keeper)
        tasks.start_soon(self._keep, keeper)

    async def _keep(self, keeper: Keeper) -> None:
        try:
            await keeper.keep()
        finally:
            self._keepers.remove(keeper)

    def _warn_of_taken(self, group: NodeGroup) -> None:
        """Tells of sockets that somebody else has; the Envoys of this runner may hand them on to one another."""
        ours = {(one.address, one.port) for keeper in self._keepers for one in keeper.group.listens}
        ours = ours.union(*(one.sockets for one in self._orphans))
        for one, why in taken(one for one in group.listens if (one.address, one.port) not in ours).items():
            LOG.error("%s: cannot open %s:%d: %s", group.name, one.address, one.port, why)

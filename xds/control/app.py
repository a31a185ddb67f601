"""The composition root: everything is made here, started in order, and ended in the reverse."""

from __future__ import annotations

import logging
import signal as signals
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import anyio

from xds.codec.descriptors import pool
from xds.control import logs
from xds.control.access import authority_of
from xds.control.banner import banner, line
from xds.control.companion import companions as running
from xds.control.heap import growing
from xds.control.narrator import Narrator
from xds.control.pipeline import Pipeline, hosted
from xds.control.settings import Settings
from xds.control.translator import Translator
from xds.model import (
    Diagnostic,
    Key,
    Node,
    NodeGroup,
    Proxy,
    ProxyRunner,
    Refusal,
    Snapshot,
    Status,
)
from xds.server.admin import serve_admin
from xds.server.authority import EVERYTHING
from xds.server.family import Family
from xds.server.fleet import Fleet, Told
from xds.server.grouping import by_cluster, defaulting
from xds.server.report import Reports
from xds.server.signal import Signal
from xds.server.xds_server import XdsServer

log = logging.getLogger("legation")

FIRST_PARDON, LONGEST_PARDON = 5.0, 60.0
"""Seconds between one offer of what was refused for want of a port, and the next."""
CANNOT_BIND: Final = "cannot bind"
"""Envoy's words for a listener whose port is taken."""
PATIENCE: Final = 15.0
"""Seconds to wait for the proxies before telling what there is without them."""

try:
    import uvloop  # noqa: F401  anyio takes it by name
except ImportError:  # not every platform has it; the loop of the standard library does the same, slower
    BACKEND: dict[str, Any] = {}
else:
    BACKEND = {"use_uvloop": True}


@dataclass(frozen=True, slots=True)
class LivePlane:
    """The running control plane, as the admin service asks for it."""

    pipeline: Pipeline
    fleet: Fleet

    def missing(self) -> Sequence[str]:
        """The providers that have not listed, and the first publication."""
        waiting = [f"the provider {name}" for name in self.pipeline.waiting_for()]
        return waiting or ([] if self.pipeline.published else ["the first snapshot"])

    def groups(self) -> Mapping[str, NodeGroup]:
        """The node groups of the newest translation."""
        return self.pipeline.readings.value.translation.groups

    def snapshots(self) -> Mapping[str, Snapshot]:
        """What is served."""
        return self.fleet.snapshots()

    async def proxies(self) -> Sequence[Proxy]:
        """The open streams, by group and node."""
        return sorted(await self.fleet.proxies(), key=lambda proxy: (proxy.group, proxy.node.id, proxy.since))

    def streams(self) -> Mapping[tuple[str, str], int]:
        """How many streams are open in this process."""
        return self.fleet.tally()

    async def measured(self) -> Sequence[Family]:
        """What the workers measured."""
        return await self.fleet.measured()

    def deliveries(self, wanted: Callable[[Node], bool]) -> AsyncIterator[Told]:
        """How far each resource has come at each of these proxies."""
        return self.fleet.deliveries(lambda node, _: EVERYTHING if wanted(node) else None)

    def refusals(self) -> Sequence[Refusal]:
        """What is refused and still asked for."""
        return list(self.fleet.refusals())

    def statuses(self) -> Mapping[Key, Status]:
        """How every object stands now."""
        return self.pipeline.standing.look()

    def diagnostics(self) -> Sequence[Diagnostic]:
        """All that is wrong with what was written."""
        return self.pipeline.readings.value.diagnostics


def run(settings: Settings, *, companions: Sequence[str] = ()) -> None:
    """Runs the control plane until SIGINT, SIGTERM or SIGHUP. Raises ConfigError when it cannot start."""
    logs.set_up(settings.log)
    pool()  # read before the loop runs: nothing there waits for a file
    anyio.run(main, settings, companions, backend_options=BACKEND)


async def main(settings: Settings, companions: Sequence[str] = ()) -> None:
    """The control plane, until a signal; a second signal ends drains at once."""
    runner = settings.runner.make() if settings.runner else None
    async with running(companions), anyio.create_task_group() as tasks:
        stop = anyio.Event()
        tasks.start_soon(_await_signals, stop, runner)
        async with plane(settings, runner):
            await stop.wait()
        tasks.cancel_scope.cancel()


@asynccontextmanager
async def plane(settings: Settings, runner: ProxyRunner | None) -> AsyncIterator[LivePlane]:
    """A control plane that is up inside the `async with`. Proxies are drained while they are still served."""
    translator = Translator([one.make() for one in settings.sources], [one.make() for one in settings.hooks])
    server = _server(settings)
    fleet, metrics = server.fleet, server.metrics
    providers = {one.name: one.make() for one in settings.providers}
    pipeline = Pipeline(providers, translator, fleet, metrics, settings.consistency)
    made = LivePlane(pipeline, fleet)
    metrics.observe(made)
    async with (
        serve_admin(made, metrics, settings.admin.address, settings.admin.port) as admin,
        server.serve(settings.xds.address, settings.xds.port) as xds,
        server.serve_rest(settings.rest.address, settings.rest.port) if settings.rest else nullcontext(),
        anyio.create_task_group() as tasks,
    ):
        tasks.start_soon(Narrator(pipeline, fleet).run)
        tasks.start_soon(pipeline.run, runner)
        tasks.start_soon(_pardon, fleet)
        show = partial(banner if settings.log.format == "text" else line, made, xds, admin)
        tasks.start_soon(_introduce, made, show, runner is not None)
        async with anyio.create_task_group() as proxies:
            if runner is not None:
                proxies.start_soon(runner.run, xds)
            yield made
            log.info("stopping%s", ": draining the proxies; Ctrl-C again ends them at once" if runner else "")
            proxies.cancel_scope.cancel()
        tasks.cancel_scope.cancel()


def _server(settings: Settings) -> XdsServer:
    grouping = by_cluster if settings.grouping is None else settings.grouping.make().group
    on_demand = [one.make() for one in settings.on_demand]
    return XdsServer(
        grouping=defaulting(grouping, settings.default_group),
        authority=authority_of(settings),
        on_demand=on_demand,
        reports=_reports(settings),
        transport=settings.xds,
    )


def _reports(settings: Settings) -> Reports:
    sinks = tuple(one.make() for one in settings.load_sinks)
    return Reports(settings.reports.client_status, settings.reports.load_interval, sinks)


async def _introduce(made: LivePlane, show: Callable[[], None], with_proxies: bool) -> None:  # noqa: FBT001
    """Shows where everything is when everything is served, and where this replica runs proxies when they have it."""
    signal, leads = Signal(), made.pipeline.office.leads
    made.pipeline.readings.follow(signal)
    made.fleet.settled.follow(signal)
    leads.follow(signal)
    with growing(), anyio.move_on_after(PATIENCE):
        while made.missing():
            await signal.wait()
    with anyio.move_on_after(PATIENCE):
        while with_proxies and leads.value is not False and not _are_live(made):
            await signal.wait()
    show()


def _are_live(made: LivePlane) -> bool:
    """Whether the proxies that a runner runs have everything."""
    return all(made.fleet.is_live(one.name) for one in hosted(made.groups().values()))


async def _pardon(fleet: Fleet) -> None:
    """Offers again, from time to time, what was refused for a reason that is not in it: a port that somebody else has."""
    pause = FIRST_PARDON
    while True:
        await anyio.sleep(pause)
        pause = min(2 * pause, LONGEST_PARDON) if fleet.pardon(CANNOT_BIND) else FIRST_PARDON


async def _await_signals(stop: anyio.Event, runner: ProxyRunner | None) -> None:
    with anyio.open_signal_receiver(signals.SIGINT, signals.SIGTERM, signals.SIGHUP) as received:
        async for _ in received:
            if stop.is_set() and runner is not None:
                log.info("ending at once")
                runner.hurry()
            stop.set()

"""LRS: proxies report how much traffic they had, and are told which clusters to report of.

https://github.com/envoyproxy/envoy/blob/main/api/envoy/service/load_stats/v3/lrs.proto
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Final

from anyio.abc import TaskGroup
from grpclib.const import Cardinality, Handler, Status
from grpclib.exceptions import GRPCError, StreamTerminatedError

from xds.codec.load import ALL_CLUSTERS, answer, read
from xds.model import NO_RESOURCES, Load, LoadSink, ProtocolError, Resources
from xds.model.type_url import CDS
from xds.protocol import Request
from xds.server.background import background
from xds.server.discovery import Discovery, Wire, caller_of, first_message
from xds.server.fleet import Fleet, Visit
from xds.server.metrics import Metrics
from xds.server.signal import Signal

log = logging.getLogger(__name__)

METHOD: Final = "/envoy.service.load_stats.v3.LoadReportingService/StreamLoadStats"

ENVOY: Final = "envoy"
"""The user agent that takes "all clusters" for those that it has at that moment, and reports of none that come later. It
may be told names that it does not have yet.
"""


class LoadReporting:
    """The service. Every `interval` seconds a proxy reports of the clusters that its group has; what it says is counted,
    and given to every sink. Whoever may ask for clusters may report of them.
    """

    def __init__(
        self, fleet: Fleet, metrics: Metrics, discovery: Discovery, *, interval: float, sinks: Sequence[LoadSink] = ()
    ) -> None:
        self._fleet, self._metrics, self._discovery = fleet, metrics, discovery
        self._interval, self._sinks = interval, tuple(sinks)

    def __mapping__(self) -> Mapping[str, Handler]:
        """The method, as grpclib asks for it."""
        return {METHOD: Handler(self._method, Cardinality.STREAM_STREAM, bytes, bytes)}

    async def _method(self, wire: Wire) -> None:
        try:
            await self._serve(wire)
        except ProtocolError as error:
            raise GRPCError(Status[error.code], self._discovery.refuse(caller_of(wire), "lrs", error)) from None

    async def _serve(self, wire: Wire) -> None:
        """One stream. Its first message says who reports; later nodes are not looked at."""
        principal = await self._discovery.authenticate(caller_of(wire))
        first = await first_message(wire)
        if first is None:
            return
        node, _ = read(first)
        visit = self._discovery.enter(principal, Request("", node=node), CDS)
        log.info("%s: %s reports its load", visit.group, visit.node.id)
        await self._talk(wire, visit, everything=ALL_CLUSTERS in visit.node.features and visit.node.user_agent != ENVOY)

    async def _talk(self, wire: Wire, visit: Visit, *, everything: bool) -> None:
        async with background() as tasks:
            tasks.start_soon(self._ask, wire, visit, everything, tasks)
            with suppress(StreamTerminatedError):
                async for body in wire:
                    await self._take(visit, body)

    async def _ask(self, wire: Wire, visit: Visit, everything: bool, tasks: TaskGroup) -> None:  # noqa: FBT001  start_soon's
        """Says what to report of: once, where that is everything, and otherwise whenever there are other clusters."""
        try:
            if everything:
                await wire.send_message(answer(None, self._interval))
            else:
                await self._name_clusters(wire, visit)
        except (StreamTerminatedError, ConnectionError):
            tasks.cancel_scope.cancel()

    async def _name_clusters(self, wire: Wire, visit: Visit) -> None:
        signal = Signal()
        said: list[str] | None = None
        seen: Resources | None = None
        with self._fleet.following(visit.group, signal):
            while True:
                resources = self._clusters(visit)
                if resources is not seen and (names := sorted(resources)) != said:
                    said = names
                    await wire.send_message(answer(names, self._interval))
                seen = resources
                await signal.wait()

    def _clusters(self, visit: Visit) -> Resources:
        served = self._fleet.served(visit.group)
        return served.of_type(CDS) if served is not None else NO_RESOURCES

    async def _take(self, visit: Visit, body: bytes) -> None:
        """Counts a report, and gives it to the sinks: while one of them is slow, that proxy's next report waits."""
        _, clusters = read(body)
        load = Load(visit.node, visit.group, clusters)
        self._metrics.load(load, self._fleet.served(visit.group))
        await give(load, self._sinks)


async def give(load: Load, sinks: Iterable[LoadSink]) -> None:
    """Gives a report to every sink. What one of them raises concerns the others as little as the proxy."""
    for sink in sinks:
        try:
            await sink.take(load)
        except Exception:
            log.exception("%s failed on a load report of %s", type(sink).__name__, load.node.id)

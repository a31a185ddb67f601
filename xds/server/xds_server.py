"""The xDS server as a library: snapshots in, a gRPC service out. The control plane itself is built on it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Final, Literal

from xds.model import OnDemand, Refusal, Snapshot
from xds.server.authority import OPEN, Authority
from xds.server.discovery import Discovery, PassThrough
from xds.server.fleet import Fleet
from xds.server.grouping import GroupOf, by_cluster
from xds.server.grpc_server import serve
from xds.server.maker import Maker
from xds.server.metrics import Metrics
from xds.server.report import NO_REPORTS, Reports, services
from xds.server.rest import serve_rest
from xds.server.transport import Transport
from xds.server.workers.crew import Crew
from xds.server.workers.shared_fleet import SharedFleet
from xds.server.workers.terms import Terms

PLAIN: Final = Transport()
Until = Literal["published", "accepted"]
"""What `publish` waits for: nothing, or the answers of all proxies that are connected."""


@dataclass(frozen=True, slots=True)
class Publication:
    """What became of a group's newest snapshot: how many streams it has, and what their proxies refused of it."""

    group: str
    streams: int
    refusals: tuple[Refusal, ...]

    @property
    def accepted(self) -> bool:
        """Whether nothing of it was refused."""
        return not self.refusals


class XdsServer:
    """Serves snapshots to proxies, by node group; to be used on one event loop.

    `grouping` tells the group of a node, by default the node's `cluster`. `authority` says who may ask for what, by default
    everybody on this machine for everything. `on_demand` are hooks that make what nobody published when a proxy asks for
    it. `identifier` names this control plane in every response. `reports` says which services
    there are beside: CSDS and LRS. `transport` says how connections are secured, and what one client may take from the
    others; with several `workers` in it, `grouping` and `authority` are handed to other processes, as pickle.

        server = XdsServer()
        async with server.serve("127.0.0.1", 18000):
            await server.publish("edge", Snapshot.of([...]), until="accepted")
    """

    def __init__(
        self,
        *,
        grouping: GroupOf = by_cluster,
        authority: Authority = OPEN,
        on_demand: Sequence[OnDemand] = (),
        identifier: str = "",
        reports: Reports = NO_REPORTS,
        transport: Transport = PLAIN,
    ) -> None:
        self._transport = transport
        shared = SharedFleet() if transport.workers > 1 else None
        self.fleet: Fleet = Fleet() if shared is None else shared
        self.metrics = Metrics()
        self._maker = Maker(on_demand, self.fleet)
        self._discovery = Discovery(
            self.fleet,
            self.metrics,
            grouping=grouping,
            authority=authority,
            identifier=identifier,
            limits=transport.limits(self._maker.types),
        )
        self._serving: Callable[[str, int], AbstractAsyncContextManager[tuple[str, int]]]
        if shared is None:
            every = [self._discovery, *services(reports, self.fleet, self.metrics, self._discovery, authority)]
            self._serving = partial(serve, every, PassThrough(), transport)
        else:
            terms = Terms(grouping, authority, transport, reports, identifier, self._maker.types)
            self._serving = Crew(terms, shared, reports.load_sinks).serve

    @asynccontextmanager
    async def serve(self, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[tuple[str, int]]:
        """Serves inside the `async with`; gives the (host, port) it listens on, where port 0 takes any free one.

        Raises ConfigError when the socket cannot be opened, and for TLS files that are wrong.
        """
        async with self._serving(host, port) as address, self._maker.working():
            yield address

    def serve_rest(self, host: str = "127.0.0.1", port: int = 0) -> AbstractAsyncContextManager[tuple[str, int]]:
        """Serves the same over REST inside the `async with`, for proxies that poll; gives the (host, port), as `serve` does.

        Connections are secured as those of `serve`. Raises ConfigError when the socket cannot be opened, and for TLS files
        that are wrong.
        """
        return serve_rest(self._discovery, host, port, self._transport.tls)

    async def publish(self, group: str, snapshot: Snapshot, *, until: Until = "published") -> Publication:
        """Serves this snapshot to the group from now on; with workers, it returns when all of them do.

        With `until="accepted"` it returns when every stream of the group has answered all that it was sent: then what is
        in force there is this snapshot (or a newer one that was published meanwhile) without the refusals that are
        returned. A group without proxies has nothing to wait for. A proxy that never answers is waited for: bound it
        with `anyio.fail_after`.
        """
        self.fleet.put(group, snapshot)
        await self.fleet.until(self.fleet.has_answered if until == "accepted" else self.fleet.is_out, group)
        refusals = tuple(one for one in self.fleet.refusals() if one.group == group)
        return Publication(group, self.fleet.count(group), refusals)

    def clear(self, group: str) -> None:
        """Nothing is known of the group from now on: its proxies keep what they have, and their streams stay subscribed.

        To take everything away from them instead, publish an empty Snapshot.
        """
        self.fleet.clear(group)

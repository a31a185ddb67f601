"""The control plane as the admin service sees it: read-only facts of this moment."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Protocol

from xds.model import Diagnostic, Key, Node, NodeGroup, Proxy, Refusal, Snapshot, Status
from xds.protocol import Delivery
from xds.server.family import Family


class Plane(Protocol):
    """What can be asked of a running control plane. Nothing here changes it, and nothing waits but for its processes."""

    def missing(self) -> Sequence[str]:
        """What readiness still waits for, in words; empty when ready."""
        ...

    def groups(self) -> Mapping[str, NodeGroup]:
        """The node groups, by name."""
        ...

    def snapshots(self) -> Mapping[str, Snapshot]:
        """The newest published snapshot of each node group, by the group's name."""
        ...

    async def proxies(self) -> Sequence[Proxy]:
        """The streams that are open."""
        ...

    def streams(self) -> Mapping[tuple[str, str], int]:
        """How many streams are open in this process, by dialect and service."""
        ...

    async def measured(self) -> Sequence[Family]:
        """What its other processes measured."""
        ...

    def deliveries(self, wanted: Callable[[Node], bool]) -> AsyncIterator[tuple[Proxy, Sequence[Delivery]]]:
        """How far each resource has come at each of these proxies, one stream after the other."""
        ...

    def refusals(self) -> Sequence[Refusal]:
        """What proxies refused and is still what the configuration asks for."""
        ...

    def statuses(self) -> Mapping[Key, Status]:
        """The status of every object."""
        ...

    def diagnostics(self) -> Sequence[Diagnostic]:
        """Everything that is wrong with what authors wrote, now."""
        ...

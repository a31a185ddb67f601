"""The Kubernetes provider: a cluster's objects as events."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import aclosing
from typing import ClassVar

import anyio

from providers.kubernetes.api import connect
from providers.kubernetes.credentials import kubeconfig
from providers.kubernetes.lease import Candidate, settled
from providers.kubernetes.reflection import Reflection
from providers.kubernetes.seen import Seen
from providers.kubernetes.settings import Settings as KubernetesSettings
from providers.kubernetes.writer import Writer
from xds.model import Event, Key, Kind, Status


class KubernetesProvider:
    """Yields the objects of a cluster, and every change of them as the API server tells it.

    While the API server cannot be reached, refuses, or is asked to forget what it knew, what was said stays. Only the kinds
    that are asked for are read. Objects say what their authors wrote: a change of their status is none.

    Statuses are written while this replica leads, which it does without a lease.
    """

    Settings: ClassVar = KubernetesSettings

    def __init__(self, settings: KubernetesSettings) -> None:
        in_pod = kubeconfig(settings) is None
        self._settings = settings
        self._lease = settings.lease and settled(settings.lease, in_pod=in_pod)
        self._writer: Writer | None = None
        self.seen = Seen()

    async def watch(self, kinds: Collection[Kind]) -> AsyncIterator[Event]:
        """The events of the cluster, until cancelled."""
        async with connect(self._settings) as api:
            reflection = Reflection(api, self._settings, kinds, self.seen)
            async with aclosing(reflection.events()) as events:
                async for event in events:
                    yield event

    async def lead(self) -> AsyncIterator[bool]:
        """Whether this replica leads, until cancelled."""
        async with connect(self._settings) as api:
            self._writer = Writer(api, self.seen, self._settings.controller_name)
            if self._lease is None:
                yield True
                await anyio.sleep_forever()
            else:
                async with aclosing(Candidate(api, self._lease).lead()) as said:
                    async for leads in said:
                        yield leads

    async def write(self, statuses: Mapping[Key, Status]) -> None:
        """Writes statuses; to be called while this replica leads."""
        assert self._writer is not None, "who does not lead writes nothing"
        await self._writer.write(statuses)

    async def lapsed(self) -> AsyncIterator[Collection[Key]]:
        """The objects whose status is to be given again; to be followed while this replica leads."""
        assert self._writer is not None, "as for write"
        async with aclosing(self._writer.lapsed()) as found:
            async for keys in found:
                yield keys

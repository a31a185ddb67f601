"""The Kubernetes provider: a cluster's objects as events."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from contextlib import aclosing
from typing import ClassVar

from providers.kubernetes.api import connect
from providers.kubernetes.credentials import kubeconfig
from providers.kubernetes.reflection import Reflection
from providers.kubernetes.seen import Seen
from providers.kubernetes.settings import Settings as KubernetesSettings
from xds.model import Event, Kind


class KubernetesProvider:
    """Yields the objects of a cluster, and every change of them as the API server tells it.

    While the API server cannot be reached, refuses, or is asked to forget what it knew, what was said stays. Only the kinds
    that are asked for are read. Objects say what their authors wrote: a change of their status is none.
    """

    Settings: ClassVar = KubernetesSettings

    def __init__(self, settings: KubernetesSettings) -> None:
        kubeconfig(settings)
        self._settings = settings
        self.seen = Seen()

    async def watch(self, kinds: Collection[Kind]) -> AsyncIterator[Event]:
        """The events of the cluster, until cancelled."""
        async with connect(self._settings) as api:
            reflection = Reflection(api, self._settings, kinds, self.seen)
            async with aclosing(reflection.events()) as events:
                async for event in events:
                    yield event

"""Offline: objects read once through the same providers and sources that a running control plane has."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection, Mapping
from dataclasses import replace

import anyio

from xds.control.fault import Consistency, faults, told
from xds.control.ledger import Ledger, Said
from xds.control.reading import Reading
from xds.control.settings import Settings
from xds.control.translator import Translator
from xds.model import Kind, Listed, Objects, Provider, Severity, Translation


def read(settings: Settings) -> Reading:
    """Reads every provider until it has listed, checks every object, and translates those without an error."""
    providers = {one.name: one.make() for one in settings.providers}
    translator = Translator([one.make() for one in settings.sources], [one.make() for one in settings.hooks])
    ledger = Ledger(translator, providers)
    ledger.take(anyio.run(_list, providers, translator.kinds))
    return ledger.read(_told(translator.translate(ledger.objects), ledger.objects, settings.consistency))


def _told(translation: Translation, objects: Objects, consistency: Consistency) -> Translation:
    """The same translation, with what every snapshot lacks among its diagnostics."""
    if consistency == "accept":
        return translation
    every = (one for group, snapshot in translation.snapshots.items() for one in faults(group, snapshot, translation))
    return told(translation, (replace(one, severity=Severity(consistency)) for one in every), objects)


async def _list(providers: Mapping[str, Provider], kinds: Collection[Kind]) -> list[Said]:
    """Everything that the providers say up to Listed."""
    said: list[Said] = []
    for name, provider in providers.items():
        events = provider.watch(kinds)
        async for event in events:
            said.append((name, event))
            if isinstance(event, Listed):
                break
        if isinstance(events, AsyncGenerator):
            await events.aclose()
    return said

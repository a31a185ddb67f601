"""Offline: objects read once through the same providers and sources that a running control plane has."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection, Iterable
from dataclasses import replace

import anyio

from xds.control.reading import Reading, errors, place_of, placed
from xds.control.settings import Settings
from xds.control.translator import Translator
from xds.model import Delete, Diagnostic, Key, Kind, Listed, Object, Objects, Provider, Put, Report


def read(settings: Settings) -> Reading:
    """Reads every provider until it has listed, checks every object, and translates those without an error."""
    providers = [one.make() for one in settings.providers]
    translator = Translator([one.make() for one in settings.sources], [one.make() for one in settings.hooks])
    objects, reports = anyio.run(_list, providers, translator.kinds)
    checked = [replace(found, key=found.key or one.key) for one in objects for found in translator.check(one)]
    refused = {one.key for one in errors(checked) if one.key is not None}
    translation = translator.translate(objects.updated((key, None) for key in refused))
    found = placed((*reports, *checked, *translation.diagnostics), objects)
    return Reading(objects, translation, tuple(sorted(dict.fromkeys(found), key=place_of)))


async def _list(providers: Iterable[Provider], kinds: Collection[Kind]) -> tuple[Objects, list[Diagnostic]]:
    objects: dict[Key, Object] = {}
    reports: dict[str, tuple[Diagnostic, ...]] = {}
    for provider in providers:
        events = provider.watch(kinds)
        async for event in events:
            match event:
                case Put(one):
                    objects[one.key] = one
                case Delete(key):
                    objects.pop(key, None)
                case Report(place, diagnostics):
                    reports[place] = diagnostics
                case Listed():
                    break
        if isinstance(events, AsyncGenerator):
            await events.aclose()
    return Objects.of(objects.values()), [one for said in reports.values() for one in said]

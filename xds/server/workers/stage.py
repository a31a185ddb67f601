"""Stages: how far each resource has come at one proxy of a worker, for a builder that has the resources themselves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from xds.model import Resource, Snapshot
from xds.protocol import Delivery, Progress
from xds.server.workers import edition
from xds.server.workers.letter import Entry, Stage


def stages(deliveries: Iterable[Delivery], served: Snapshot) -> Iterator[Stage]:
    """What to tell of deliveries, when the builder knows what is served here."""
    for one in deliveries:
        held = _told(one.held, served)
        is_asked = one.asked is not None
        yield Stage(one.type_url, one.name, one.progress, is_asked, held, one.error, one.updated, one.tried)


def _told(held: Resource | None, served: Snapshot) -> str | Entry | None:
    if held is None:
        return None
    return held.version if served.get(held.reference) == held else edition.entry(held)


def deliveries(stages: Iterable[Stage], asked: Snapshot, served: Snapshot) -> Iterator[Delivery]:
    """The same deliveries: of what is asked for, in a group that the worker serves this."""
    for one in stages:
        reference = one.type_url, one.name
        wanted = asked.get(reference) if one.is_asked else None
        times = one.updated, one.tried
        yield Delivery(*reference, Progress(one.progress), wanted, _held(one, served), one.error, *times)


def _held(one: Stage, served: Snapshot) -> Resource | None:
    if one.held is None:
        return None
    if isinstance(one.held, str):
        return served.get((one.type_url, one.name))
    return edition.resource(one.type_url, one.held)

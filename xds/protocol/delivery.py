"""Deliveries: how far each resource has come at one client."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from xds.model import Reference, Refusal, Resource, Resources
from xds.protocol.subscription import Subscription


class Progress(StrEnum):
    """In force as asked for, on its way to the client, not sent (yet), refused, or not there to be sent."""

    SYNCED = "synced"
    STALE = "stale"
    NOT_SENT = "not sent"
    ERROR = "error"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One resource that a client wants. `asked` is what its configuration asks for, `held` what the client has of it;
    either may be None. `error` is why `asked` was refused. Times are those of the last response of the type that the
    client ACKed, and of the last that it answered; 0 for never.
    """

    type_url: str
    name: str
    progress: Progress
    asked: Resource | None
    held: Resource | None
    error: str = ""
    updated: float = 0.0
    tried: float = 0.0


def deliveries(subscription: Subscription, asked: Resources, refusals: Mapping[Reference, Refusal]) -> Iterator[Delivery]:
    """Every resource of one type that a client wants, or has and is to lose, by name.

    `refusals` are those of the client's node group: what another proxy refused is not sent to this one either.
    """
    wanted = subscription.wanted(asked)
    given = {name for one in wanted.values() for name in (one.name, *one.aliases)}
    missing = subscription.names - subscription.globs - given
    for name in sorted(wanted.keys() | subscription.held.keys() | missing):
        one, held = wanted.get(name), subscription.held.get(name)
        error = _error(subscription, one, refusals) if one else ""
        progress = Progress.ERROR if error else _progress(subscription, name, one, held)
        times = subscription.updated, subscription.tried
        yield Delivery(subscription.type_url, name, progress, one, held, error, *times)


def _error(subscription: Subscription, one: Resource, refusals: Mapping[Reference, Refusal]) -> str:
    refusal = refusals.get(one.reference)
    if refusal is not None and refusal.version == one.version:
        return refusal.message
    parked = subscription.parked is not None and (one.name, one.version) in subscription.parked
    return subscription.error if parked or subscription.refused.get(one.name) == one.version else ""


def _progress(subscription: Subscription, name: str, one: Resource | None, held: Resource | None) -> Progress:
    offer = subscription.offer
    if offer is not None and (one in offer.upserts if one else held and name in offer.removals):
        return Progress.STALE
    if one is None:
        return Progress.MISSING if held is None else Progress.NOT_SENT
    return Progress.SYNCED if one == held else Progress.NOT_SENT

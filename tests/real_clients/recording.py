"""Recordings: what real clients said and were told, held against what must be so on every stream."""

from __future__ import annotations

from typing import Any

from invariants import OVER_ALL, broken
from relay import Relay, Said, Side
from traces import Changed, Event, Sent, Trace, read

from xds.codec import message_class

REQUESTS = {"sotw": "DiscoveryRequest", "delta": "DeltaDiscoveryRequest"}


def breaches(relay: Relay, dialect: str) -> list[tuple[str, str]]:
    """(invariant, what is wrong) for all that went over a relay, in one dialect."""
    traces = [
        Trace(f"call {number}", single=False, events=[_event(one, dialect) for one in call])
        for number, call in enumerate(relay.calls)
    ]
    alike = [(row, wrong) for row, check in OVER_ALL.items() for wrong in check(traces)]
    return [*broken(traces), *alike]


def _event(said: Said, dialect: str) -> Event:
    if said.by is Side.AUTHOR:
        return Changed("something else is served")
    return read(dialect, said.message) if said.by is Side.SERVER else _request(said.message, dialect)


def _request(body: bytes, dialect: str) -> Sent:
    message: Any = message_class(f"envoy.service.discovery.v3.{REQUESTS[dialect]}").FromString(body)
    fields = {field.name: value for field, value in message.ListFields()}
    return Sent(message.type_url, message.response_nonce, message.HasField("error_detail"), fields)

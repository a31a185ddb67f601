"""Reports: what the xDS port tells of proxies and is told by them, beside their resources. All of it is off by default."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from xds.model import LoadSink
from xds.server.authority import Authority
from xds.server.csds import ClientStatus, answered
from xds.server.discovery import Discovery
from xds.server.fleet import Fleet
from xds.server.load import LoadReporting
from xds.server.metrics import Metrics


@dataclass(frozen=True, slots=True)
class Reports:
    """With `client_status` it answers CSDS: how far each resource has come at each proxy. With a `load_interval` proxies
    may report their load (LRS) every so many seconds: it is counted, and given to the `load_sinks`.
    """

    client_status: bool = False
    load_interval: float | None = None
    load_sinks: tuple[LoadSink, ...] = ()


NO_REPORTS = Reports()


def services(
    reports: Reports, fleet: Fleet, metrics: Metrics, discovery: Discovery, authority: Authority
) -> Iterator[ClientStatus | LoadReporting]:
    """The gRPC services of these reports."""
    if reports.client_status:
        yield ClientStatus(discovery, partial(answered, fleet, authority))
    if reports.load_interval is not None:
        yield LoadReporting(fleet, metrics, discovery, interval=reports.load_interval, sinks=reports.load_sinks)

"""Loads: how much traffic a proxy had, as it reports it itself."""

from __future__ import annotations

from dataclasses import dataclass

from xds.model.node import Node


@dataclass(frozen=True, slots=True)
class LocalityLoad:
    """Requests to one locality (region, zone, sub-zone) of a cluster: those that ended well and ill since the last report,
    those that began since, and those under way.
    """

    locality: tuple[str, str, str]
    priority: int
    succeeded: int
    failed: int
    issued: int
    in_progress: int


@dataclass(frozen=True, slots=True)
class ClusterLoad:
    """What one proxy had to do with one cluster, in the seconds since its last report. `service` is the name under which
    the cluster has its endpoints; `dropped` are requests that were not sent on.
    """

    cluster: str
    service: str
    seconds: float
    dropped: int
    localities: tuple[LocalityLoad, ...]


@dataclass(frozen=True, slots=True)
class Load:
    """One report of one proxy."""

    node: Node
    group: str
    clusters: tuple[ClusterLoad, ...]

"""Load reports on the wire: envoy.service.load_stats.v3."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from google.protobuf.message import DecodeError

from xds.codec import wire
from xds.codec.descriptors import message_class
from xds.codec.message import build, encode
from xds.model import ClusterLoad, LocalityLoad, ProtocolError

STATS: Final = "envoy.config.endpoint.v3.ClusterStats"
ALL_CLUSTERS: Final = "envoy.lrs.supports_send_all_clusters"
"""The feature of a client that can be told to report of all its clusters, whatever they are."""


def read(body: bytes) -> tuple[bytes, tuple[ClusterLoad, ...]]:
    """(the node, still encoded; what is reported) of a LoadStatsRequest. Raises ProtocolError when the bytes are none."""
    node, stats = b"", []
    for number, value in wire.fields(body):
        if number == 1 and isinstance(value, bytes):
            node = value
        elif number == 2 and isinstance(value, bytes):
            stats.append(_cluster(value))
    return node, tuple(stats)


def answer(clusters: Iterable[str] | None, seconds: float) -> bytes:
    """A LoadStatsResponse: report of these clusters, or of all where it is None, every so many seconds."""
    whole = int(seconds)
    interval = {"seconds": whole, "nanos": int((seconds - whole) * 1e9)}
    of = {"send_all_clusters": True} if clusters is None else {"clusters": list(clusters)}
    return encode(build("envoy.service.load_stats.v3.LoadStatsResponse", {"load_reporting_interval": interval, **of}))


def _cluster(body: bytes) -> ClusterLoad:
    try:
        stats: Any = message_class(STATS).FromString(body)
    except DecodeError:
        raise ProtocolError("the load report cannot be read") from None
    interval = stats.load_report_interval
    return ClusterLoad(
        stats.cluster_name,
        stats.cluster_service_name,
        interval.seconds + interval.nanos / 1e9,
        stats.total_dropped_requests,
        tuple(map(_locality, stats.upstream_locality_stats)),
    )


def _locality(stats: Any) -> LocalityLoad:
    place = stats.locality
    return LocalityLoad(
        (place.region, place.zone, place.sub_zone),
        stats.priority,
        stats.total_successful_requests,
        stats.total_error_requests,
        stats.total_issued_requests,
        stats.total_requests_in_progress,
    )

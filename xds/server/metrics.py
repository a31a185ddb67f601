"""Metrics: OpenTelemetry's instruments, told the way Prometheus reads them. Nothing here is global."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib.metadata import version
from typing import Final

from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.resources import Resource
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from xds.model import NO_RESOURCES, Load, Severity, Snapshot
from xds.model.type_url import CDS, SHORT_TYPES, short_type
from xds.server.family import Family, Told, read, total
from xds.server.histogram import Histogram
from xds.server.plane import Plane

VERSION: Final = version("legation")  # read here: a server may be made where nothing may wait for a file
DIALECTS: Final = ("delta", "sotw")
TRANSLATION_SECONDS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
ACK_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0)

OTHER: Final = "other"
"""What clients make up, under one label: they make up things without end."""

BY_TYPE: Final[Mapping[str, str]] = {
    "requests": "Requests from proxies, by type",
    "responses": "Responses to proxies, by type",
    "acks": "Responses that a proxy accepted, by type",
    "nacks": "Responses that a proxy refused, by type",
    "overdue": "Responses not answered in time, by type",
    "oversized": "Responses too long to read, by type",
}
"""What is counted by type, and what it is."""
ACK_WORDS: Final = "From the publication of a change, or a proxy's connection where that is later, to its ACK, by type"
LABELS: Final[Mapping[str, str]] = {type_url: short for short, type_url in SHORT_TYPES.items()}

Tally = Counter[tuple[tuple[str, str], ...]]
"""Label values -> how many."""


class Metrics:
    """What happens is counted as it happens; what is so is read from the plane whenever somebody asks."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        reader = PrometheusMetricReader(scope_info_enabled=False, registry=self.registry)
        resource = Resource({"service.name": "legation", "service.version": VERSION})
        provider = MeterProvider([reader], resource=resource, shutdown_on_exit=False)
        self._meter = meter = provider.get_meter("legation")
        self._by_type = {name: self._counted(f"legation_xds_{name}", words) for name, words in BY_TYPE.items()}
        self._ack_seconds = Histogram("legation_xds_ack_seconds", ACK_WORDS, "type", ACK_SECONDS)
        self.registry.register(self._ack_seconds)
        self._refused = meter.create_counter(
            "legation_xds_refused", description="Streams that were ended for what a client is or did, by service and status"
        )
        self._events = meter.create_counter("legation_provider_events", description="Changes that providers told of")
        self._restarts = meter.create_counter("legation_provider_restarts", description="Providers started again")
        self._load_reports = meter.create_counter("legation_load_reports", description="Load reports of proxies, by group")
        self._load_requests = meter.create_counter(
            "legation_load_requests", description="Requests that proxies say they sent, by group, cluster and outcome"
        )
        self._translation_seconds = meter.create_histogram(
            "legation_translation",
            "s",
            "One translation of all objects",
            explicit_bucket_boundaries_advisory=TRANSLATION_SECONDS,
        )

    def observe(self, plane: Plane) -> None:
        """Reads this plane from now on. To be called once."""
        self.observe_streams(plane.streams)
        self._gauge("legation_resources", "Resources in force, by node group and type", lambda: _resources(plane))
        self._gauge("legation_resources_refused", "Resources that a proxy refused", lambda: _refused(plane))
        self._gauge("legation_diagnostics", "What authors should know, by severity", lambda: _diagnostics(plane))

    def observe_streams(self, streams: Callable[[], Mapping[tuple[str, str], int]]) -> None:
        """Asks this from now on how many streams are open, by dialect and service. To be called once."""
        self._gauge("legation_xds_streams", "Open streams, by service and dialect", lambda: _streams(streams()))

    def request(self, type_url: str) -> None:
        """A proxy asked for a type, or answered a response of it."""
        self._by_type["requests"][_label(type_url)] += 1

    def response(self, type_url: str) -> None:
        """A response of this type went out."""
        self._by_type["responses"][_label(type_url)] += 1

    def ack(self, type_url: str, seconds: float) -> None:
        """A proxy accepted a response, this long after its change was published and it was there to be told."""
        label = _label(type_url)
        self._by_type["acks"][label] += 1
        self._ack_seconds.note(label, seconds)

    def nack(self, type_url: str) -> None:
        """A proxy refused a response of this type."""
        self._by_type["nacks"][_label(type_url)] += 1

    def refused(self, service: str, code: str) -> None:
        """A stream of this service was ended with this gRPC status, for what its client is or did."""
        self._refused.add(1, {"service": service, "code": code})

    def overdue(self, type_url: str) -> None:
        """A proxy did not answer a response of this type in time."""
        self._by_type["overdue"][_label(type_url)] += 1

    def oversized(self, type_url: str) -> None:
        """A response of this type was longer than some clients read, and could not be divided."""
        self._by_type["oversized"][_label(type_url)] += 1

    def load(self, load: Load, served: Snapshot | None) -> None:
        """A proxy reported its load; this is what its group is served. Groups and clusters that are not known are counted as
        one: a proxy names any.
        """
        group = load.group if served is not None else OTHER
        known = served.of_type(CDS) if served is not None else NO_RESOURCES
        self._load_reports.add(1, {"group": group})
        for one in load.clusters:
            labels = {"group": group, "cluster": one.cluster if one.cluster in known else OTHER}
            outcomes = {
                "succeeded": sum(place.succeeded for place in one.localities),
                "failed": sum(place.failed for place in one.localities),
                "dropped": one.dropped,
            }
            for outcome, many in outcomes.items():
                self._load_requests.add(many, {**labels, "outcome": outcome})

    def translated(self, seconds: float) -> None:
        """All objects were translated, in this time."""
        self._translation_seconds.record(seconds)

    def provider_events(self, provider: str, events: int = 1) -> None:
        """A provider told of so many changes."""
        self._events.add(events, {"provider": provider})

    def provider_restarted(self, provider: str) -> None:
        """A provider failed and was started again."""
        self._restarts.add(1, {"provider": provider})

    def render(self, elsewhere: Sequence[Family] = ()) -> tuple[str, bytes]:
        """(content type, body) of everything measured, here and elsewhere, in Prometheus' text format."""
        registry = self.registry
        if elsewhere:
            registry = CollectorRegistry()
            registry.register(Told(total([read(self.registry), elsewhere])))
        return CONTENT_TYPE_LATEST, generate_latest(registry)

    def _counted(self, name: str, description: str) -> Counter[str]:
        """Counts by type, read when somebody asks: OpenTelemetry's own take longer than all else that an ACK needs."""
        counts = Counter[str]()

        def observed(_: CallbackOptions) -> Iterable[Observation]:
            return [Observation(many, {"type": label}) for label, many in counts.items()]

        self._meter.create_observable_counter(name, [observed], description=description)
        return counts

    def _gauge(self, name: str, description: str, read: Callable[[], Tally]) -> None:
        def observed(_: CallbackOptions) -> Iterable[Observation]:
            return [Observation(many, dict(labels)) for labels, many in read().items()]

        self._meter.create_observable_gauge(name, [observed], description=description)


def _label(type_url: str) -> str:
    """The short type; `other` for what is none."""
    return LABELS.get(type_url, OTHER)


def _streams(streams: Mapping[tuple[str, str], int]) -> Tally:
    tally = Tally({(("dialect", dialect), ("service", "ads")): 0 for dialect in DIALECTS})
    tally.update({(("dialect", dialect), ("service", service)): many for (dialect, service), many in streams.items()})
    return tally


def _resources(plane: Plane) -> Tally:
    return Tally(
        {
            (("group", group), ("type", short_type(type_url))): len(resources)
            for group, snapshot in plane.snapshots().items()
            for type_url, resources in snapshot.types.items()
        }
    )


def _refused(plane: Plane) -> Tally:
    return Tally((("group", one.group), ("type", short_type(one.type_url))) for one in plane.refusals())


def _diagnostics(plane: Plane) -> Tally:
    tally = Tally({(("severity", str(severity)),): 0 for severity in Severity})
    tally.update((("severity", str(one.severity)),) for one in plane.diagnostics())
    return tally

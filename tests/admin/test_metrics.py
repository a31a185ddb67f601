"""Metrics: every fact under the name and with the labels that a dashboard asks for."""

from __future__ import annotations

import pytest
from prometheus_client.parser import text_string_to_metric_families

from xds.model.type_url import CDS, LDS
from xds.server.metrics import Metrics


def samples(metrics: Metrics) -> dict:
    """(name, labels) -> value, as Prometheus reads them."""
    families = text_string_to_metric_families(metrics.render()[1].decode())
    return {
        (one.name, *sorted(one.labels.items())): one.value
        for family in families
        for one in family.samples
        if one.name != "target_info"
    }


@pytest.mark.parametrize(
    ("act", "name", "labels"),
    [
        (lambda metrics: metrics.request(CDS), "legation_xds_requests_total", [("type", "cds")]),
        (lambda metrics: metrics.response(LDS), "legation_xds_responses_total", [("type", "lds")]),
        (lambda metrics: metrics.ack(CDS, 0.2), "legation_xds_acks_total", [("type", "cds")]),
        (lambda metrics: metrics.ack(CDS, 0.2), "legation_xds_ack_seconds_count", [("type", "cds")]),
        (lambda metrics: metrics.nack(LDS), "legation_xds_nacks_total", [("type", "lds")]),
        (lambda metrics: metrics.request("made up"), "legation_xds_requests_total", [("type", "other")]),
        (
            lambda metrics: metrics.refused("ads", "UNAUTHENTICATED"),
            "legation_xds_refused_total",
            [("code", "UNAUTHENTICATED"), ("service", "ads")],
        ),
        (lambda metrics: metrics.translated(0.2), "legation_translation_seconds_count", []),
        (lambda metrics: metrics.provider_events("file"), "legation_provider_events_total", [("provider", "file")]),
        (lambda metrics: metrics.provider_restarted("file"), "legation_provider_restarts_total", [("provider", "file")]),
    ],
)
def test_what_happens_is_counted(act, name, labels):
    metrics = Metrics()
    act(metrics)
    act(metrics)
    assert samples(metrics)[(name, *labels)] == 2


def test_durations_are_in_seconds_and_in_buckets():
    metrics = Metrics()
    metrics.translated(0.003)
    seen = samples(metrics)
    assert seen[("legation_translation_seconds_sum",)] == 0.003
    assert seen[("legation_translation_seconds_bucket", ("le", "0.0025"))] == 0
    assert seen[("legation_translation_seconds_bucket", ("le", "0.005"))] == 1


def test_the_time_to_an_ack_is_in_buckets_by_type():
    metrics = Metrics()
    for seconds in (0.001, 0.002, 0.002, 100.0):
        metrics.ack(CDS, seconds)
    metrics.ack("made up", 1.0)
    seen = samples(metrics)
    name = "legation_xds_ack_seconds"
    found = {le: seen[(f"{name}_bucket", ("le", le), ("type", "cds"))] for le in ("0.001", "0.0025", "60.0", "+Inf")}
    assert found == {"0.001": 1, "0.0025": 3, "60.0": 3, "+Inf": 4}
    assert seen[(f"{name}_sum", ("type", "cds"))] == 100.005
    assert seen[(f"{name}_count", ("type", "other"))] == 1


def test_what_is_so_is_read_from_the_plane_when_asked(plane):
    metrics = Metrics()
    metrics.observe(plane)
    seen = samples(metrics)
    assert seen[("legation_xds_streams", ("dialect", "delta"), ("service", "ads"))] == 1
    assert seen[("legation_xds_streams", ("dialect", "sotw"), ("service", "ads"))] == 0
    assert seen[("legation_resources", ("group", "default/edge"), ("type", "cds"))] == 2
    assert seen[("legation_resources_refused", ("group", "default/edge"), ("type", "cds"))] == 1
    assert seen[("legation_diagnostics", ("severity", "error"))] == 1
    plane.connected, plane.refused, plane.held = [], [], {}
    seen = samples(metrics)
    assert seen[("legation_xds_streams", ("dialect", "delta"), ("service", "ads"))] == 0
    assert not [name for name, *_ in seen if name.startswith("legation_resources")]


def test_two_planes_in_one_process_share_nothing():
    one, other = Metrics(), Metrics()
    one.nack(CDS)
    assert ("legation_xds_nacks_total", ("type", "cds")) not in samples(other)


async def test_prometheus_is_served(ask):
    status, text, headers = await ask("/metrics")
    assert status == 200
    assert headers["Content-Type"].startswith("text/plain")
    assert 'legation_resources{group="default/other",type="cds"} 1.0' in text

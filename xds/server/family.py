"""Families: what was measured, as data that goes from one process to another and adds up."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import msgspec
from prometheus_client import Metric
from prometheus_client.registry import Collector

LASTING: Final = ("counter", "histogram")
"""The kinds that only grow: those of a process that is gone still count."""
SAME: Final = ("info", "unknown")
"""The kinds that are the same wherever they come from."""

Labels = tuple[tuple[str, str], ...]


class Sample(msgspec.Struct, frozen=True, array_like=True):
    """One number."""

    name: str
    labels: Labels
    value: float


class Family(msgspec.Struct, frozen=True, array_like=True):
    """All samples of one metric; `kind` is what Prometheus calls its type."""

    name: str
    description: str
    kind: str
    samples: tuple[Sample, ...]


def read(collector: Collector) -> tuple[Family, ...]:
    """What a collector has now."""
    return tuple(
        Family(
            one.name,
            one.documentation,
            one.type,
            tuple(Sample(sample.name, tuple(sample.labels.items()), sample.value) for sample in one.samples),
        )
        for one in collector.collect()
    )


def lasting(families: Iterable[Family]) -> Iterator[Family]:
    """Those that still count when their process is gone."""
    return (one for one in families if one.kind in LASTING)


def total(every: Iterable[Sequence[Family]]) -> tuple[Family, ...]:
    """The same metrics of several processes, added up."""
    by_name: dict[str, list[Family]] = {}
    for families in every:
        for one in families:
            by_name.setdefault(one.name, []).append(one)
    return tuple(_added(same) for same in by_name.values())


def _added(same: Sequence[Family]) -> Family:
    first = same[0]
    if first.kind in SAME:
        return first
    values: dict[tuple[str, Labels], float] = {}
    for family in same:
        for one in family.samples:
            of = one.name, one.labels
            values[of] = values.get(of, 0.0) + one.value
    return msgspec.structs.replace(first, samples=tuple(Sample(*of, value) for of, value in values.items()))


class Told(Collector):
    """Families as prometheus_client tells them."""

    def __init__(self, families: Iterable[Family]) -> None:
        self._families = families

    def collect(self) -> Iterator[Metric]:
        """Each family."""
        for family in self._families:
            metric = Metric(family.name, family.description, family.kind)
            for one in family.samples:
                metric.add_sample(one.name, dict(one.labels), one.value)
            yield metric

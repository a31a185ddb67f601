"""Histograms of what happens for every proxy at every change: to note a value costs a search among the bounds."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from itertools import accumulate

from prometheus_client import Metric
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.registry import Collector


class Histogram(Collector):
    """Counts of values up to each of the `bounds`, for each value of one label. A registry reads it."""

    def __init__(self, name: str, words: str, label: str, bounds: Iterable[float]) -> None:
        self._name, self._words, self._label = name, words, label
        self._bounds = tuple(bounds)
        self._spread: dict[str, list[int]] = {}
        self._sums: dict[str, float] = {}

    def note(self, label: str, value: float) -> None:
        """One more value."""
        spread = self._spread.get(label)
        if spread is None:
            spread = self._spread[label] = [0] * (len(self._bounds) + 1)
            self._sums[label] = 0.0
        spread[bisect_left(self._bounds, value)] += 1
        self._sums[label] += value

    def collect(self) -> Iterator[Metric]:
        """What was noted, as Prometheus has it: counts that include those of the smaller bounds."""
        bounds = [*map(str, self._bounds), "+Inf"]
        family = HistogramMetricFamily(self._name, self._words, labels=[self._label])
        for label, spread in self._spread.items():
            family.add_metric([label], list(zip(bounds, accumulate(spread), strict=True)), self._sums[label])
        if self._spread:
            yield family

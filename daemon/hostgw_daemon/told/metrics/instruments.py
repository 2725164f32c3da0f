"""Instruments: metrics whose labels are bounded, and which describe themselves.

A label says in its declaration which values it may have. Every combination exists from the start
at zero, so that `rate()` and alerts have something to start from; a value that was not declared
becomes `other`, so that nothing from outside can make series without end. What was declared is
kept, and is what docs/metrics.md is written from.

Some totals are counted elsewhere, in the state that a loop publishes. `Total.reach` follows such a
level; it never goes back, as no counter may.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Generic, Literal, TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

OTHER = "other"
M = TypeVar("M", Counter, Gauge, Histogram)


@dataclass(frozen=True, slots=True)
class Declared:
    """One metric: what a page of documentation says of it."""

    name: str
    kind: Literal["counter", "gauge", "histogram", "info"]
    help: str
    labels: Mapping[str, tuple[str, ...]]


class Family(Generic[M]):
    """The series of one metric, one for each combination of the values its labels may have."""

    def __init__(self, metric: M, labels: Mapping[str, tuple[str, ...]]) -> None:
        self._metric: M = metric
        self._bounds = tuple(frozenset(values) for values in labels.values())
        self._series: dict[tuple[str, ...], M] = {}
        for values in product(*labels.values()):
            self.of(*values)

    def of(self, *values: str) -> M:
        """Give the series of these values, in the order of the labels."""
        bounded = tuple(
            value if value in bound else OTHER
            for value, bound in zip(values, self._bounds, strict=True)
        )
        if bounded not in self._series:
            self._series[bounded] = self._metric.labels(*bounded) if bounded else self._metric
        return self._series[bounded]

    def show(self: Family[Gauge], counts: Mapping[str, int]) -> None:
        """Set a gauge with one label to these counts, and to zero wherever they name nothing."""
        for series in self._series.values():
            series.set(0)
        for value, count in counts.items():
            self.of(value).inc(count)


class Total:
    """A family of counters that follow totals counted elsewhere."""

    def __init__(self, family: Family[Counter]) -> None:
        self._family = family
        self._reached: dict[tuple[str, ...], float] = {}

    def reach(self, total: float, *values: str) -> None:
        """Count what the total has grown by since it was last told."""
        growth = total - self._reached.get(values, 0)
        if growth > 0:
            self._family.of(*values).inc(growth)
            self._reached[values] = total


class Instruments:
    """Declares metrics into a registry; `declared` is all of them, in order."""

    def __init__(self, registry: CollectorRegistry, prefix: str) -> None:
        self._registry = registry
        self._prefix = prefix
        self.declared: list[Declared] = []

    def counter(self, name: str, text: str) -> Counter:
        """Declare a counter; its name ends in `_total`."""
        return Counter(*self._declare("counter", name, text), registry=self._registry)

    def gauge(self, name: str, text: str) -> Gauge:
        """Declare a gauge."""
        return Gauge(*self._declare("gauge", name, text), registry=self._registry)

    def histogram(self, name: str, text: str, buckets: Sequence[float]) -> Histogram:
        """Declare a histogram with its upper bounds."""
        declared = self._declare("histogram", name, text)
        return Histogram(*declared, buckets=buckets, registry=self._registry)

    def counters(self, name: str, text: str, **labels: Sequence[str]) -> Family[Counter]:
        """Declare a counter with labels, each with the values it may have."""
        bounded = _bounded(labels)
        declared = self._declare("counter", name, text, bounded)
        return Family(Counter(*declared, labelnames=bounded, registry=self._registry), bounded)

    def gauges(self, name: str, text: str, **labels: Sequence[str]) -> Family[Gauge]:
        """Declare a gauge with labels, each with the values it may have."""
        bounded = _bounded(labels)
        declared = self._declare("gauge", name, text, bounded)
        return Family(Gauge(*declared, labelnames=bounded, registry=self._registry), bounded)

    def histograms(
        self, name: str, text: str, buckets: Sequence[float], **labels: Sequence[str]
    ) -> Family[Histogram]:
        """Declare a histogram with labels, each with the values it may have."""
        bounded = _bounded(labels)
        declared = self._declare("histogram", name, text, bounded)
        metric = Histogram(*declared, labelnames=bounded, buckets=buckets, registry=self._registry)
        return Family(metric, bounded)

    def info(self, name: str, text: str, *labels: str) -> Gauge:
        """Declare a gauge that is 1, with labels of free text: it has one series at a time."""
        declared = self._declare("info", name, text, dict.fromkeys(labels, ()))
        return Gauge(*declared, labelnames=labels, registry=self._registry)

    def _declare(
        self,
        kind: Literal["counter", "gauge", "histogram", "info"],
        name: str,
        text: str,
        labels: Mapping[str, tuple[str, ...]] | None = None,
    ) -> tuple[str, str]:
        full = f"{self._prefix}_{name}"
        self.declared.append(Declared(full, kind, text, labels or {}))
        return full, text


def _bounded(labels: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
    return {name: tuple(map(str, values)) for name, values in labels.items()}

"""What Prometheus sees of the cluster: counts of the latest audit, never a series for each node.

Nothing is counted as it happens: a scrape writes down the latest report. Until there is one, the
cluster has no series at all, because nothing is known; from then on every series is there, at zero
where nothing is wrong.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator, Mapping
from typing import TypeAlias

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from hostgw_controller.audit import KINDS, REASONS
from hostgw_controller.auditor import Report

PREFIX = "hostgw_controller"

Series: TypeAlias = Mapping[str, float]


class Metrics(Collector):
    """Asks for the latest report and for the state of the watch at each scrape."""

    def __init__(
        self, *, report: Callable[[], Report | None], connected: Callable[[], bool], version: str
    ) -> None:
        self._report = report
        self._connected = connected
        self._build = {"version": version, "python": platform.python_version()}
        # A registry of its own, not prometheus-client's global one.
        self._registry = CollectorRegistry()
        self._registry.register(self)
        ProcessCollector(registry=self._registry)

    def exposition(self, accept: str) -> tuple[bytes, str]:
        """Give everything in the form that an Accept header asks for, and its content type."""
        try:
            encode, kind = choose_encoder(accept)
        except ValueError:  # the header asks for a version that is no number
            encode, kind = choose_encoder("")
        return encode(self._registry), kind

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Give every metric as it stands now."""
        build = GaugeMetricFamily(
            f"{PREFIX}_build_info", "Always 1; what is running.", labels=list(self._build)
        )
        build.add_metric(list(self._build.values()), 1)
        yield build
        yield _one("store_connected", "1 while the store is watched.", self._connected())
        report = self._report()
        if report is not None:
            yield from _cluster(report)


def _cluster(report: Report) -> Iterator[GaugeMetricFamily]:
    findings, occupancy = report.findings, report.findings.occupancy
    yield _many(
        "subnets",
        "Subnets of the pools, by state; total is the sum of the others.",
        "state",
        {
            "total": occupancy.total,
            "leased": occupancy.leased,
            "reserved": occupancy.reserved,
            "free": occupancy.free,
        },
    )
    yield _one("leases", "Leases that could be read, of every backend.", findings.leases)
    counts = {kind: len(findings.of(kind)) for kind in KINDS}
    yield _one("overlaps", "Pairs of keys whose subnets overlap.", counts["overlap"])
    yield _one(
        "duplicate_addresses",
        "Addresses that more than one lease has.",
        counts["duplicate_address"],
    )
    yield _many(
        "refused_records",
        "Records that could not be understood, by reason.",
        "reason",
        {reason: findings.refused.get(reason, 0) for reason in REASONS},
    )
    yield _many("findings", "What is wrong, by kind; /v1/findings tells it.", "kind", counts)
    yield _one("store_revision", "The store's revision that was audited last.", report.revision)
    yield _one("audit_duration_seconds", "How long the last audit took.", report.seconds)
    yield _one("last_audit_timestamp_seconds", "When the last audit ended.", report.moment)


def _one(name: str, help_: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"{PREFIX}_{name}", help_, value=value)


def _many(name: str, help_: str, label: str, series: Series) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"{PREFIX}_{name}", help_, labels=[label])
    for key, value in series.items():
        family.add_metric([key], value)
    return family

"""The routes: passes, writes, drift, and how long a change takes to arrive in the kernel."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from errno import errorcode

from hostgw_core.model import FAMILIES as NUMBERS
from hostgw_daemon.kernel import (
    HostChanged,
    KernelEvent,
    Overrun,
    RouteForeign,
    RouteLost,
    SwitchesChanged,
    Verb,
    Verdict,
)
from hostgw_daemon.routes.report import PassKind, Report, RoutesState
from hostgw_daemon.told.metrics.instruments import Instruments, Total

_SCALE = (0.0005, 0.001, 0.002, 0.003, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
CONVERGENCE = (*_SCALE, 30.0, 60.0)  # seconds
PASSES = (0.0001, 0.0002, *_SCALE)
FAMILIES = ("ipv4", "ipv6")
DRIFTS = ("deleted", "foreign", "unnoticed")  # as the reconciler tells them
EVENTS: dict[type[KernelEvent], str] = {
    RouteLost: "route_lost",
    RouteForeign: "route_foreign",
    HostChanged: "host_changed",
    SwitchesChanged: "switches_changed",
    Overrun: "overrun",
}
# What the kernel is known to answer; anything else is counted as other.
ERRNOS = ("EEXIST", "ENETUNREACH", "ENODEV", "ENETDOWN", "EPERM", "EINVAL", "ENOBUFS", "ENOMEM")


class RouteMetrics:
    """Reports are counted one by one; the state of the routes is a level."""

    def __init__(self, declare: Instruments) -> None:
        self._routes = declare.gauges(
            "routes",
            "Routes that should be in the kernel, that are, that are not, that are overruled.",
            family=FAMILIES,
            state=("desired", "installed", "missing", "shadowed", "fought_over", "withdrawn"),
        )
        self._complete = declare.gauge(
            "routes_complete", "Whether every desired route is known to be in the kernel."
        )
        self._convergence = declare.histogram(
            "convergence_seconds",
            "From the arrival of a change of the store to its route confirmed in the kernel.",
            CONVERGENCE,
        )
        self._operations = declare.counters(
            "route_operations_total",
            "Writes to the kernel's routing table, by what became of them.",
            family=FAMILIES,
            op=tuple(Verb),
            result=tuple(Verdict),
        )
        self._errors = declare.counters(
            "route_errors_total", "Writes that the kernel refused, by its answer.", errno=ERRNOS
        )
        self._durations = declare.histograms(
            "reconcile_duration_seconds", "How long a pass took.", PASSES, kind=tuple(PassKind)
        )
        self._failures = declare.counter(
            "reconcile_failures_total", "Passes in which the kernel refused a write."
        )
        self._success = declare.gauge(
            "last_reconcile_success_timestamp_seconds",
            "When a full pass last ended without a refusal; 0 while none has.",
        )
        self._drift = Total(
            declare.counters(
                "route_drift_total",
                "Changes by others: routes deleted, places taken, losses that only an audit found.",
                cause=DRIFTS,
            )
        )
        self._events = declare.counters(
            "netlink_events_total",
            "Notifications of the kernel that concern us; overrun: it dropped some.",
            type=tuple(EVENTS.values()),
        )

    def passed(self, report: Report, epoch: float) -> None:
        """Count a pass; `epoch` is the time.time at which time.monotonic was 0."""
        self._durations.of(report.kind).observe(report.seconds)
        for moment in report.seen:
            self._convergence.observe(max(0.0, report.finished - moment))
        done = Counter(
            (len(outcome.write.route.destination), outcome.write.verb, outcome.verdict)
            for outcome in report.outcomes
        )
        for (size, verb, verdict), count in done.items():
            self._operations.of(FAMILIES[size > 4], verb, verdict).inc(count)
        for outcome in report.troubles:
            self._errors.of(errorcode.get(outcome.errno, "")).inc()
        if report.troubles:
            self._failures.inc()
        elif report.kind is PassKind.FULL:
            self._success.set(report.finished + epoch)

    def stand(self, state: RoutesState) -> None:
        """Show the state of the routes."""
        missing = Counter(outcome.write.route.family for outcome in state.missing)
        shadowed = Counter(4 if len(each.destination) == 4 else 6 for each in state.shadows)
        fought_over = Counter(6 if ":" in prefix else 4 for prefix in state.fights)
        for family in NUMBERS:
            wanted = state.wanted.get(family, 0)
            for word, count in (
                ("desired", wanted),
                ("installed", wanted - missing[family]),
                ("missing", missing[family]),
                ("shadowed", shadowed[family]),
                ("fought_over", fought_over[family]),
                ("withdrawn", state.withdrawn.get(family, 0)),
            ):
                self._routes.of(f"ipv{family}", word).set(count)
        self._complete.set(state.complete)
        for cause, count in state.drift.items():
            self._drift.reach(count, cause)

    def heard(self, events: Iterable[KernelEvent]) -> None:
        """Count notifications of the kernel."""
        for event in events:
            self._events.of(EVENTS[type(event)]).inc()

"""A cluster as it is understood, without a store; its guard waits as long as a test says."""

from __future__ import annotations

from collections.abc import Callable

from hostgw_core.history import History
from hostgw_daemon.routes.cluster import Cluster, News
from hostgw_daemon.routes.guard import Guard
from hostgw_daemon.routes.holds import Patience
from support.lease_world import KEYS, ME

AT_ONCE = Patience(grace=0, hold=0)
"""For tests of everything else: what goes from the store goes from the kernel."""


def guard_of(patience: Patience = AT_ONCE, history: History | None = None) -> Guard:
    """Make a guard."""
    return Guard(KEYS, ME, patience, history or History())


def cluster_of(
    told: Callable[[News], None],
    *,
    guard: Guard | None = None,
    clock: Callable[[], float] = lambda: 0.0,
) -> Cluster:
    """Make a cluster."""
    return Cluster(KEYS, ME, guard=guard or guard_of(), told=told, clock=clock)

"""What the guard keeps back."""

from __future__ import annotations

from hostgw_core.health import Kind, Severity

_WARNING, _ERROR = Severity.WARNING, Severity.ERROR

GUARD = (
    Kind(
        "headless",
        _WARNING,
        "The store has not answered since the start; this node goes by what it remembers.",
        "Look at etcd and the way to it; nothing is to be done on this node.",
    ),
    Kind(
        "removals_held",
        _WARNING,
        "Leases went from the store as if by accident; the routes to their nodes are kept.",
        "See `hostgwctl hold list`; let go of nodes that are gone with `hostgwctl hold accept`.",
        explained_by=("history_broken", "foreign_history"),
    ),
    Kind(
        "history_broken",
        _ERROR,
        "The store was wiped or restored, and what contradicts the network is not believed.",
        "Nothing, if it passes within minutes; else see `hostgwctl hold list`, and accept or mend.",
    ),
    Kind(
        "foreign_history",
        _ERROR,
        "The store of another cluster answers, and nothing in it is believed.",
        "Correct --etcd-endpoints, or say that it is ours: `hostgwctl hold accept --history`.",
    ),
)

"""How routes are written, watched, and let go."""

from __future__ import annotations

from hostgw_core.settings import Setting, kinds

_DAY = 86400

ROUTES = (
    Setting(
        name="route-metric",
        kind=kinds.integer(0, 2**32 - 1),
        default="0",
        help="One metric for all routes; 0 gives each its own, computed from its destination, "
        "which the kernel handles much faster.",
    ),
    Setting(
        name="audit-interval",
        kind=kinds.seconds(1, _DAY),
        default="60s",
        help="How often all routes are compared with the kernel's, beside whenever it says that "
        "something changed.",
    ),
    Setting(
        name="removal-grace",
        kind=kinds.seconds(0, 3600),
        default="2s",
        help="How long a route outlives the lease that goes from the store, unless somebody else "
        "gets the subnet: time to put back what was deleted by mistake.",
    ),
    Setting(
        name="removal-hold",
        kind=kinds.seconds(0, 7 * _DAY),
        default="5m",
        help="How long routes outlive leases that go in such number that it looks like an "
        "accident; after that those go whose gateway does not answer on the link. 0: not at all.",
    ),
)

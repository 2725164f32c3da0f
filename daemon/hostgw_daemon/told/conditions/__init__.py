"""Every condition the daemon can be in: the whole table, as data.

Readiness is decided elsewhere (`checks`: lease held, first complete pass done, last pass right). A
kind is `unready` only where the node must not be given work at all; a store that does not answer is
*not*: the routes stand, and an outage of etcd must not take every node out of service at once.

A kind names in `explained_by` what makes it a mere symptom. Titles say what is so, cures say what
to do: one plain sentence each.

One module a subject; here they come together, in the order in which they are shown.
"""

from __future__ import annotations

from hostgw_core.health import Kind
from hostgw_daemon.told.conditions.claim import CLAIM
from hostgw_daemon.told.conditions.cluster import NETWORK, UPLINK
from hostgw_daemon.told.conditions.guard import GUARD
from hostgw_daemon.told.conditions.host import HOST
from hostgw_daemon.told.conditions.packets import PACKETS
from hostgw_daemon.told.conditions.routes import ROUTES
from hostgw_daemon.told.conditions.store import STORE

KINDS: tuple[Kind, ...] = (
    *NETWORK,
    *UPLINK,
    *STORE,
    *GUARD,
    *CLAIM,
    *ROUTES,
    *PACKETS,
    *HOST,
)
CODES: frozenset[str] = frozenset(kind.code for kind in KINDS)

OF_STORE: frozenset[str] = frozenset(
    {*(kind.code for kind in STORE), "no_config", "bad_config", "headless"}
)
"""What is said of the store and its records: everybody sees it there, and no node writes it there.
"""

"""Rows of the table for a node that leaves on purpose.

Its lease is put in quarantine, which takes it out of use and lets nobody have its subnet; when the
others have let go it is released, and then the presence. After that nothing is claimed.
"""

from __future__ import annotations

from hostgw_core.model import QUARANTINE
from hostgw_daemon.claim.action import Action, Announce, Depart, Quarantine, Wait, Withdraw
from hostgw_daemon.claim.ownership import is_me, own
from hostgw_daemon.claim.sight import Sight
from hostgw_daemon.claim.terms import fence, quarantined, unchanged


def left(sight: Sight) -> Action | None:
    """Claim nothing once this node has left on purpose, not even what others have left for it."""
    if not sight.leaving or any(own(sight)):
        return None
    if sight.presence is not None and is_me(sight, sight.presence):
        return Depart(sight.presence)
    said = f"; {sight.withdrawal}" if sight.withdrawal and sight.withdrawal.behind else ""
    return Wait("drained", f"it has no subnet, as was asked for{said}")


def leaves(sight: Sight) -> Action | None:
    """Put our lease in quarantine, and release it when the others have let go.

    Each write is by our presence, as any other: where that is not ours, the rows below see to it
    first, and where there is none, we are announced again.
    """
    if not sight.leaving:
        return None
    if sight.presence is None:
        return Announce()
    return _let_go(sight) if is_me(sight, sight.presence) else None


def _let_go(sight: Sight) -> Action:
    mine = tuple(own(sight))
    in_use = next((lease for lease in mine if lease.backend != QUARANTINE), None)
    if in_use is not None:
        compares = (unchanged(in_use), fence(sight))
        return Quarantine(in_use, quarantined(in_use), compares, in_use.etcd_lease or None)
    if not sight.let_go:
        said = f": {sight.withdrawal}" if sight.withdrawal is not None else ""
        what = f"{mine[0].subnets} is in quarantine until the others let go of it"
        return Wait("draining", what + said)
    return Withdraw(mine[0], (unchanged(mine[0]), fence(sight)))

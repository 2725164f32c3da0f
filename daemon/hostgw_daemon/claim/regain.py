"""Rows of the table for a store whose history is broken: wiped, restored, or of another cluster.

What this node held before goes back into the store by itself, so that the cluster heals without a
person: first the network's own record where a wipe took it, then our lease. Whoever stands in its
place is a leftover of a backup, or came in the moments between. A living node has shown after
`PROOF` seconds that it lives, and is believed; what is left then belongs to a node that is gone.

Into the store of another cluster nothing is written: there, our lease would be a lie.
"""

from __future__ import annotations

from hostgw_core.history import PROOF
from hostgw_core.store import Compare, Span
from hostgw_core.subnets import fits
from hostgw_daemon.claim.action import Action, Hold, Restore, Wait, Withdraw
from hostgw_daemon.claim.ownership import leftovers_on_ours, on_ours, own
from hostgw_daemon.claim.pairing import guarded
from hostgw_daemon.claim.sight import Sight
from hostgw_daemon.claim.terms import fails, fence, unchanged, value


def another_cluster(sight: Sight) -> Action | None:
    """Write nothing at all, and wait for the store that we know, or for an operator."""
    broken = sight.broken
    if broken is None or not broken.foreign:
        return None
    return Wait("foreign_history", broken.sentence())


def network_lost(sight: Sight) -> Action | None:
    """Put the network's record back as it was, where none is."""
    if sight.broken is None or sight.config_written or not sight.network:
        return None
    key = sight.keys.config
    return Restore(key, sight.network, (Compare(Span(key), "version", 0), fence(sight)))


def put_back(sight: Sight) -> Action | None:
    """Take the subnet that we hold again, over what a node that is gone has left on it.

    A lease there that was written since is somebody's, and what cannot be read, or flannel wrote
    for this host, is for later rows: then this one says nothing.
    """
    subnets, leftovers = sight.remembered, tuple(leftovers_on_ours(sight))
    if not _to_put_back(sight) or len(leftovers) < len(tuple(on_ours(sight))):
        return None
    proved = sight.broken_for >= PROOF  # before that a presence may be left over, as the lease is
    if proved and any(lease.node_id in sight.alive for lease in leftovers):
        return None
    if leftovers and not (proved and all(each.node_id for each in leftovers)):
        names = ", ".join(sorted(lease.owner for lease in leftovers))
        return Wait("history_broken", f"on {subnets} lies a lease of {names}, of another history")
    for lease in leftovers:
        return Withdraw(lease, (unchanged(lease), fence(sight)))
    compares = (
        Compare(sight.keys.block(subnets), "version", 0),
        Compare(Span(sight.keys.config), "modified", sight.config_written),
        fence(sight),
    )
    if any(fails(sight, compare) for compare in compares):
        return None
    key = sight.keys.lease(subnets)
    return guarded(sight, Hold("put back", subnets, key, value(sight, subnets), compares))


def _to_put_back(sight: Sight) -> bool:
    """Tell whether we hold a subnet of the network that a broken history does not say is ours."""
    subnets, config = sight.remembered, sight.config
    return (
        sight.broken is not None
        and config is not None
        and any(subnets)
        and sight.me.addresses.cover(subnets)
        and fits(config, subnets) is None
        and all(lease.subnets != subnets for lease in own(sight))
    )

"""Whose is what in a sight: our own leases, those at our address, those on our subnet."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from hostgw_core.model import Lease, Presence
from hostgw_core.subnets import fits
from hostgw_daemon.claim.pairing import kept_for_another
from hostgw_daemon.claim.sight import Sight
from hostgw_daemon.claim.terms import alone, here


def rivals(sight: Sight) -> tuple[str, ...]:
    """Give the node ids whose presence must be known before a decision.

    Those at our address, and those whose leftovers lie on our subnet.
    """
    ids = {lease.node_id for lease in sight.leases if lease.node_id and here(sight, lease)}
    ids |= {lease.node_id for lease in leftovers_on_ours(sight) if lease.node_id}
    return tuple(sorted(ids - {sight.me.node_id}))


def is_me(sight: Sight, presence: Presence) -> bool:
    """Tell whether a presence is this process's own."""
    return presence.instance == sight.me.instance


def was_me(sight: Sight, presence: Presence) -> bool:
    """Tell whether it was left by an earlier process of this host.

    Not once we have announced ourselves: whoever stands there after that has deposed us, and two
    copies of one host must not depose each other for ever. What a broken history has left there
    was written before that.
    """
    if sight.announced and not sight.leftover(presence.modified):
        return False
    former = sight.me.former
    return (former != "" and presence.instance == former) or presence.addresses.meets(
        sight.me.addresses
    )


def own(sight: Sight) -> Iterator[Lease]:
    """Give the leases of this node."""
    return (lease for lease in sight.leases if lease.node_id == sight.me.node_id)


def own_lease(sight: Sight) -> Lease | None:
    """Give the lease of this node, the one to stay with if there are several."""
    return _best(sight, own(sight))


def living_rivals(sight: Sight) -> Iterator[Lease]:
    """Give the leases of other living nodes at our address, if they say that they are there."""
    alive = sight.alive - sight.elsewhere - {sight.me.node_id}
    return (lease for lease in sight.leases if lease.node_id in alive and here(sight, lease))


def adoptable(sight: Sight, of_node: Callable[[str], bool]) -> Lease | None:
    """Give a lease at our address that the network still has, of a node id that may be ours.

    None of which another node holds a part: that would be two nodes with one subnet.
    """
    assert sight.config is not None
    config = sight.config
    near = (each for each in sight.leases if of_node(each.node_id) and here(sight, each))
    kinds = (config, replace(config, ipv6=None))  # of IPv4 alone, it is widened afterwards
    fitting = (each for each in near if any(fits(kind, each.subnets) is None for kind in kinds))
    whole = (each for each in fitting if alone(sight, each.key, each.subnets))
    return _best(
        sight,
        (e for e in whole if not kept_for_another(sight, e.subnets, node_id=e.node_id)),
    )


def _best(sight: Sight, leases: Iterable[Lease]) -> Lease | None:
    """Give the lease to stay with: the one we remember, else one that fits, else the oldest."""
    config = sight.config
    assert config is not None
    return min(
        leases,
        key=lambda lease: (
            lease.subnets != sight.remembered,
            fits(config, lease.subnets) is not None,
            lease.created,
        ),
        default=None,
    )


def on_ours(sight: Sight) -> Iterator[Lease]:
    """Give the leases of others that overlap the subnet we held last.

    What flannel wrote at our address is of this host.
    """
    for lease in sight.leases:
        others = lease.node_id != sight.me.node_id if lease.node_id else not here(sight, lease)
        if others and any(
            one.version == other.version and one.overlaps(other)
            for one in lease.subnets
            for other in sight.remembered
        ):
            yield lease


def leftovers_on_ours(sight: Sight) -> Iterator[Lease]:
    """Give those of them that a broken history has left."""
    return (lease for lease in on_ours(sight) if sight.leftover(lease.modified))

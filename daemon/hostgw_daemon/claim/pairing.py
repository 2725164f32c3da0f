"""Pairs that flannel drew: an IPv6 subnet beside an IPv4 subnet to which it does not belong.

What a claim compares is the range of keys of one IPv4 subnet. That says all where both subnets have
one number. But flannel draws the two apart, and such a pair is adopted, and taken again when it was
lost: then two nodes that want one IPv6 subnet would meet in no range. So whoever writes a pair that
was drawn apart

* compares the range of the pair to which its IPv6 subnet belongs: nothing has come there;
* writes, with the lease, its own reservation of the IPv6 subnet alone, on an etcd lease of its own:
  whoever takes that subnet, with whatever other one, compares the reservations of both families.
"""

from __future__ import annotations

from dataclasses import replace

from hostgw_core.model import Subnets
from hostgw_core.records import reservation_value
from hostgw_core.subnets import index_of, paired
from hostgw_daemon.claim.action import Hold
from hostgw_daemon.claim.sight import Sight
from hostgw_daemon.claim.terms import as_read, ours


def guarded(sight: Sight, hold: Hold) -> Hold:
    """Let nobody take the IPv6 subnet of a pair that was drawn apart, while it is written."""
    number = _belongs_to(sight, hold.subnets)
    if number is None:
        return hold
    assert sight.config is not None
    compares = [*hold.compares]
    belonging = paired(sight.config, number)
    if belonging is not None:
        seen = [(lease.key, lease.modified) for lease in sight.leases]
        seen += [(entry.key, entry.modified) for entry in sight.spoilt]
        compares.extend(as_read(sight.keys.block(belonging), seen))
    ipv6 = Subnets(ipv6=hold.subnets.ipv6)
    block = sight.keys.reservation_block(ipv6)
    kept = [(each.key, each.modified) for each in sight.reservations if each.key in block]
    kept += [(entry.key, entry.modified) for entry in sight.spoilt if entry.key in block]
    compares.extend(as_read(block, kept))
    mark = (sight.keys.reservation(ipv6), reservation_value(node_id=sight.me.node_id))
    return replace(hold, compares=tuple(compares), beside=() if kept else (mark,))


def kept_for_another(sight: Sight, subnets: Subnets, *, node_id: str = "") -> bool:
    """Tell whether the IPv6 subnet of a pair that was drawn apart is another node's by reservation.

    `node_id` is the node that we were, if we were one: its reservations are ours.
    """
    if _belongs_to(sight, subnets) is None:
        return False
    block = sight.keys.reservation_block(Subnets(ipv6=subnets.ipv6))
    there = (each for each in sight.reservations if each.key in block)
    strangers = (each for each in there if not ours(sight, each))
    return any(not node_id or each.node_id != node_id for each in strangers)


def _belongs_to(sight: Sight, subnets: Subnets) -> int | None:
    """Give the number of the IPv6 subnet where the IPv4 subnet has another one."""
    config = sight.config
    if config is None or config.ipv4 is None or config.ipv6 is None:
        return None
    if subnets.ipv4 is None or subnets.ipv6 is None:
        return None
    number = index_of(config.ipv6, subnets.ipv6)
    return number if number != index_of(config.ipv4, subnets.ipv4) else None

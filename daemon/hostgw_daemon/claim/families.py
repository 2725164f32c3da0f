"""The address families of a lease: which ones this node can hold, and how a lease gets IPv6.

A node without an IPv6 address in a network of both families holds a lease of IPv4 alone. It is no
dual-stack lease with an empty address: flannel ends on reading one (it takes the address of what
is null). What a lease says of a family that this node has no address of *now* is left as it is: the
address may be back in a moment, and nobody is served by a lease that is written over twice.

A lease of IPv4 alone becomes one of both families as soon as the network and this host have both.
The IPv4 subnet stays, and with it every route to it; one transaction deletes the old key and writes
the new one, so that the other nodes never see the subnet without an owner. It compares the whole
range of keys of the IPv4 subnet, like any claim, with nothing but the old key in it.

It waits for flannel. A flanneld reads the network once, at its start, and one that has read of no
IPv6 hangs for good on the first lease of both families. Its own lease, of IPv4 alone, shows that it
has not been started anew; then it goes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from hostgw_core.model import HOST_GW, ClusterConfig, Lease, Subnets
from hostgw_core.store import Compare, Span
from hostgw_core.subnets import Taken, candidates, fits, index_of, paired, too_much
from hostgw_daemon.claim.action import Action, Hold
from hostgw_daemon.claim.ownership import own_lease
from hostgw_daemon.claim.pairing import guarded
from hostgw_daemon.claim.sight import Sight
from hostgw_daemon.claim.terms import (
    as_read,
    fails,
    fence,
    ours,
    reservation_compares,
    value,
)


def usable(sight: Sight) -> ClusterConfig:
    """Give the network as far as this host can be a node of it: without IPv6 if it has none."""
    assert sight.config is not None
    if sight.config.ipv4 is None or sight.me.addresses.ipv6 is not None:
        return sight.config
    return replace(sight.config, ipv6=None)


def misfit(sight: Sight, subnets: Subnets) -> str:
    """Say why a lease of these subnets is not what this node should hold, "" if it is.

    One of both families is, also while this host has no IPv6 address.
    """
    assert sight.config is not None
    reason = fits(sight.config, subnets)
    if reason is None or fits(usable(sight), subnets) is None:
        return ""
    waits = flannels_of_ipv4(sight) if lacks_ipv6(sight) else ()
    if waits:
        reason += f"; it is taken once flannel's lease {waits[0].subnets} has one, or is gone"
    return reason


def widen(sight: Sight) -> Action | None:
    """Give our lease the IPv6 subnet that it lacks."""
    mine, config = own_lease(sight), sight.config
    assert config is not None
    if mine is None or sight.config_gone or sight.broken is not None:
        return None
    if not lacks_ipv6(sight) or flannels_of_ipv4(sight):
        return None
    for subnets in _wider(sight, config, mine.subnets):
        compares = (
            *as_read(sight.keys.block(subnets), [(mine.key, mine.modified)]),
            Compare(Span(sight.keys.config), "modified", config.revision),
            *reservation_compares(sight, subnets),
            fence(sight),
        )
        if any(fails(sight, each) for each in compares):
            continue
        key, said = sight.keys.lease(subnets), value(sight, subnets)
        etcd_lease = None if mine.etcd_lease else 0
        hold = Hold("widened", subnets, key, said, compares, etcd_lease, instead=mine.key)
        return guarded(sight, hold)
    return None


def lacks_ipv6(sight: Sight) -> bool:
    """Tell whether our lease fits but for an IPv6 subnet, which it could have."""
    mine, config = own_lease(sight), sight.config
    return (
        mine is not None
        and config is not None
        and config.ipv4 is not None
        and config.ipv6 is not None
        and sight.me.addresses.ipv6 is not None
        and mine.backend == HOST_GW
        and fits(replace(config, ipv6=None), mine.subnets) is None
    )


def flannels_of_ipv4(sight: Sight) -> tuple[Lease, ...]:
    """Give the leases of IPv4 alone that flannel wrote: those of nodes that know of no IPv6."""
    return tuple(
        each
        for each in sight.leases
        if not each.node_id and each.backend == HOST_GW and each.subnets.ipv6 is None
    )


def _wider(sight: Sight, config: ClusterConfig, subnets: Subnets) -> Iterator[Subnets]:
    """Give our IPv4 subnet with each IPv6 subnet that is free: the one that belongs to it first."""
    assert config.ipv4 is not None
    assert config.ipv6 is not None
    assert subnets.ipv4 is not None
    others = [r for r in sight.reservations if not ours(sight, r)]
    kept = [subnet for reservation in others for subnet in reservation.subnets]
    occupied = (each for each in sight.occupied if not too_much(config, each))
    taken = Taken([*occupied, *sight.avoid, *kept])
    number = index_of(config.ipv4, subnets.ipv4)
    belonging = paired(config, number) if number is not None else None
    reserved = (r.subnets for r in sight.reservations if ours(sight, r))
    first = [*reserved, *([belonging] if belonging is not None else [])]
    for each in (*first, *candidates(config, sight.me.node_id)):
        if each.ipv6 is None or taken.overlaps(each.ipv6):
            continue
        if index_of(config.ipv6, each.ipv6) is not None:
            yield Subnets(subnets.ipv4, each.ipv6)


def same_again(sight: Sight) -> Subnets:
    """Give the subnet we held last as the network and this host could have it now.

    The IPv6 subnet is the one that belongs to it where there was none.
    """
    config, before = usable(sight), sight.remembered
    if config.ipv4 is not None and config.ipv6 is not None and before.ipv6 is None:
        number = index_of(config.ipv4, before.ipv4) if before.ipv4 is not None else None
        return (paired(config, number) if number is not None else None) or before
    return before.only(config.families)

"""The terms of a claim's writes: what a lease of ours says, and what must be true for a write.

Each compare names a thing as it was in the sight; the store checks all of them at the moment of the
write. What a claim may write, and when, is in `claim`.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from typing import Final

from hostgw_core.keys import networks_in
from hostgw_core.model import HOST_GW, QUARANTINE, Addresses, Lease, Subnets
from hostgw_core.records import Reservation, lease_value
from hostgw_core.store import Compare, Span
from hostgw_core.subnets import Taken
from hostgw_daemon.claim.action import Hold
from hostgw_daemon.claim.sight import Me, Sight

NO_ADDRESSES: Final = Addresses()


def says(lease: Lease, sight: Sight) -> bool:
    """Tell whether a lease of ours says what we would write."""
    me = sight.me
    told = (lease.backend, lease.gateways, lease.node, lease.further)
    return told == (HOST_GW, _gateways(me, lease.subnets, lease.gateways), me.node, me.further)


def _gateways(me: Me, subnets: Subnets, told: Addresses) -> Addresses:
    """Give our addresses in the subnets' families; what was told in one that we have none of.

    Where IPv6 leads to IPv4, too, it is told in any case.
    """
    now = Addresses(me.addresses.ipv4 or told.ipv4, me.addresses.ipv6 or told.ipv6)
    return now.only((*subnets.families, 6) if me.via6 else subnets.families)


def value(sight: Sight, subnets: Subnets, told: Addresses = NO_ADDRESSES) -> bytes:
    """Give the value of a lease of these subnets, as it is to be written; `told` is what it says.

    It matters in a family that this host has no address of now.
    """
    me, gateways = sight.me, _gateways(sight.me, subnets, told)
    return lease_value(gateways=gateways, node=me.node, node_id=me.node_id, further=me.further)


def rewrite(sight: Sight, lease: Lease, how: str, etcd_lease: int | None) -> Hold:
    """Write the lease of a key that stands, if it is unchanged."""
    compares = (unchanged(lease), fence(sight))
    content = value(sight, lease.subnets, lease.gateways)
    return Hold(how, lease.subnets, lease.key, content, compares, etcd_lease)


def quarantined(lease: Lease) -> bytes:
    """Give the value that takes a lease out of use: neither flannel nor hostgw routes to it."""
    return lease_value(
        gateways=lease.gateways, backend=QUARANTINE, node=lease.node, node_id=lease.node_id
    )


def ours(sight: Sight, reservation: Reservation) -> bool:
    """Tell whether a reservation is for this node."""
    return reservation.meant_for(node=sight.me.node, node_id=sight.me.node_id)


def reservation_compares(sight: Sight, subnets: Subnets) -> Iterator[Compare]:
    """No reservation came since we looked: in the subnets' ranges are ours as we read them."""
    seen = [(reservation.key, reservation.modified) for reservation in sight.reservations]
    yield from as_read(sight.keys.reservation_block(subnets), seen)
    if subnets.ipv4 is not None and subnets.ipv6 is not None:
        yield from as_read(sight.keys.reservation_block(Subnets(ipv6=subnets.ipv6)), seen)


def as_read(span: Span, seen: Iterable[tuple[bytes, int]]) -> Iterator[Compare]:
    """Nothing came into a range since we looked, and what we saw there is unchanged.

    `seen` are keys, there and elsewhere, and the revisions at which they were written.
    """
    start = span.start
    for key, modified in sorted(seen):
        if key in span:
            yield Compare(Span(start, key), "version", 0)
            yield Compare(Span(key), "modified", modified)
            start = key + b"\0"
    yield Compare(Span(start, span.end), "version", 0)


def fails(sight: Sight, compare: Compare) -> bool:
    """Tell whether a key, were it but nonsense, stands where a write wants none."""
    if compare.field != "version":
        return False
    place = bisect_left(sight.names, compare.span.start)
    return place < len(sight.names) and sight.names[place] in compare.span


def here(sight: Sight, lease: Lease) -> bool:
    """Tell whether a lease is at our address."""
    return lease.gateways.meets(sight.me.addresses)


def alone(sight: Sight, key: bytes, subnets: Subnets) -> bool:
    """Tell whether no other key has a part of these subnets, but for flannel's at our address.

    Nobody compares the whole of a key that stands: flannel puts its own unasked, pairs the families
    as it likes, and may write a subnet of both families that a node holds in one.
    """
    leases = (each for each in sight.leases if each.node_id or not here(sight, each))
    others = [network for each in leases if each.key != key for network in each.subnets]
    for entry in sight.spoilt:
        if entry.key != key:
            others.extend(networks_in(sight.keys.subnets_of(entry.key)))
    taken = Taken(others)
    return not any(map(taken.overlaps, subnets))


def unchanged(lease: Lease) -> Compare:
    """Compare: the key is as we read it."""
    return Compare(Span(lease.key), "modified", lease.modified)


def fence(sight: Sight) -> Compare:
    """Our presence is still the one that we announced: nobody has deposed us."""
    assert sight.presence is not None
    key = sight.keys.node(sight.me.node_id)
    return Compare(Span(key), "created", sight.presence.created)

"""Two nodes with one address: who came first, and the note by which the other one tells it.

Who came first is who says the address in the store already, and of two that do, who has said it for
longer. A node that lives and says in its presence that it is somewhere else now does not have the
address any more, though its lease may still say so: two nodes that swap their addresses must not
wait for each other.

The other one claims nothing while that lasts, and leaves a note, a `Dispute`, which every node of
the cluster reads. The note is a level, like everything here: it is written where it is missing,
and taken back where it is not true any more, also one that a former process of this host has left.
It says only what is so, and is no part of any claim: so it is written even while it is not known
yet whether another node lives under our node id.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from hostgw_core.model import Lease
from hostgw_core.records import Dispute, presence_value
from hostgw_core.store import Compare, Span
from hostgw_daemon.claim.action import Concede, Contend
from hostgw_daemon.claim.ownership import living_rivals, own_lease
from hostgw_daemon.claim.sight import Sight

MOST: Final = 16
"""Notes that one node gets at most: where ten thousand are given one address by mistake, each of
them would otherwise be told of each other one."""


def incumbent(sight: Sight) -> Lease | None:
    """Give the lease of the living node that has our address and came first, if there is one."""
    foreign = sight.broken is not None and sight.broken.foreign
    if sight.config is None or sight.leaving or foreign:
        return None
    mine = own_lease(sight)
    for lease in sorted(living_rivals(sight), key=lambda lease: lease.modified):
        if mine is None or not _says(mine, lease, sight) or lease.modified < mine.modified:
            return lease
    return None


def contested(sight: Sight, first: Lease) -> str:
    """Say who has our address, in words."""
    return f"{first.owner} already uses {sight.me.addresses} and holds {first.subnets}"


def note(sight: Sight) -> Contend | Concede | None:
    """Give what is to be done about our notes: nothing, once they tell what is so."""
    first, me = incumbent(sight), sight.me
    key = sight.keys.dispute(first.node_id, me.node_id) if first is not None else b""
    stale = next((each for each in _ours(sight) if each.key != key), None)
    if stale is not None:
        return Concede(stale.key, (Compare(Span(stale.key), "modified", stale.modified),))
    if first is None or any(each.key == key and _tells(each, sight) for each in sight.disputes):
        return None
    if sum(each.holder == first.node_id and each.key != key for each in sight.disputes) >= MOST:
        return None
    value = presence_value(instance=me.instance, node=me.node, addresses=me.addresses)
    return Contend(key, value)


def _says(mine: Lease, rival: Lease, sight: Sight) -> bool:
    """Tell whether our lease says all that the rival's has of our addresses."""
    theirs = {*rival.gateways}
    return all(each in mine.gateways for each in sight.me.addresses if each in theirs)


def _ours(sight: Sight) -> Iterator[Dispute]:
    """Give the notes of this process and of the one before it."""
    me = sight.me
    for each in sight.disputes:
        if each.claimant.node_id == me.node_id and each.claimant.instance in {
            me.instance,
            me.former or me.instance,
        }:
            yield each


def _tells(dispute: Dispute, sight: Sight) -> bool:
    """Tell whether a note says who and where we are, and does not end with our former process.

    Of which process it is otherwise matters to nobody: two copies of one host say the same.
    """
    me, claimant = sight.me, dispute.claimant
    told = (claimant.node, claimant.addresses) == (me.node, me.addresses)
    return told and (not me.former or claimant.instance != me.former)

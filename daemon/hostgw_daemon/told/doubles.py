"""Nodes with one address: which those are, and the sentence that names both and says the cure.

What is known of it stands in the store: the note of a node that wants the address of another one,
and on the two themselves the lease of a node at this host's own address, which cannot be used.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from hostgw_core.model import Addresses, Lease
from hostgw_core.records import Dispute, lease_of
from hostgw_daemon.probe.evidence import Cause
from hostgw_daemon.routes.peers import OWN_ADDRESS, Peer
from hostgw_daemon.routes.understanding import Understanding

DUPLICATE: Final = "duplicate_address"
"""The state of each of the nodes."""

ASTRAY: Final = "its answers may go to the other node that has the address of this one"
"""Why nothing is known of a peer that seems to be silent."""

_ASTRAY: Final = frozenset({Cause.UNREACHABLE, Cause.PATH_FILTERED, Cause.MTU})


def claimants(now: Understanding | None) -> list[str]:
    """Name the nodes that want this host's address: by their notes, and by their leases."""
    if now is None or now.roster is None:
        return []
    own, found = now.roster.policy.node_id, []
    if now.roster.reasons.get(OWN_ADDRESS):
        refusals = now.roster.refusals.values()
        found += [one.detail for one in refusals if one.reason == OWN_ADDRESS]
    for each in now.disputes.values():
        if each.holder == own:
            who = each.claimant
            found.append(f"the node {who.node} ({who.node_id}) wants {who.addresses}")
    return found


def doubles(now: Understanding | None) -> Mapping[str, str]:
    """Give the ids of the nodes that have an address together, each with what is to be said."""
    if now is None or not now.disputes:
        return {}
    ids = {each.holder for each in now.disputes.values()}
    holders = {lease.node_id: lease for lease in _leases(now) if lease.node_id in ids}
    found: dict[str, str] = {}
    for each in now.disputes.values():
        first, other = _holder(each, holders), each.claimant
        address = _shared(each, holders)
        cure = f"give {other.node} an address of its own"
        found.setdefault(
            each.holder, f"{other.node} wants {address}, the address of {first}: {cure}"
        )
        found.setdefault(other.node_id, f"it wants {address}, the address of {first}: {cure}")
    return found


def astray(now: Understanding | None, cause: Cause) -> bool:
    """Tell whether a cause says nothing: another node has our address, and may get our answers."""
    if now is None or now.roster is None or cause not in _ASTRAY:
        return False
    own = now.roster.policy.node_id
    return any(own in (each.holder, each.claimant.node_id) for each in now.disputes.values())


def at_our_address(now: Understanding | None) -> Iterator[tuple[Peer, str]]:
    """Give the nodes whose leases have this host's own address, each with what is to be said.

    They are no peers: no route leads through ourselves.
    """
    if now is None or now.roster is None or not now.roster.reasons.get(OWN_ADDRESS):
        return
    policy, entries = now.roster.policy, now.snapshot.entries
    for key, refusal in now.roster.refusals.items():
        entry = entries.get(key) if refusal.reason == OWN_ADDRESS else None
        lease = lease_of(policy.keys, entry) if entry is not None else None
        if isinstance(lease, Lease):
            why = f"{lease.owner} has {policy.addresses}, which is this host's own address, too"
            cure = "give one of the two another address, or release the lease if that host is gone"
            yield Peer(lease), f"{why}: {cure}"


def _leases(now: Understanding) -> Iterable[Lease]:
    peers = now.roster.peers.values() if now.roster is not None else ()
    yield from (peer.lease for peer in peers)
    yield from (peer.lease for peer, _ in at_our_address(now))


def _holder(dispute: Dispute, holders: Mapping[str, Lease]) -> str:
    lease = holders.get(dispute.holder)
    return lease.owner if lease is not None else dispute.holder


def _shared(dispute: Dispute, holders: Mapping[str, Lease]) -> str:
    """Give the address that both have, in words; where it is not known, what is wanted."""
    lease, wanted = holders.get(dispute.holder), dispute.claimant.addresses
    both = [each for each in wanted if lease is not None and each in lease.gateways]
    return " and ".join(map(str, both or wanted)) or str(Addresses())

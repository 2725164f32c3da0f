"""Nodes whose records are not used: they may well be there, and no route leads to them.

A record whose key names no subnet is nobody's; it is told of by the condition alone. So are those
that are not used on purpose, and those at this host's own address (`doubles`).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Final

from hostgw_core.records import readable_of
from hostgw_daemon.routes.peers import LEFTOVER, OWN_ADDRESS, QUARANTINED, Peer
from hostgw_daemon.routes.understanding import Understanding

REJECTED: Final = "rejected"
"""The state of each."""

MOST: Final = 100
"""So many records are looked at: who writes rubbish by the thousand is not to keep us busy."""

_OTHERWISE: Final = frozenset({LEFTOVER, OWN_ADDRESS, QUARANTINED, "malformed_key"})


def rejected(now: Understanding | None) -> Iterator[tuple[Peer, str]]:
    """Give the nodes whose records are not used, of very many the first; and why."""
    if now is None or now.roster is None:
        return
    keys, entries = now.roster.policy.keys, now.snapshot.entries
    peers = now.roster.peers
    for refusal in islice(now.roster.refusals.values(), MOST):
        entry = entries.get(refusal.key)
        if entry is None or refusal.key in peers or refusal.reason in _OTHERWISE:
            continue
        if (lease := readable_of(keys, entry)) is not None:
            yield Peer(lease), f"{refusal.reason}: {refusal.detail}"

"""Whose leases are believed: one question, asked whenever a lease goes.

A node that has another lease has moved on purpose. An owner is a node id; flannel's records name
none, and there it is the addresses.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

from hostgw_core.model import Addresses, Lease
from hostgw_daemon.routes.peers import PeerState, Roster

Owner: TypeAlias = str | Addresses


def owner_of(lease: Lease) -> Owner:
    """Give whose a lease is."""
    return lease.node_id or lease.gateways


class Owners:
    """The keys of each owner's leases, followed from judgement to judgement. `own` are ours."""

    def __init__(self) -> None:
        self._keys: dict[Owner, tuple[bytes, ...]] = {}  # nearly always one
        self.own: set[bytes] = set()

    def keys(self, owner: Owner) -> tuple[bytes, ...]:
        """Give the keys of an owner's leases."""
        return self._keys.get(owner, ())

    def whole(self, roster: Roster) -> list[Lease]:
        """Take a judgement of everything; give the leases that are believed, and are not held."""
        self._keys.clear()
        self.own.clear()
        return self.amended(None, roster, roster.peers)

    def amended(self, before: Roster | None, after: Roster, moved: Iterable[bytes]) -> list[Lease]:
        """Take a judgement of which these keys are new; give their leases, but for held ones."""
        news: list[Lease] = []
        for key in moved:
            peer = before.peers.get(key) if before is not None else None
            if peer is not None:
                self.own.discard(key)
                self._disown(owner_of(peer.lease), key)
            peer = after.peers.get(key)
            if peer is None:
                continue
            if peer.state is PeerState.SELF:
                self.own.add(key)
                continue
            owner = owner_of(peer.lease)
            self._keys[owner] = (*self.keys(owner), key)
            if peer.state is not PeerState.HELD:
                news.append(peer.lease)
        return news

    def _disown(self, owner: Owner, key: bytes) -> None:
        left = tuple(each for each in self.keys(owner) if each != key)
        if left:
            self._keys[owner] = left
        else:
            self._keys.pop(owner, None)

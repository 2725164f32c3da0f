"""Which subnets have moved to another node: a pure comparison of two judgements.

What the kernel remembers of connections to such a subnet is about containers that are not there any
more, and about rules that decided when it was somebody else's.

* A node that is reached through another address now, or took another id, has its containers still:
  only where the node *and* the way to it are others has a subnet moved.
* A subnet that goes has not moved yet. It has when somebody else comes for it, so the last owner of
  those that went is kept for a while.

Of our own subnet the rules know: `rules.flows.own_moved`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from hostgw_core.model import IPNetwork, Lease
from hostgw_daemon.routes.peers import Peer, Roster

REMEMBERED: Final = 4096
"""Subnets without an owner of which the last one is known."""


class Moves:
    """Follows the roster. What is seen first has moved nowhere."""

    def __init__(self) -> None:
        self._before: Roster | None = None
        self._gone: dict[bytes, Peer] = {}  # by the ground, the oldest first

    def heard(self, roster: Roster | None, moved: Iterable[bytes] | None) -> frozenset[IPNetwork]:
        """Take a judgement of which these keys are new, None: any may be. Give what has moved."""
        before, after = self._before, roster
        if after is None:
            return frozenset()  # nothing is known of anybody, and nothing has moved by that
        self._before = after
        if before is None:
            return frozenset()
        keys = before.peers.keys() | after.peers.keys() if moved is None else moved
        changed = [
            (key, old, new)
            for key, old, new in ((k, before.peers.get(k), after.peers.get(k)) for k in keys)
            if old is None or new is None or not _same(old.lease, new.lease)
        ]
        left = {_ground(key): old for key, old, _ in changed if old is not None}
        found: set[IPNetwork] = set()
        for key, _, new in changed:
            if new is not None:
                ground = _ground(key)
                found.update(_moved(left.pop(ground, None) or self._gone.pop(ground, None), new))
        for ground, old in left.items():
            self._gone[ground] = old
        for ground in list(self._gone)[: len(self._gone) - REMEMBERED]:
            del self._gone[ground]
        return frozenset(found)


def _ground(key: bytes) -> bytes:
    """Give what two keys of one subnet have in common: in dual stack that is the IPv4 half."""
    return key.partition(b"&")[0]


def _moved(old: Peer | None, new: Peer) -> Iterator[IPNetwork]:
    """Give the subnets that another node has now."""
    if old is not None and not _same(old.lease, new.lease):
        yield from new.lease.subnets
        yield from old.lease.subnets


def _same(one: Lease, other: Lease) -> bool:
    """Tell whether two leases are one node's: by its id, or by an address of it."""
    known = bool(one.node_id) and one.node_id == other.node_id
    return known or one.gateways.meets(other.gateways)

"""Whom there is to ask, found by its key, by its address, and by a question of its own. Pure.

One host may be several targets: in two families, in several networks, or because two records name
one address. So each index holds rows of keys, and forgetting one target leaves the others to be
found. Nearly every row is of one: a tuple, which takes a fifth of what a set takes.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TypeVar

from hostgw_core.model import IPAddress
from hostgw_daemon.probe.target import Key, Target

At = TypeVar("At")


class Directory:
    """The targets by key. `put` and `drop` keep the indexes."""

    def __init__(self) -> None:
        self.targets: dict[Key, Target] = {}
        self._at: dict[IPAddress, tuple[Key, ...]] = {}
        self._askers: dict[tuple[IPAddress, IPAddress], tuple[Key, ...]] = {}

    def put(self, key: Key, target: Target) -> None:
        """Add one, or replace it."""
        self.drop(key)
        self.targets[key] = target
        _add(self._at, target.host, key)
        for asks in _asks(target):
            _add(self._askers, asks, key)

    def drop(self, key: Key) -> None:
        """Forget one, if it is there."""
        target = self.targets.pop(key, None)
        if target is None:
            return
        _discard(self._at, target.host, key)
        for asks in _asks(target):
            _discard(self._askers, asks, key)

    def at(self, host: IPAddress) -> Collection[Key]:
        """Give the keys of those who have this address."""
        return self._at.get(host, ())

    def asker(self, source: IPAddress, about: IPAddress) -> Target | None:
        """Give who asks from this address about that gateway of our pods, None for a stranger."""
        keys = self._askers.get((source, about))
        return self.targets[min(keys)] if keys else None


def _asks(target: Target) -> set[tuple[IPAddress, IPAddress]]:
    """Give where its questions come from, and what they are about: our gateway in its network."""
    return {(source, target.ours) for source in (*target.addresses, target.gateway)}


def _add(index: dict[At, tuple[Key, ...]], at: At, key: Key) -> None:
    index[at] = (*index.get(at, ()), key)


def _discard(index: dict[At, tuple[Key, ...]], at: At, key: Key) -> None:
    left = tuple(each for each in index[at] if each != key)
    if left:
        index[at] = left
    else:
        del index[at]

"""Whom there is to ask in all networks together, as rosters and our own subnets change. Pure.

The two are told of each other apart, in any order: the store may say who the others are before the
claim on a subnet of our own is decided, and a lease that is lost and had again changes no roster.
So each is kept, and what either changes comes out as a difference.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from hostgw_core.model import FAMILIES, Subnets
from hostgw_daemon.probe.target import Key, Target, targets_of
from hostgw_daemon.routes.peers import Roster


@dataclass(slots=True)
class _Network:
    """What is known of one network, and whom it gives us to ask."""

    roster: Roster | None = None
    ours: Subnets = field(default_factory=Subnets)
    keys: set[Key] = field(default_factory=set)


class Aims:
    """The targets by key. Whatever is told gives those that changed, None for one that is gone."""

    def __init__(self) -> None:
        self.targets: dict[Key, Target] = {}
        self._of: dict[str, _Network] = {}

    def understood(
        self, network: str, roster: Roster, moved: Collection[bytes] | None
    ) -> Mapping[Key, Target | None]:
        """Take the others in a network; `moved` are the leases that changed, None: any may have."""
        here = self._of.setdefault(network, _Network())
        whole = moved is None or here.roster is None
        here.roster = roster
        return self._aim(here, None if whole else moved)

    def hold(self, network: str, ours: Subnets) -> Mapping[Key, Target | None]:
        """Take our own subnets in a network."""
        here = self._of.setdefault(network, _Network())
        if here.ours == ours:
            return {}
        here.ours = ours
        return self._aim(here, None)

    def _aim(self, here: _Network, moved: Collection[bytes] | None) -> Mapping[Key, Target | None]:
        roster = here.roster
        if roster is None:
            return {}
        fresh: dict[Key, Target] = {}
        via6 = roster.policy.via6
        for key in roster.peers if moved is None else moved:
            fresh |= targets_of(key, roster.peers.get(key), here.ours, via6=via6)
        touched = here.keys
        if moved is not None:  # one lease of ten thousand costs what one costs
            touched = {each for key in moved for f in FAMILIES if (each := (key, f)) in here.keys}
        gone = touched - fresh.keys()
        here.keys -= gone
        here.keys |= fresh.keys()
        changes: dict[Key, Target | None] = {
            each: target for each, target in fresh.items() if self.targets.get(each) != target
        }
        changes |= dict.fromkeys(gone)
        for each in gone:
            del self.targets[each]
        self.targets |= fresh
        return changes

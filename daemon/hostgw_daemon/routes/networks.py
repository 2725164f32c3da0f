"""What is known of each network that this daemon serves, put together for one routing table.

Each network is read, remembered and judged by itself, and the kernel has one table for them all.
So the routes to be are those of every roster there is: a network that cannot be read keeps nobody
else's routes out. What goes is another matter. A route of ours that nobody wants may belong to a
network that was not read since the start, and then it is not known to be too much. It may go where
every network was read; before that, only from the ground of one that was, for networks do not
overlap.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hostgw_core.model import FAMILIES, Family, IPNetwork
from hostgw_daemon.kernel import Route
from hostgw_daemon.routes.peers import Roster
from hostgw_daemon.routes.understanding import Understanding, leads_into


@dataclass(frozen=True, slots=True)
class Trust:
    """Which routes may be removed: all of ours, or those to somewhere in the networks `read`."""

    whole: bool = True
    read: tuple[IPNetwork, ...] = ()

    def may_go(self, route: Route) -> bool:
        """Tell whether a route that nobody wants is known to be too much."""
        if self.whole:
            return True
        return leads_into(route, self.read)

    def __bool__(self) -> bool:
        """Tell whether there is anything that may go."""
        return self.whole or bool(self.read)


class Networks:
    """The last understanding of each network, in the order in which they were named."""

    def __init__(self, names: Sequence[str]) -> None:
        self._known: dict[str, Understanding | None] = dict.fromkeys(names)

    def take(self, name: str, now: Understanding) -> Roster | None:
        """Take how one is understood now; give its roster. KeyError where it was never named."""
        if name not in self._known:
            raise KeyError(name)
        self._known[name] = now
        return now.roster

    @property
    def rosters(self) -> tuple[Roster, ...]:
        """The rosters there are: of a network without a configuration there is none."""
        return tuple(roster for now in self._known.values() if now and (roster := now.roster))

    @property
    def families(self) -> tuple[tuple[Family, ...], ...]:
        """The address families of all networks together, then those of each; none if none is."""
        each = [roster.policy.config.families for roster in self.rosters]
        union = tuple(family for family in FAMILIES if any(family in one for one in each))
        return tuple(dict.fromkeys([union, *each])) if each else ()

    @property
    def revisions(self) -> Mapping[str, int]:
        """The revision of the store that each of them is the state of."""
        return {name: now.snapshot.revision for name, now in self._known.items() if now}

    @property
    def trust(self) -> Trust:
        """What may be removed by what was read since the start, and is not only remembered."""
        read = [now.roster for now in self._known.values() if now and not now.headless]
        rosters = [roster for roster in read if roster is not None]
        grounds = (network for roster in rosters for network in roster.policy.config.networks)
        return Trust(len(rosters) == len(self._known), tuple(grounds))

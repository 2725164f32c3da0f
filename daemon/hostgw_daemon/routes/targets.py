"""The routes there should be, kept so that one peer's change costs what one peer costs.

The whole is `desired(roster, rule)` of every roster; this is the same, indexed by lease and by
destination, and amended. Law: after any amendments, `wanted` equals what `aim` would compute anew.

Peers whose routes are withdrawn are a further part of the basis, and amended like the others.

Each network has a roster of its own. Their keys differ by the prefix, and their subnets do not
overlap (`cluster` sees to that), so that one table holds them all.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from operator import is_

from hostgw_core.model import Family
from hostgw_daemon.kernel import UNICAST, Route, Table
from hostgw_daemon.routes.desired import NONE, RouteRule, routes_of_network, routes_to
from hostgw_daemon.routes.foreign import Prefix
from hostgw_daemon.routes.peers import Roster
from hostgw_daemon.routes.withdrawals import Key


class Targets:
    """What the kernel should hold. `prefixes` gives our route to a peer's destination.

    Those that lead nowhere are not among these: whoever has a better one is welcome.
    """

    def __init__(self) -> None:
        self.wanted: set[Route] = set()
        self._of_ipv6 = 0
        self.prefixes: dict[Prefix, Route] = {}
        self._by_key: dict[bytes, tuple[Route, ...]] = {}
        self._basis: tuple[Sequence[Roster], RouteRule] = ((), RouteRule(0))
        self._withdrawn = NONE

    @property
    def counts(self) -> dict[Family, int]:
        """How many are wanted in each family; to count 10,000 each time would cost what they do."""
        return {4: len(self.wanted) - self._of_ipv6, 6: self._of_ipv6}

    def aim(
        self, rosters: Sequence[Roster], rule: RouteRule, withdrawn: AbstractSet[Key] = NONE
    ) -> None:
        """Take whole rosters; those that were taken last cost nothing."""
        known, under = self._basis
        same = len(known) == len(rosters) and all(map(is_, known, rosters))
        if known and same and under == rule and withdrawn == self._withdrawn:
            return
        self._by_key = {
            key: tuple(routes_to(peer, rule, withdrawn))
            for roster in rosters
            for key, peer in roster.peers.items()
        }
        self.wanted = {route for routes in self._by_key.values() for route in routes}
        self.prefixes = {
            (route.destination, route.length): route
            for route in self.wanted
            if route.form.kind == UNICAST
        }
        for roster in rosters:
            self.wanted |= routes_of_network(roster.policy.config, rule)
        self._of_ipv6 = _of_ipv6(self.wanted)
        self._basis, self._withdrawn = (rosters, rule), withdrawn

    def amend(
        self,
        rosters: Sequence[Roster],
        rule: RouteRule,
        moved: Iterable[bytes],
        withdrawn: AbstractSet[Key] = NONE,
    ) -> tuple[Table, Table]:
        """Take rosters of which only the `moved` keys are new; give their routes before and now.

        They are new in the rosters, or withdrawn or not any more, since what was taken last, and
        under the same rule. The peers are compared as one set: a subnet may have moved from one key
        to another.
        """
        before: set[Route] = set()
        after: set[Route] = set()
        for key in moved:
            before |= set(self._by_key.pop(key, ()))
            peers = (peer for roster in rosters if (peer := roster.peers.get(key)))
            routes = routes_to(next(peers, None), rule, withdrawn)
            if routes:
                self._by_key[key] = tuple(routes)
            after |= routes
        self.wanted -= before - after
        self.wanted |= after - before
        self._of_ipv6 += _of_ipv6(after - before) - _of_ipv6(before - after)
        for route in before - after:
            self.prefixes.pop((route.destination, route.length), None)
        for route in after:
            if route.form.kind == UNICAST:
                self.prefixes[route.destination, route.length] = route
        self._basis, self._withdrawn = (rosters, rule), withdrawn
        return frozenset(before), frozenset(after)


def _of_ipv6(routes: Iterable[Route]) -> int:
    return sum(route.family == 6 for route in routes)

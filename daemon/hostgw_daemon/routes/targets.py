"""The routes there should be, kept so that one peer's change costs what one peer costs.

The whole is `desired(roster, rule)`; this is the same, indexed by lease and by destination, and
amended. Law: after any amendments, `wanted` equals what `aim` would compute anew.
"""

from __future__ import annotations

from collections.abc import Iterable

from hostgw_daemon.kernel import Route, Table
from hostgw_daemon.routes.desired import RouteRule, routes_to
from hostgw_daemon.routes.foreign import Prefix
from hostgw_daemon.routes.peers import Roster


class Targets:
    """What the kernel should hold. `prefixes` gives our route to a destination."""

    def __init__(self) -> None:
        self.wanted: set[Route] = set()
        self.prefixes: dict[Prefix, Route] = {}
        self._by_key: dict[bytes, tuple[Route, ...]] = {}
        self._basis: tuple[Roster, RouteRule] | None = None

    def aim(self, roster: Roster, rule: RouteRule) -> None:
        """Take a whole roster; the one that was taken last costs nothing."""
        if self._basis is not None and self._basis[0] is roster and self._basis[1] == rule:
            return
        self._by_key = {key: tuple(routes_to(peer, rule)) for key, peer in roster.peers.items()}
        self.wanted = {route for routes in self._by_key.values() for route in routes}
        self.prefixes = {(route.destination, route.length): route for route in self.wanted}
        self._basis = (roster, rule)

    def amend(self, roster: Roster, rule: RouteRule, moved: Iterable[bytes]) -> tuple[Table, Table]:
        """Take a roster of which only the `moved` keys are new; give their routes before and now.

        New since what was taken last, and under the same rule. The peers are compared as one set: a
        subnet may have moved from one key to another.
        """
        before: set[Route] = set()
        after: set[Route] = set()
        for key in moved:
            before |= set(self._by_key.pop(key, ()))
            routes = routes_to(roster.peers.get(key), rule)
            if routes:
                self._by_key[key] = tuple(routes)
            after |= routes
        for route in before - after:
            self.wanted.discard(route)
            self.prefixes.pop((route.destination, route.length), None)
        for route in after - before:
            self.wanted.add(route)
            self.prefixes[route.destination, route.length] = route
        self._basis = (roster, rule)
        return frozenset(before), frozenset(after)

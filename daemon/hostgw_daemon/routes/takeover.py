"""Flannel's leftovers: the only routes of another that this program ever removes.

flannel leaves its routes when it stops, without a metric, and so in front of ours for ever. When
this node comes after flannel, what lies there *then* is remembered once: routes of its shape on our
link, whatever their gateway. A route that a person adds later in the same shape is the person's.
Each goes when its destination is another node's subnet (now, or once somebody leases it) and ours
stands beside it in the same table, and not before: until then it may be the one that carries the
packets.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from hostgw_daemon.kernel import ForeignRoute, Outcome, Route, Verdict
from hostgw_daemon.routes.foreign import Prefix


class TakeOver:
    """What flannel left here, and is still to go. Nothing is, until somebody asks for it."""

    def __init__(self) -> None:
        self.asked = False
        self._left: dict[Prefix, list[ForeignRoute]] = {}

    def ask(self) -> None:
        """Say that this node comes after flannel."""
        self.asked = True

    def found(self, routes: Iterable[ForeignRoute]) -> None:
        """Remember what is there of flannel's shape."""
        self.asked = False
        for route in routes:
            self._left.setdefault((route.destination, route.length), []).append(route)

    def ready(
        self, prefixes: Mapping[Prefix, Route], missing: Collection[Route]
    ) -> list[ForeignRoute]:
        """Give those at our peers' subnets beside which a route of ours stands."""
        return [
            route
            for prefix, routes in self._left.items()
            if (ours := prefixes.get(prefix)) is not None and ours not in missing
            for route in routes
            if route.table == ours.table
        ]

    def gone(self, routes: Iterable[ForeignRoute], outcomes: Iterable[Outcome]) -> None:
        """Forget those that went; the others are tried again."""
        for route, outcome in zip(routes, outcomes, strict=True):
            if outcome.verdict in (Verdict.DELETED, Verdict.GONE):
                prefix = (route.destination, route.length)
                self._left[prefix].remove(route)
                if not self._left[prefix]:
                    del self._left[prefix]

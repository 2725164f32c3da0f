"""Other people's routes to our peers' subnets: told, never touched.

A foreign route with a better metric *shadows* ours: the kernel uses it instead. One with our very
metric *holds* our key: ours cannot be created, or was taken over by `ip route replace`, which the
kernel allows. A dump of our own protocol sees neither; so the destinations are looked up once, and
from then on the kernel's notifications are followed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from ipaddress import ip_address
from typing import TypeAlias

from hostgw_daemon.kernel import MAIN_TABLE, ForeignRoute, Route, RouteForeign

Prefix: TypeAlias = tuple[bytes, int]


class Effect(StrEnum):
    """What a foreign route does to the route of ours with the same destination."""

    NONE = "none"
    SHADOWS = "shadows"
    HOLDS = "holds"


def effect(foreign: ForeignRoute, ours: Route | None) -> Effect:
    """Tell what a foreign route does to ours."""
    if ours is None or foreign.table != ours.table or foreign.metric > ours.metric:
        return Effect.NONE
    return Effect.HOLDS if foreign.metric == ours.metric else Effect.SHADOWS


def cure(foreign: ForeignRoute) -> str:
    """Give the command that removes a foreign route."""
    prefix = f"{ip_address(foreign.destination)}/{foreign.length}"
    metric = f" metric {foreign.metric}" if foreign.metric else ""
    table = f" table {foreign.table}" if foreign.table != MAIN_TABLE else ""
    return f"ip route del {prefix}{table}{metric} proto {foreign.protocol}"


def take_away(foreign: ForeignRoute) -> str:
    """Name a foreign route, with the command that removes it."""
    via = f" via {ip_address(foreign.gateway)}" if foreign.gateway else ""
    prefix = f"{ip_address(foreign.destination)}/{foreign.length}"
    return f"{prefix}{via} of protocol {foreign.protocol}: {cure(foreign)}"


def _key(route: ForeignRoute) -> tuple[bytes, int, int, int]:
    """Give what the kernel holds one route of, so that a new one takes the place of the old."""
    return (route.destination, route.length, route.metric, route.table)


class Foreign:
    """The foreign routes seen at our peers' destinations."""

    def __init__(self) -> None:
        self._seen: dict[Prefix, set[ForeignRoute]] = {}

    def replace(self, routes: Iterable[ForeignRoute]) -> None:
        """Take the whole set, as it was just read."""
        self._seen.clear()
        for route in routes:
            self._seen.setdefault((route.destination, route.length), set()).add(route)

    def heard(self, event: RouteForeign) -> None:
        """Follow one notification."""
        route = event.route
        prefix = (route.destination, route.length)
        there = self._seen.setdefault(prefix, set())
        if event.took:
            there -= {each for each in there if _key(each) == _key(route)}
        if event.added:
            there.add(route)
        else:
            there.discard(route)
        if not there:
            del self._seen[prefix]

    def forget_all_but(self, prefixes: Mapping[Prefix, Route]) -> None:
        """Drop what lies at destinations that are no longer ours, so that it cannot pile up."""
        for prefix in self._seen.keys() - prefixes.keys():
            del self._seen[prefix]

    def harmful(self, prefixes: Mapping[Prefix, Route]) -> tuple[ForeignRoute, ...]:
        """Give those that shadow or hold a route of ours, in the order of their destinations."""
        return tuple(
            sorted(
                route
                for prefix, routes in self._seen.items()
                for route in routes
                if effect(route, prefixes.get(prefix)) is not Effect.NONE
            )
        )

    def holders(self, prefixes: Mapping[Prefix, Route]) -> frozenset[ForeignRoute]:
        """Give those that hold the very key of a route of ours, which is not there then."""
        return frozenset(
            route
            for prefix, routes in self._seen.items()
            for route in routes
            if effect(route, prefixes.get(prefix)) is Effect.HOLDS
        )

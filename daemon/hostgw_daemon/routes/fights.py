"""Somebody deletes a route as often as we put it back: give way for a while, and say so.

Two programs that both insist cost the machine everything and settle nothing. A route that was put
back `LIMIT` times within `WINDOW` seconds and is lost once more is fought over; it is then left
alone for `TRUCE` seconds. Only what really was put back counts: a link that goes up and down takes
its routes with it, and is no opponent. Over a route that nobody wants there is no fight.

`ip route flush` is no opponent either, though it behaves like one: it deletes what it finds until
it finds nothing, up to ten times within milliseconds, and would not finish if we were as quick. So
a route that is lost again within `BURST` seconds waits for the full pass, and counts once.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Container, Iterable
from typing import Final

from hostgw_daemon.kernel import Route

LIMIT: Final = 5
WINDOW: Final = 10.0
TRUCE: Final = 30.0
BURST: Final = 0.25


class Fights:
    """Counts restorations a route. `now` is in seconds, of any clock that does not go back."""

    def __init__(self) -> None:
        self._restored: dict[Route, deque[float]] = {}
        self._truces: dict[Route, float] = {}

    def lost(self, route: Route, now: float) -> bool:
        """Take note that a route of ours was deleted; False: leave it alone."""
        if self.left_alone(route, now):
            return False
        if self.again(route, now) or len(self._recent(route, now)) < LIMIT:
            return True
        del self._restored[route]
        self._truces[route] = now + TRUCE
        return False

    def restored(self, route: Route, now: float) -> None:
        """Count one more restoration of a route that was lost; those of one burst are one."""
        if not self.again(route, now):
            self._recent(route, now).append(now)

    def again(self, route: Route, now: float) -> bool:
        """Tell whether the route is lost for a second time in one burst."""
        times = self._recent(route, now)
        return bool(times) and now - times[-1] < BURST

    def forget(self, routes: Iterable[Route]) -> None:
        """End what there was about routes that are not wanted any more."""
        for route in routes:
            self._restored.pop(route, None)
            self._truces.pop(route, None)

    def forget_all_but(self, wanted: Container[Route]) -> None:
        """End what there was about all other routes."""
        self.forget([r for r in (*self._restored, *self._truces) if r not in wanted])

    def left_alone(self, route: Route, now: float) -> bool:
        """Tell whether a truce is on for this route; one that is over is forgotten."""
        until = self._truces.get(route)
        if until is not None and now >= until:
            del self._truces[route]
            return False
        return until is not None

    def standing(self, now: float) -> tuple[Route, ...]:
        """Give the routes that are left alone now, and forget what is long ago."""
        for route in [*self._restored]:
            if not self._recent(route, now):
                del self._restored[route]
        return tuple(sorted(route for route in [*self._truces] if self.left_alone(route, now)))

    def next_end(self) -> float | None:
        """Give the moment at which the first truce ends."""
        return min(self._truces.values(), default=None)

    def _recent(self, route: Route, now: float) -> deque[float]:
        times = self._restored.setdefault(route, deque())
        while times and times[0] <= now - WINDOW:
            times.popleft()
        return times

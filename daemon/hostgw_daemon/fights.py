"""Somebody deletes a route as often as we put it back: give way for a while, and say so.

Two programs that both insist cost the machine everything and settle nothing. More than `LIMIT`
times within `WINDOW` seconds is a fight; the route is then left alone for `TRUCE` seconds.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from hostgw_daemon.kernel import Route

LIMIT: Final = 5
WINDOW: Final = 10.0
TRUCE: Final = 30.0


class Fights:
    """Counts restorations a route. `now` is in seconds, of any clock that does not go back."""

    def __init__(self) -> None:
        self._restored: dict[Route, deque[float]] = {}
        self._truces: dict[Route, float] = {}

    def restore(self, route: Route, now: float) -> bool:
        """Count one more restoration of a route; False: it is fought over, leave it alone."""
        if self.left_alone(route, now):
            return False
        times = self._restored.setdefault(route, deque())
        while times and times[0] <= now - WINDOW:
            times.popleft()
        times.append(now)
        if len(times) <= LIMIT:
            return True
        del self._restored[route]
        self._truces[route] = now + TRUCE
        return False

    def left_alone(self, route: Route, now: float) -> bool:
        """Tell whether a truce is on for this route; one that is over is forgotten."""
        until = self._truces.get(route)
        if until is not None and now >= until:
            del self._truces[route]
            return False
        return until is not None

    def standing(self, now: float) -> tuple[Route, ...]:
        """Give the routes that are left alone now."""
        return tuple(sorted(route for route in list(self._truces) if self.left_alone(route, now)))

    def next_end(self) -> float | None:
        """Give the moment at which the first truce ends."""
        return min(self._truces.values(), default=None)

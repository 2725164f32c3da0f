"""Which member is asked: always the same until it fails, then the next; one that failed rests.

Pure but for the clock it is handed: every method takes the moment, in seconds.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from hostgw_core.backoff import Backoff
from hostgw_core.etcd.settings import Endpoint

_FIRST_REST = 0.1  # seconds
_LONGEST_REST = 2.0


class Rotation:
    """The endpoints, and since when which of them is left alone.

    It begins anywhere, so that a thousand nodes with one list spread over the members.
    """

    def __init__(self, endpoints: Sequence[Endpoint] = ()) -> None:
        self._endpoints: list[Endpoint] = []
        self._rests: dict[Endpoint, float] = {}
        self._backoffs: dict[Endpoint, Backoff] = {}
        self.replace(endpoints)

    def __len__(self) -> int:
        return len(self._endpoints)

    @property
    def current(self) -> Endpoint:
        """The endpoint to ask now."""
        return self._endpoints[0]

    def replace(self, endpoints: Sequence[Endpoint]) -> None:
        """Take another list; the current endpoint stays if it is in it."""
        known = self._endpoints[:1]
        fresh = list(dict.fromkeys(endpoints))
        start = fresh.index(known[0]) if known and known[0] in fresh else _anywhere(fresh)
        self._endpoints = fresh[start:] + fresh[:start]
        self._rests = {e: rest for e, rest in self._rests.items() if e in fresh}
        self._backoffs = {
            e: self._backoffs.get(e, Backoff(_FIRST_REST, _LONGEST_REST)) for e in fresh
        }

    def failed(self, endpoint: Endpoint, now: float) -> None:
        """Let an endpoint rest, and go on to the one that has rested longest."""
        if endpoint not in self._backoffs:
            return
        self._rests[endpoint] = now + self._backoffs[endpoint].failed()
        if endpoint == self.current:
            self._endpoints = self._endpoints[1:] + self._endpoints[:1]
            # Stable: among those that do not rest, the order of the list.
            self._endpoints.sort(key=lambda e: max(0.0, self._rests.get(e, 0.0) - now))

    def answered(self, endpoint: Endpoint) -> None:
        """Forget an endpoint's failures."""
        if self._rests.pop(endpoint, None) is not None:
            self._backoffs[endpoint].succeeded()

    def pause(self, now: float) -> float:
        """Give the seconds that even the current endpoint still rests."""
        return max(0.0, self._rests.get(self.current, 0.0) - now)

    @property
    def exhausted(self) -> bool:
        """Tell whether every endpoint has failed since it last answered."""
        return all(endpoint in self._rests for endpoint in self._endpoints)


def _anywhere(endpoints: Sequence[Endpoint]) -> int:
    return random.randrange(len(endpoints)) if endpoints else 0

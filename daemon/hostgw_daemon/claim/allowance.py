"""How often something may be done: a few times at once, and then one by one. Pure.

It is the leaky bucket as a meter, in its form with one number (the generic cell rate algorithm of
ITU-T I.371): the moment at which the bucket would be empty.
"""

from __future__ import annotations

from typing import Final

AT_ONCE: Final = 5
"""How often before anybody has to wait."""


class Allowance:
    """Counts. `every` is in seconds, `now` of any clock that does not go back."""

    def __init__(self) -> None:
        self._empty = float("-inf")

    def free_at(self, every: float) -> float:
        """Give the moment from which it may be done once more; one time comes back `every`."""
        return self._empty - (AT_ONCE - 1) * every

    def take(self, now: float, every: float) -> None:
        """Note that it was done."""
        self._empty = max(self._empty, now) + every

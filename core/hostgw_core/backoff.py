"""How long to wait before the next try: longer after each failure, never in step with others.

The jitter is "equal jitter": half of the step is certain, half is random, so that a thousand nodes
that failed together do not come back together, and none comes back at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import random


@dataclass(slots=True)
class Backoff:
    """Steps of `first` seconds, doubled after each failure up to `longest`."""

    first: float
    longest: float
    chance: Callable[[], float] = random
    failures: int = field(default=0, init=False)

    def failed(self) -> float:
        """Count a failure; give the seconds to wait now."""
        step = min(self.longest, self.first * float(1 << min(self.failures, 30)))
        self.failures += 1
        return step / 2 + step / 2 * self.chance()

    def succeeded(self) -> None:
        """Begin again with the first step."""
        self.failures = 0


def around(seconds: float, *, share: float = 0.1, chance: Callable[[], float] = random) -> float:
    """Give a period within +- `share` of `seconds`, so that nodes do not fall into step."""
    return seconds * (1 + share * (2 * chance() - 1))

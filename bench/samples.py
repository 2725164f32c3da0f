"""What many timings come to: a median with its extremes, a percentile, a ratio. Pure.

A machine that does other things too makes some rounds slow and none fast. So rounds of what is
compared take turns, and the median of each stands for it, with the smallest and the largest beside
it; a percentile is the smallest sample that so many per cent do not exceed (nearest rank), never a
value that was not measured.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Samples:
    """Timings of one thing, in seconds, at least one, in the order in which they were taken."""

    values: tuple[float, ...]

    @classmethod
    def of(cls, values: Iterable[float]) -> Samples:
        """Take the values. Raise ValueError when there is none."""
        taken = tuple(values)
        if not taken:
            raise ValueError("nothing was measured")
        return cls(taken)

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.values)

    @property
    def least(self) -> float:
        """The smallest."""
        return min(self.values)

    @property
    def most(self) -> float:
        """The largest."""
        return max(self.values)

    @property
    def median(self) -> float:
        """The middle one; of an even number the mean of the two in the middle."""
        ordered = sorted(self.values)
        middle = len(ordered) // 2
        if len(ordered) % 2:
            return ordered[middle]
        return (ordered[middle - 1] + ordered[middle]) / 2

    def percentile(self, per_cent: float) -> float:
        """Give the smallest sample that `per_cent` of all do not exceed (above 0, at most 100)."""
        rank = math.ceil(per_cent / 100 * self.count)
        return sorted(self.values)[max(rank, 1) - 1]


def seconds(value: float) -> str:
    """Write a duration with three significant digits, in the unit in which a person reads it."""
    for factor, unit in ((1.0, "s"), (1e3, "ms"), (1e6, "us")):
        scaled = value * factor
        if scaled >= 1 or unit == "us":
            digits = max(0, 2 - math.floor(math.log10(scaled))) if scaled > 0 else 0
            return f"{scaled:.{min(digits, 2)}f} {unit}"
    raise AssertionError("the last unit takes everything")


def spread(samples: Samples) -> str:
    """Write the median with the smallest and the largest."""
    return f"{seconds(samples.median)} ({seconds(samples.least)}-{seconds(samples.most)})"

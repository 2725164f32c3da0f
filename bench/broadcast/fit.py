"""A law from what was measured: least squares, what they leave over, what they say of more. Pure.

The number of listeners is fitted as  a * hosts * containers + b * hosts + c * containers + d, and
nobody tells the fit what the law is; the CPU time of a broadcast as a line over its listeners. A
fit is worth what its residual is: the largest distance of a measured point from it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from bench.broadcast.cost import Cost
from bench.broadcast.counting import Count
from bench.broadcast.law import Arrangement


@dataclass(frozen=True, slots=True)
class Listeners:
    """The stacks that hear a broadcast in one arrangement, as a function of its size."""

    arrangement: Arrangement
    product: float
    hosts: float
    containers: float
    constant: float
    residual: float

    def at(self, hosts: int, containers: int) -> int:
        """Give how many there are, measured or not, to the nearest whole one."""
        return round(
            self.product * hosts * containers
            + self.hosts * hosts
            + self.containers * containers
            + self.constant
        )


@dataclass(frozen=True, slots=True)
class Line:
    """CPU seconds of a broadcast: a part of its own, and one for each listener."""

    own: float
    listener: float
    residual: float

    def at(self, listeners: int) -> float:
        """Give the CPU seconds of a broadcast that so many hear."""
        return self.own + self.listener * listeners


def listeners(counts: Iterable[Count], arrangement: Arrangement) -> Listeners | None:
    """Fit what was counted in an arrangement; None when the sizes are too few for four unknowns."""
    of = [each for each in counts if each.arrangement is arrangement]
    terms = np.array([[e.hosts * e.containers, e.hosts, e.containers, 1] for e in of], dtype=float)
    if not of or np.linalg.matrix_rank(terms) < 4:
        return None
    heard = np.array([each.announced.stacks for each in of], dtype=float)
    found = np.linalg.lstsq(terms, heard, rcond=None)[0]
    residual = float(np.abs(terms @ found - heard).max())
    product, by_hosts, by_containers, constant = (float(each) for each in found)
    return Listeners(arrangement, product, by_hosts, by_containers, constant, residual)


def cost(costs: Iterable[Cost]) -> Line | None:
    """Fit the medians as one line; None without two numbers of listeners."""
    of = list(costs)
    if len({each.stacks for each in of}) < 2:
        return None
    stacks = np.array([each.stacks for each in of], dtype=float)
    took = np.array([each.broadcast.median for each in of])
    listener, own = np.polyfit(stacks, took, 1)
    residual = float(np.abs(own + listener * stacks - took).max())
    return Line(float(own), float(listener), residual)

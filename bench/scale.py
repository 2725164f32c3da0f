"""How much is measured: everything, or in two minutes enough to see that nothing has broken."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """Sizes are numbers of peers.

    `cold` has the rounds of each size beside it; `crowds` whether its nodes are preloaded.
    """

    cold: tuple[tuple[int, int], ...]
    latency: tuple[int, ...]
    latency_samples: int
    restore: tuple[int, ...]
    deletions: int
    flaps: int
    idle: tuple[int, ...]
    idle_seconds: float
    crowds: tuple[tuple[int, bool], ...]


FULL = Scale(
    cold=((100, 9), (1000, 9), (10_000, 7)),
    latency=(100, 1000, 10_000),
    latency_samples=300,
    restore=(100, 10_000),
    deletions=300,
    flaps=7,
    idle=(10_000,),
    idle_seconds=75.0,  # an audit falls into each minute
    crowds=((30, False), (100, False), (100, True), (200, True)),
)

QUICK = Scale(
    cold=((100, 3), (10_000, 1)),
    latency=(100, 10_000),
    latency_samples=50,
    restore=(100, 10_000),
    deletions=30,
    flaps=2,
    idle=(10_000,),
    idle_seconds=15.0,
    crowds=((10, False), (30, True)),
)

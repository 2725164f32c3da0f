"""What the project promises itself, and whether a measurement keeps it. Pure.

A budget is for a quiet machine with two cores; where another machine is slower, compare the ratios.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from bench.results import Results
from bench.samples import seconds

MIB = 1 << 20

COLD = {100: 0.8, 1000: 0.9, 10_000: 1.6}  # seconds from exec to the last route
INSTALL = 0.5  # of what `ip -batch` needs with one metric
LEASE = (0.0025, 0.006)  # seconds from the write to the route: p50, p99
DELETED = {100: 0.005, 10_000: 0.020}  # seconds, p50
LINK_UP = 0.3  # seconds
IDLE_SHARE = 0.002  # of a core
IDLE_MEMORY = 80 * MIB
CROWD = 1000  # nodes
CLAIMED = 60.0  # seconds until all of them hold a lease


@dataclass(frozen=True, slots=True)
class Verdict:
    """One budget beside what was measured; both in one unit, which `words` writes."""

    what: str
    budget: float
    measured: float
    words: Callable[[float], str]

    @property
    def met(self) -> bool:
        """Whether it was kept."""
        return self.measured <= self.budget

    @property
    def sentence(self) -> str:
        """Say whether it was kept, and if not by how much."""
        if self.met:
            return "met"
        return f"**missed** by {(self.measured / self.budget - 1) * 100:.0f} %"


def verdicts(results: Results) -> Iterator[Verdict]:
    """Hold each measurement that has a budget against it."""
    yield from _cold(results)
    yield from _routes(results)
    for idle in results.idle:
        how = "scraped every 15 s" if idle.scraped else "unscraped"
        what = f"idle with {idle.count:,} peers, {how}"
        yield Verdict(f"{what}: CPU", IDLE_SHARE, idle.share, percent)
        yield Verdict(f"{what}: resident", IDLE_MEMORY, idle.memory.resident, mebibytes)
    for crowd in results.crowds:
        if crowd.nodes >= CROWD:
            what = f"{crowd.nodes:,} nodes start at once: all leases held"
            yield Verdict(what, CLAIMED, crowd.claimed, seconds)


def _routes(results: Results) -> Iterator[Verdict]:
    for lease in results.latencies:
        for budget, per_cent in zip(LEASE, (50, 99), strict=True):
            what = f"a {lease.kind} lease, p{per_cent}, {lease.count:,} peers"
            yield Verdict(what, budget, lease.route.percentile(per_cent), seconds)
    for deletion in results.deletions:
        what = f"a deleted route back, p50, {deletion.count:,} peers"
        yield Verdict(what, DELETED[deletion.count], deletion.back.percentile(50), seconds)
    for flap in results.flaps:
        what = f"all {flap.count:,} routes back after link up"
        yield Verdict(what, LINK_UP, flap.back.median, seconds)


def _cold(results: Results) -> Iterator[Verdict]:
    for count, starts in results.cold_by_count().items():
        ours = starts["hostgwd"]
        yield Verdict(f"cold start, {count:,} leases", COLD[count], ours.whole.median, seconds)
    for count, starts in results.cold_by_count().items():
        ratio = starts["hostgwd"].install.median / starts["ip -batch, one metric"].install.median
        what = f"install of {count:,} routes, of `ip -batch` with one metric"
        yield Verdict(what, INSTALL, ratio, times)


def percent(share: float) -> str:
    """Write a share of a core."""
    return f"{share * 100:.2f} %"


def mebibytes(size: float) -> str:
    """Write a size in memory."""
    return f"{size / MIB:.0f} MiB"


def times(ratio: float) -> str:
    """Write a ratio."""
    return f"{ratio:.2f} x"

"""Everything that one run has measured."""

from __future__ import annotations

from dataclasses import dataclass, field

from bench.cold import ColdStarts
from bench.crowd import Crowd
from bench.idle import Idle
from bench.latency import Latencies
from bench.restore import Restored


@dataclass(slots=True)
class Results:
    """Grows while the run goes on; a part that was not asked for stays empty."""

    cold: list[ColdStarts] = field(default_factory=list)
    latencies: list[Latencies] = field(default_factory=list)
    deletions: list[Restored] = field(default_factory=list)
    flaps: list[Restored] = field(default_factory=list)
    idle: list[Idle] = field(default_factory=list)
    crowds: list[Crowd] = field(default_factory=list)

    def cold_by_count(self) -> dict[int, dict[str, ColdStarts]]:
        """Give the cold starts by their size and contender."""
        found: dict[int, dict[str, ColdStarts]] = {}
        for each in self.cold:
            found.setdefault(each.count, {})[each.contender] = each
        return found

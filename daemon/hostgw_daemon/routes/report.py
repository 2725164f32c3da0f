"""What one pass did: one value, which is at once the log line, the metrics and the status.

A *full* pass reads the kernel and compares everything. A *fast* one writes the difference that the
store's last change makes; a *restore* puts back what the kernel said was deleted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from hostgw_core.model import Family
from hostgw_daemon.kernel import ForeignRoute, Outcome, Verdict

ONLY: Final = ""
"""The name of a network that is the only one."""

_FINE = frozenset({Verdict.CREATED, Verdict.DELETED, Verdict.GONE})


class PassKind(StrEnum):
    """How much a pass looked at."""

    FULL = "full"
    FAST = "fast"
    RESTORE = "restore"


@dataclass(frozen=True, slots=True)
class Report:
    """One pass. `revision` is the store's revision that it brought the kernel to.

    `revisions` are those of each network, by name, where it carried anything of the store: of two
    that are heard of one after the other, one may be behind.

    `seen` are the moments (seconds of time.monotonic) at which the changes that this pass carried
    into the kernel arrived from the store, and `finished` the moment their routes were confirmed:
    their differences are hostgw_convergence_seconds.
    """

    kind: PassKind
    cause: str
    revision: int
    desired: int
    outcomes: tuple[Outcome, ...] = ()
    seen: tuple[float, ...] = ()
    started: float = 0.0
    finished: float = 0.0
    revisions: Mapping[str, int] = field(default_factory=dict)

    @property
    def seconds(self) -> float:
        """How long the pass took."""
        return self.finished - self.started

    @property
    def counts(self) -> Counter[Verdict]:
        """How many writes ended in which verdict."""
        return Counter(outcome.verdict for outcome in self.outcomes)

    @property
    def troubles(self) -> tuple[Outcome, ...]:
        """The writes that the kernel refused."""
        return tuple(outcome for outcome in self.outcomes if outcome.verdict not in _FINE)

    @property
    def changed(self) -> bool:
        """Whether the kernel is different now: such a pass is one line in the log."""
        return bool(self.counts[Verdict.CREATED] or self.counts[Verdict.DELETED])


@dataclass(frozen=True, slots=True)
class RoutesState:
    """The routes as the reconciler last saw them, for the status and the metrics.

    `wanted` counts the desired routes by family, `withdrawn` the peers whose routes are withdrawn.
    `missing` are those which the kernel does not hold, with the reason of each; `shadows` are
    foreign routes that the kernel prefers to ours, and `holders` those of them that have the very
    place of ours: it cannot be there, as is known before a pass has found it missing. `fights` are
    prefixes that somebody deletes as fast as we put them back, and that are left alone for a while.
    """

    last: Report | None = None
    last_full: Report | None = None
    complete: bool = False
    installed: int = 0
    missing: tuple[Outcome, ...] = ()
    shadows: tuple[ForeignRoute, ...] = ()
    holders: frozenset[ForeignRoute] = frozenset()
    fights: tuple[str, ...] = ()
    drift: Counter[str] = field(default_factory=Counter)
    wanted: Mapping[Family, int] = field(default_factory=dict)
    withdrawn: Mapping[Family, int] = field(default_factory=dict)

"""How far the others are with letting go of a node that leaves, as the status says it."""

from __future__ import annotations

from dataclasses import dataclass, field

from hostgw_daemon.claim.withdrawal import Withdrawal
from hostgw_daemon.told.listed import Listed


@dataclass(frozen=True, slots=True)
class WithdrawalStatus:
    """A lease that was withdrawn at `revision` of the store, on purpose.

    `let_go` counts the nodes that say that they route there no more, `behind` are those that live
    and do not say so, `mute` those that cannot say anything. `released`: the lease is gone.
    """

    revision: int
    let_go: int
    behind: Listed[str] = field(default_factory=Listed)
    mute: Listed[str] = field(default_factory=Listed)
    released: bool = False

    @classmethod
    def of(cls, parting: Withdrawal) -> WithdrawalStatus:
        """Write it out."""
        behind, mute = parting.behind, parting.mute
        return cls(
            parting.revision,
            parting.let_go,
            Listed.of(len(behind), behind),
            Listed.of(len(mute), mute),
            parting.released,
        )

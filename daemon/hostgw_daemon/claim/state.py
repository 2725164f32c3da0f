"""How the claim stands, for those who go by it and those who tell of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from hostgw_core.model import Lease, Subnets
from hostgw_daemon.claim.withdrawal import Withdrawal


@dataclass(frozen=True, slots=True)
class ClaimState:
    """How the claim stands. `conditions` maps the code of each condition to its particulars.

    `lost` are the subnets that we held and that we do not hold now. `withdrawal` is how far the
    others are with letting go of us, where we leave on purpose. The totals of lost races and of
    lost leases that we have again are no news by themselves.
    """

    lease: Lease | None = None
    how: str = ""
    moved_from: Subnets = field(default_factory=Subnets)
    conditions: dict[str, str] = field(default_factory=dict)
    lost: Subnets = field(default_factory=Subnets)
    withdrawal: Withdrawal | None = None
    conflicts: int = field(default=0, compare=False)
    retaken: int = field(default=0, compare=False)

    @property
    def held(self) -> bool:
        """Whether our lease was there when we last looked."""
        return self.lease is not None

    @property
    def leaving(self) -> bool:
        """Whether this node has left on purpose, or is about to: nobody routes to it any more."""
        return self.drained or "draining" in self.conditions

    @property
    def drained(self) -> bool:
        """Whether this node has left on purpose."""
        return "drained" in self.conditions

"""The lines of the log about our lease: that it is held, and how a node leaves on purpose."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from hostgw_daemon.claim.state import ClaimState

NAMED: Final = 20
"""How many nodes a line names."""


@dataclass(frozen=True, slots=True)
class Line:
    """What is said, and the particulars; `warns`: somebody may have to do something."""

    event: str
    words: Mapping[str, object] = field(default_factory=dict)
    warns: bool = False


def news(before: ClaimState, now: ClaimState) -> Iterator[Line]:
    """Give what is to be said of a new state. How far others are with letting go is no news."""
    parting, was = now.withdrawal, before.withdrawal
    if parting is not None and was is None:
        subnet = str(now.lease.subnets) if now.lease is not None else ""
        yield Line("The lease is withdrawn", {"subnet": subnet, "revision": parting.revision})
    if parting is None and now.lease is not None:
        yield Line("Holds a lease", {"subnet": str(now.lease.subnets), "how": now.how})
    if now.drained and not before.drained:
        if parting is not None and parting.behind:
            words = {"count": len(parting.behind), "nodes": parting.behind[:NAMED]}
            yield Line(
                "The lease is released though not all say that they let go", words, warns=True
            )
        elif parting is not None:
            words = {"let_go": parting.let_go, "cannot_say": len(parting.mute)}
            yield Line("The lease is released, for the others have let go", words)
        yield Line("This node has left: its routes, rules and files are removed")

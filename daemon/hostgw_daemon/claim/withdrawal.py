"""Who has let go of a lease that was withdrawn on purpose, by what each node says of itself.

A node that has applied the revision at which the lease was put in quarantine routes to it no more,
and says so in its presence. flannel's nodes have none, and nobody hears from a node whose presence
has ended: of those nothing can be known. A presence that tells of a revision after its own is of
another history of the store, which was restored: it says nothing yet.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from hostgw_core.keys import Keys
from hostgw_core.model import HOST_GW, Lease, Presence
from hostgw_core.records import Status, presence_of, status_of
from hostgw_core.store import Entry

NAMED = 3  # how many of many nodes a sentence names


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """How far the others are with letting go of what was withdrawn at `revision`.

    `let_go` counts those that said so, `behind` names those that live and have not said so, `mute`
    those of which nothing can be known. `released`: the lease is gone from the store.
    """

    revision: int
    let_go: int = 0
    behind: tuple[str, ...] = ()
    mute: tuple[str, ...] = ()
    released: bool = False

    def __str__(self) -> str:
        """Say it in a sentence."""
        words = f"{self.let_go} of {self.let_go + len(self.behind)} nodes say that they let go"
        if self.behind:
            words += f", {_some(self.behind)} not yet"
        return words + (f"; {_some(self.mute)} cannot say" if self.mute else "")


def withdrawal_of(
    keys: Keys,
    node_id: str,
    *,
    mine: Iterable[Lease],
    others: Iterable[Lease],
    said: Iterable[Entry],
) -> Withdrawal:
    """Compare what all nodes have `said` with the leases that this node has withdrawn, `mine`."""
    revision = max(lease.modified for lease in mine)
    let_go, behind, heard = 0, [], {node_id}
    for entry in said:
        presence, status = presence_of(keys, entry), status_of(entry)
        if not isinstance(presence, Presence) or not isinstance(status, Status):
            continue
        if presence.node_id == node_id:
            continue
        heard.add(presence.node_id)
        if revision <= status.applied <= entry.modified:
            let_go += 1
        else:
            behind.append(presence.node or presence.node_id)
    mute = sorted(
        lease.owner for lease in others if lease.backend == HOST_GW and lease.node_id not in heard
    )
    return Withdrawal(revision, let_go, tuple(sorted(behind)), tuple(mute))


def _some(names: tuple[str, ...]) -> str:
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more} more" if more > 0 else "")

"""Which history the store tells, and what of it is believed after another one began.

A store that was wiped, restored from a backup, or swapped for that of another cluster answers as
calmly as ever. Its headers betray it: the cluster's id is another, or revision or raft term have
gone back. From then on the history is *broken*, and stays so until everything in it is explained.

| a record of | is believed |
|---|---|
| the history that goes on | always |
| another history, written after its first list was read | yes: its owner wrote it now |
| another history, older, but saying what was known before | yes: nothing changes by it |
| another history, older, of a node that has shown since that it lives | yes |
| another history, older, anything else | no: a *leftover*, perhaps of last week |
| another *cluster*, anything that is not known already | no, until an operator says so |

A node shows that it lives by its presence, which hangs on a short etcd lease: one that still stands
after that time has passed is kept alive by somebody, however it came into the store.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from hostgw_core.model import Lease
from hostgw_core.store import Entry, Header
from hostgw_core.view import continues, later

PROOF: Final = 75.0
"""Seconds after which a presence proves that its node lives: its etcd lease, and a bit more."""


@dataclass(frozen=True, slots=True)
class Break:
    """Where the histories part: the last header of the one `known`, the `first` of the other.

    `latest` is the last header of the other one; `alive` are nodes that have shown since that they
    live.
    """

    known: Header
    first: Header
    latest: Header
    alive: frozenset[str] = frozenset()

    @property
    def foreign(self) -> bool:
        """Whether it is the store of another cluster."""
        return self.first.cluster != self.known.cluster

    def sentence(self) -> str:
        """Say it to an operator."""
        if self.foreign:
            return (
                f"cluster {self.first.cluster:x} answers, and the leases that are known here are"
                f" those of cluster {self.known.cluster:x}"
            )
        return (
            f"revision {self.first.revision} (term {self.first.term}) came after revision"
            f" {self.known.revision} (term {self.known.term})"
        )


@dataclass(frozen=True, slots=True)
class History:
    """What is known of the store's past. `known` is None before anything was ever read."""

    known: Header | None = None
    broken: Break | None = None

    def listed(self, header: Header) -> History:
        """Take the header of a list.

        The store of another cluster that goes away again was only a visit. After a wipe there is
        no such way back: its revisions grow past the old ones some day, and prove nothing.
        """
        if self.known is None:
            return History(header)
        broken = self.broken
        if broken is None:
            if continues(self.known, header):
                return self.seen(header)
            return History(self.known, Break(self.known, header, header))
        if broken.foreign and continues(broken.known, header):
            return History(later(broken.known, header))
        if not continues(broken.latest, header):
            return History(self.known, Break(broken.known, header, header))
        return self.seen(header)

    def seen(self, header: Header) -> History:
        """Take the header of whatever follows the last list."""
        if self.broken is not None:
            latest = later(self.broken.latest, header)
            return replace(self, broken=replace(self.broken, latest=latest))
        return History(header if self.known is None else later(self.known, header))

    def trusts(self, written: int) -> bool:
        """Tell whether a record of this mod revision is believed for its age alone."""
        broken = self.broken
        return broken is None or (not broken.foreign and written > broken.first.revision)

    def believes(self, entry: Entry, known: Entry) -> bool:
        """Tell whether a record that stands alone is believed; `known` is what it said before."""
        return self.trusts(entry.modified) or entry.value == known.value

    def joins(self, header: Header) -> bool:
        """Tell whether an answer is of the history that is told now, whether ours or not."""
        return continues(self.broken.latest if self.broken is not None else self.known, header)

    def lives(self, node_id: str) -> bool:
        """Tell whether a node has shown itself alive in the history that is told now."""
        broken = self.broken
        return broken is not None and not broken.foreign and node_id in broken.alive

    def witnessed(self, node_ids: frozenset[str]) -> History:
        """Note nodes that have shown that they live."""
        if self.broken is None:
            return self
        return replace(self, broken=replace(self.broken, alive=self.broken.alive | node_ids))

    def settled(self) -> History:
        """Believe what is told from now on: everything in it is explained, or somebody says so."""
        return self if self.broken is None else History(self.broken.latest)


def says_the_same(one: Lease, other: Lease) -> bool:
    """Tell whether two records lead packets the same way and name the same owner."""
    return (one.subnets, one.gateways, one.backend, one.node_id) == (
        other.subnets,
        other.gateways,
        other.backend,
        other.node_id,
    )

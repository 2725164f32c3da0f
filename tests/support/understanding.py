"""A cluster as it is understood, without a store; its guard waits as long as a test says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from hostgw_core.history import History
from hostgw_core.keys import Keys
from hostgw_core.store import Change, Entry, Header
from hostgw_core.view import Sighting, Snapshot
from hostgw_daemon.routes.cluster import Cluster
from hostgw_daemon.routes.guard import Guard
from hostgw_daemon.routes.holds import Patience
from hostgw_daemon.routes.peers import Roster
from hostgw_daemon.routes.understanding import News
from support.judging import told
from support.lease_world import KEYS, ME, entry

AT_ONCE = Patience(grace=0, hold=0)
"""For tests of everything else: what goes from the store goes from the kernel."""


def guard_of(patience: Patience = AT_ONCE, history: History | None = None) -> Guard:
    """Make a guard."""
    return Guard(KEYS, ME, patience, history or History())


def cluster_of(
    told: Callable[[News], None],
    *,
    guard: Guard | None = None,
    clock: Callable[[], float] = lambda: 0.0,
    keys: Keys = KEYS,
    **others: Any,
) -> Cluster:
    """Make a cluster; its guard, where none is given, waits for nothing."""
    guard = guard or Guard(keys, ME, AT_ONCE, History())
    return Cluster(keys, ME, guard=guard, told=told, clock=clock, **others)


PATIENT = Patience(grace=2, hold=300)
"""The usual patience."""

NETWORK = Entry(
    KEYS.config, b'{"Network": "10.5.0.0/16", "Backend": {"Type": "host-gw"}}', 2, 2, 1, 0
)


def names(count: int, first: int = 1) -> list[str]:
    """Name so many subnets."""
    return [f"10.5.{number}.0-24" for number in range(first, first + count)]


def peers_of(*names: str) -> list[Entry]:
    """Write a lease of a node each, its address after its subnet."""
    return [
        entry(name, f"172.16.0.{100 + int(name.split('.')[2])}", node=f"n{name}") for name in names
    ]


class GuardedStore:
    """A store in front of a cluster with a guard, a clock, and everything that was told.

    `header` is what it answers with; a change moves its revision. The time is `time`.
    """

    def __init__(self, patience: Patience = PATIENT, history: History | None = None) -> None:
        self.time = 1000.0
        self.told: list[News] = []
        self.guard = guard_of(patience, history)
        self.cluster = cluster_of(self.told.append, guard=self.guard, clock=lambda: self.time)
        self.header = Header(1, 100, 5)
        self.entries: dict[bytes, Entry] = {}

    def list(self, *entries: Entry, header: Header | None = None) -> None:
        """Show everything anew, perhaps of another history."""
        self.entries = {each.key: each for each in entries}
        self.header = header or replace(self.header, revision=self.header.revision + 1)
        self.show(None)

    def change(self, *changes: Change) -> None:
        """Show what a watch tells in one batch."""
        for each in changes:
            self.entries.pop(each.key, None)
            if isinstance(each, Entry):
                self.entries[each.key] = each
        self.header = replace(self.header, revision=self.header.revision + 1)
        self.show(changes)

    def put(self, *entries: Entry) -> None:
        """Show that their owners have written these now."""
        revision = self.header.revision + 1
        old = self.entries
        self.change(
            *(
                replace(
                    each,
                    created=old[each.key].created if each.key in old else revision,
                    modified=revision,
                )
                for each in entries
            )
        )

    def show(self, changes: tuple[Change, ...] | None) -> None:
        """Hand over what there is: after these changes, or as a list."""
        snapshot = Snapshot(self.header, MappingProxyType(dict(self.entries)))
        self.cluster.saw(Sighting(snapshot, changes, 1.0))

    def pass_time(self, seconds: float) -> None:
        """Let time pass, and let go what is not held any longer; no gateway answers."""
        self.time += seconds
        at_once, grave = self.guard.over(self.time)
        self.cluster.release(at_once, "gone")
        self.cluster.release([hold.lease.key for hold in grave], "silent")

    @property
    def roster(self) -> Roster:
        """The judgement that was told last."""
        assert self.told[-1].now.roster is not None
        return self.told[-1].now.roster

    @property
    def says(self) -> dict[str, str]:
        """Say of each key its state or the reason of its refusal."""
        return told(self.roster)

    def held(self) -> dict[str, str]:
        """Say of each held key why it is."""
        return {
            key.decode().rpartition("/")[2]: str(hold.cause)
            for key, hold in self.guard.state.holds.items()
        }

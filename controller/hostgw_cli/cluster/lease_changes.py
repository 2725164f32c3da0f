"""What changes in the leases of a cluster, one event after the other: pure.

The ledger knows every lease as a row; each sighting of the store is compared with it, so that an
interruption, a compaction or a wiped store loses no difference: what changed meanwhile is told when
the store is back. A change costs what it touches, not what there is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hostgw_cli.lease_list import Row, place, row_of
from hostgw_core.keys import Keys
from hostgw_core.model import ClusterConfig, Presence, Refusal
from hostgw_core.network import config_of
from hostgw_core.records import presence_of
from hostgw_core.store import Change, Deleted, Entry


@dataclass(frozen=True, slots=True)
class Event:
    """Something happened: `what` is one word, `says` the words beside it.

    With a lease: `leased`, `gone`, `changed`, `alive`, `silent`. Without one: `watching`,
    `network`, `history`, `store_away`, `store_back`.
    """

    what: str
    says: str
    revision: int
    row: Row | None = None

    def as_json(self, moment: float) -> dict[str, Any]:
        """Give the event as JSON holds it; the moment is in seconds since the epoch."""
        lease = self.row.as_json() if self.row else None
        return {
            "time": moment,
            "event": self.what,
            "revision": self.revision,
            "lease": lease,
            "says": self.says,
        }


class Ledger:
    """Every lease as it was told last."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        self._rows: dict[bytes, Row] = {}
        self._alive: set[str] = set()
        self._config: ClusterConfig | None = None
        self._begun = False
        self._broken = False

    def take(
        self,
        entries: Mapping[bytes, Entry],
        changes: Sequence[Change] | None,
        *,
        revision: int,
        broken: bool = False,
    ) -> list[Event]:
        """Give what is new; `changes` is None after everything was read again."""
        whole = changes is None or any(change.key == self._keys.config for change in changes)
        if whole:
            events = self._read(entries, revision)
        else:
            events = self._follow(entries, changes or (), revision)
        if not self._begun:
            self._begun = True
            self._broken = broken
            return [Event("watching", f"{len(self._rows)} leases from here on", revision)]
        if broken and not self._broken:
            self._broken = True
            lost = "the store was wiped, restored or replaced: this is another history"
            events.insert(0, Event("history", lost, revision))
        return events

    def _read(self, entries: Mapping[bytes, Entry], revision: int) -> list[Event]:
        """Compare everything."""
        config = self._config
        self._config = self._network(entries.get(self._keys.config))
        self._alive = {
            presence.node_id
            for entry in entries.values()
            if entry.key in self._keys.nodes
            and isinstance(presence := presence_of(self._keys, entry), Presence)
        }
        leases = {key for key in entries if self._is_lease(key)}
        told = self._news(entries, leases | set(self._rows), revision)
        if self._begun and config != self._config:
            words = "it is gone, or no daemon would take it" if self._config is None else "is new"
            return [Event("network", f"the configuration {words}", revision), *told]
        return list(told)

    def _follow(
        self, entries: Mapping[bytes, Entry], changes: Sequence[Change], revision: int
    ) -> list[Event]:
        """Compare what was touched: leases that changed, and those of nodes that came or went."""
        touched = {change.key for change in changes if self._is_lease(change.key)}
        moved: set[str] = set()
        for change in changes:
            if change.key in self._keys.nodes:
                moved |= self._presence(change)
        if moved:
            touched |= {key for key, row in self._rows.items() if row.node_id in moved}
        return list(self._news(entries, touched, revision))

    def _presence(self, change: Change) -> set[str]:
        """Note a sign of life, or that it ended; give the node if that is news."""
        if isinstance(change, Deleted):
            node_id = self._keys.node_of(change.key)
            if isinstance(node_id, Refusal) or node_id not in self._alive:
                return set()
            self._alive.discard(node_id)
            return {node_id}
        presence = presence_of(self._keys, change)
        if isinstance(presence, Refusal) or presence.node_id in self._alive:
            return set()
        self._alive.add(presence.node_id)
        return {presence.node_id}

    def _news(
        self, entries: Mapping[bytes, Entry], touched: set[bytes], revision: int
    ) -> Iterator[Event]:
        for key in sorted(touched, key=lambda key: place(self._keys, key)):
            before, entry = self._rows.get(key), entries.get(key)
            if entry is None:
                self._rows.pop(key, None)
                if before is not None:
                    yield Event("gone", _whose(before), revision, before)
                continue
            now = row_of(self._keys, entry, config=self._config, alive=self._alive)
            self._rows[key] = now
            if before is None:
                yield Event("leased", _whose(now), revision, now)
            elif before != now:
                yield Event(*_difference(before, now), revision, now)

    def _is_lease(self, key: bytes) -> bool:
        return key in self._keys.subnets or key in self._keys.subnets6

    def _network(self, entry: Entry | None) -> ClusterConfig | None:
        understood = config_of(entry) if entry is not None else None
        return understood if isinstance(understood, ClusterConfig) else None


def _whose(row: Row) -> str:
    owner = row.node or row.node_id or "a node without a name"
    through = f" via {' and '.join(row.gateways)}" if row.gateways else ""
    return f"{owner}{through}" + (f" ({row.state}: {row.note})" if row.note else "")


def _difference(before: Row, now: Row) -> tuple[str, str]:
    """Give the word for a change and what is other."""
    said = [
        f"{name} {old or 'none'} -> {new or 'none'}"
        for name, old, new in (
            ("gateway", " ".join(before.gateways), " ".join(now.gateways)),
            ("node", before.node or before.node_id, now.node or now.node_id),
            ("state", before.state, now.state),
        )
        if old != new
    ]
    owner = now.node or now.node_id
    if not said and before.alive != now.alive:
        return ("alive", owner) if now.alive else ("silent", f"{owner} has no presence any more")
    return "changed", ", ".join(said) or f"written anew by {owner or 'somebody'}"

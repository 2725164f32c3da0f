"""A change of the cluster's network, judged before it is made: pure.

A changed configuration renumbers nobody: a node keeps the subnet it has. But a lease that does not
fit the new configuration is not renewed into it, flannel deletes it at its node's next start, and
its peers report it as outside the network. So it is named, and needs somebody's word.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import msgspec

from hostgw_core.keys import Keys
from hostgw_core.model import ClusterConfig, Lease, Refusal, Subnets
from hostgw_core.network import read_config
from hostgw_core.records import lease_of
from hostgw_core.store import Entry
from hostgw_core.subnets import fits


@dataclass(frozen=True, slots=True)
class Orphan:
    """A lease that the new configuration has no place for, and why."""

    subnets: Subnets
    owner: str
    reason: str

    def __str__(self) -> str:
        return f"{self.subnets} of {self.owner}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Change:
    """What would be written, what stands there now, and whom it would orphan."""

    value: bytes
    current: Entry | None
    orphans: tuple[Orphan, ...]

    @property
    def needed(self) -> bool:
        """Whether writing would change anything."""
        return self.current is None or self.current.value != self.value

    @property
    def expected(self) -> int:
        """The mod revision that the key must still have: 0 while there is none."""
        return 0 if self.current is None else self.current.modified

    def difference(self) -> list[str]:
        """Show what changes, line by line: "-" goes, "+" comes."""
        before = [] if self.current is None else pretty(self.current.value)
        lines = difflib.unified_diff(before, pretty(self.value), lineterm="", n=99)
        return [line for line in lines if not line.startswith(("---", "+++", "@@"))]


def change(keys: Keys, value: bytes, config: ClusterConfig, *, entries: Iterable[Entry]) -> Change:
    """Judge a new configuration against what the store holds at one revision."""
    current = None
    leases = []
    for entry in entries:
        if entry.key == keys.config:
            current = entry
        else:
            leases.append(entry)
    before = read_config(current.value, source="").config if current is not None else None
    found = (_orphan(keys, entry, config, before=before) for entry in leases)
    return Change(compact(value), current, tuple(orphan for orphan in found if orphan is not None))


def _orphan(
    keys: Keys, entry: Entry, config: ClusterConfig, *, before: ClusterConfig | None
) -> Orphan | None:
    """Find a lease that fits no longer; one that did not fit before is no news."""
    subnets = keys.subnets_of(entry.key)
    if isinstance(subnets, Refusal):
        return None
    reason = fits(config, subnets)
    if reason is None or (before is not None and fits(before, subnets) is not None):
        return None
    lease = lease_of(keys, entry, any_backend=True)
    owner = lease.owner if isinstance(lease, Lease) else "an unreadable record"
    return Orphan(subnets, owner, reason)


def compact(value: bytes) -> bytes:
    """Write a JSON value on one line, its fields in their order."""
    return msgspec.json.format(value.strip(), indent=-1)


def pretty(value: bytes) -> list[str]:
    """Show a value a person may have written: indented, or as it is when it is not JSON."""
    try:
        msgspec.json.decode(value, type=Any)
        text = msgspec.json.format(value, indent=2).decode()
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        text = value.decode(errors="backslashreplace")
    return text.splitlines()

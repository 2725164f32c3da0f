"""What a restore would write, key by key, and why it would not: pure.

Only what is absent is written. A key that is there with another value was written by somebody else,
and nobody can say which of the two is the newer: a wiped store counts its revisions from the
beginning. So it is shown and left. A lease is put back for who cannot do it himself: a node that
lives writes its own, and knows better what it is. Each write compares that nothing has changed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from hostgw_cli.cluster.census import Census
from hostgw_cli.cluster.snapshot_file import Snapshot
from hostgw_core.keys import Keys
from hostgw_core.model import ClusterConfig, IPNetwork, Lease, Refusal, Subnets
from hostgw_core.network import config_of
from hostgw_core.records import lease_of
from hostgw_core.store import Compare, Entry, Put, Span
from hostgw_core.subnets import fits


class Verdict(StrEnum):
    """What becomes of a key."""

    WRITE = "write"
    SAME = "same"
    OTHER = "other"
    LEFT = "left"


@dataclass(frozen=True, slots=True)
class Item:
    """A key of the file: what becomes of it and why; for a write: how.

    `leased`: it is written on an etcd lease, so that it ends if nobody takes it up.
    """

    key: bytes
    verdict: Verdict
    says: str
    compares: tuple[Compare, ...] = ()
    value: bytes = b""
    leased: bool = False

    def put(self, lease: int) -> Put:
        """Give the write; the lease is an id, 0 for none."""
        return Put(self.key, self.value, lease if self.leased else 0)


def plan(keys: Keys, snapshot: Snapshot, census: Census) -> list[Item]:
    """Judge every key of the file against what the store has: the network, then what is in it."""
    entries = sorted(snapshot.entries(), key=lambda entry: (entry.key != keys.config, entry.key))
    config = _network(census.entries.get(keys.config), entries)
    taken = [
        network
        for key in census.entries
        if key in keys.subnets or key in keys.subnets6
        for network in _networks(keys.subnets_of(key))
    ]
    return [_item(keys, entry, census, config=config, taken=taken) for entry in entries]


def _item(
    keys: Keys,
    entry: Entry,
    census: Census,
    *,
    config: ClusterConfig | None,
    taken: Sequence[IPNetwork],
) -> Item:
    there = census.entries.get(entry.key)
    if there is not None:
        if there.value == entry.value:
            return Item(entry.key, Verdict.SAME, "")
        return Item(entry.key, Verdict.OTHER, f"has been written since: {_text(there.value)}")
    nothing = Compare(Span(entry.key), "version", 0)
    if entry.key in keys.subnets or entry.key in keys.subnets6:
        return _lease(keys, entry, census, config=config, taken=taken)
    return Item(entry.key, Verdict.WRITE, _text(entry.value), (nothing,), entry.value)


def _lease(
    keys: Keys,
    entry: Entry,
    census: Census,
    *,
    config: ClusterConfig | None,
    taken: Sequence[IPNetwork],
) -> Item:
    def left(why: str) -> Item:
        return Item(entry.key, Verdict.LEFT, why)

    lease = lease_of(keys, entry, any_backend=True)
    if isinstance(lease, Refusal):
        return left(f"no node would use it: {lease.reason}")
    if lease.node_id in census.nodes:
        return left(f"{lease.owner} lives, and takes what is its own by itself")
    if other := _elsewhere(census, lease):
        return left(f"{lease.owner} has {other} now")
    if any(own.overlaps(their) for own in lease.subnets for their in taken if _same(own, their)):
        return left("a part of it is leased to somebody else now")
    if config is not None and (misfit := fits(config, lease.subnets)):
        return left(f"it does not fit the network: {misfit}")
    compares = [Compare(keys.block(lease.subnets), "version", 0)]
    if lease.node_id:
        compares.append(Compare(Span(keys.node(lease.node_id)), "version", 0))
    says = f"{lease.owner} via {lease.gateways}" + ("" if entry.lease else ", for ever")
    return Item(
        entry.key, Verdict.WRITE, says, tuple(compares), entry.value, leased=entry.lease != 0
    )


def _elsewhere(census: Census, lease: Lease) -> str:
    """Give the subnet that a node has by now, "" for none: one node never gets two."""
    for row in census.rows:
        same = row.node_id == lease.node_id if lease.node_id else False
        if same or set(row.gateways) & set(map(str, lease.gateways)):
            return " and ".join(row.subnets) or row.key
    return ""


def _network(there: Entry | None, entries: Sequence[Entry]) -> ClusterConfig | None:
    """Give the network that will be in force: the store's, or the file's where it has none."""
    first = there or (entries[0] if entries else None)
    understood = config_of(first) if first is not None else None
    return understood if isinstance(understood, ClusterConfig) else None


def _networks(subnets: Subnets | Refusal) -> Iterator[IPNetwork]:
    if isinstance(subnets, Subnets):
        yield from subnets


def _same(one: IPNetwork, other: IPNetwork) -> bool:
    return one.version == other.version


def _text(value: bytes) -> str:
    text = value.decode(errors="backslashreplace")
    return text if len(text) <= 200 else f"{text[:200]}..."

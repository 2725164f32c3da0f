"""Stores under a guard as its tests begin with them: ourselves, and a few peers that are well."""

from __future__ import annotations

from dataclasses import replace

from hostgw_core.store import Entry
from support.lease_world import MY_ADDRESS, entry
from support.understanding import NETWORK, GuardedStore, names, peers_of

OTHER_NETWORK = replace(
    NETWORK, value=b'{"Network": "10.6.0.0/16", "Backend": {"Type": "host-gw"}}'
)
OWN = entry("10.5.200.0-24", MY_ADDRESS, node="me")
A, B, C = (
    entry(f"10.5.{number}.0-24", f"172.16.0.{number}", node=name, created=10 + number)
    for number, name in ((11, "a"), (12, "b"), (13, "c"))
)
ALL = {"10.5.11.0-24": "ok", "10.5.12.0-24": "ok", "10.5.13.0-24": "ok", "10.5.200.0-24": "self"}


def of_three() -> GuardedStore:
    """Give a store with the peers A, B and C."""
    store = GuardedStore()
    store.list(NETWORK, OWN, A, B, C)
    assert store.says == ALL
    return store


def of_ten() -> GuardedStore:
    """Give a store with ten peers, the first in 10.5.1.0/24."""
    store = GuardedStore()
    store.list(NETWORK, OWN, *peers_of(*names(10)))
    return store


def younger(record: Entry, *, created: int = 2, modified: int = 0) -> Entry:
    """Write it as another history has it."""
    return replace(record, created=created, modified=modified or created)

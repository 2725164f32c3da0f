"""A packet filter made of memory: tables with handles, one rule in FORWARD, and their failures."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from hostgw_core.model import Family
from hostgw_daemon.rules.nftables import FirewallError, Listing, transaction
from hostgw_daemon.rules.ruleset import Json, Ruleset, RulesetSpec


class MemoryFirewall:
    """Keeps tables as the kernel does: a new handle for each thing that is made."""

    def __init__(self) -> None:
        self.tables: dict[Family, list[Json]] = {}
        self.handles = 0
        self.writes = 0
        self.reads = 0
        self.fault: FirewallError | None = None
        self.deaf = False  # the doorbell is lost
        self.vandal: Callable[[], None] | None = None  # called after each write
        self._ring: Callable[[], None] | None = None

    async def read(self) -> Listing:
        """List the tables, after the time that nft takes."""
        self.reads += 1
        await asyncio.sleep(0.006)
        if self.fault:
            raise self.fault
        return Listing({family: tuple(objects) for family, objects in self.tables.items()})

    async def write(self, ruleset: Ruleset, present: Iterable[Family]) -> None:
        """Do the transaction's commands, one after the other, at one moment."""
        await asyncio.sleep(0.006)
        if self.fault:
            raise self.fault
        self.writes += 1
        families: dict[str, Family] = {"ip": 4, "ip6": 6}
        for command in json.loads(transaction(ruleset, present))["nftables"]:
            ((verb, objects),) = command.items()
            ((kind, body),) = objects.items()
            family = families[body["family"]]
            if verb == "delete":
                del self.tables[family]
                continue
            self.handles += 1
            self.tables.setdefault(family, [])
            if kind == "table" and self.tables[family]:
                continue
            self.tables[family].append({kind: {**body, "handle": self.handles}})
        self.changed()
        if self.vandal:
            self.vandal()

    def changed(self) -> None:
        """Ring, as the kernel does after every change."""
        if self._ring and not self.deaf:
            self._ring()

    def delete(self) -> None:
        """Be the other program that deletes our table."""
        self.tables.clear()
        self.changed()

    def replace_rule(self) -> None:
        """Be the other program that replaces our last rule by one with the same comment."""
        self.handles += 1
        body = self.tables[4][-1]["rule"]
        self.tables[4][-1] = {"rule": {**body, "handle": self.handles, "expr": []}}
        self.changed()

    @contextmanager
    def watched(self, ring: Callable[[], None]) -> Iterator[None]:
        """Remember whom to ring."""
        self._ring = ring
        yield
        self._ring = None


class MemoryForwarding:
    """Has one rule to keep, and counts how often it was put back."""

    def __init__(self) -> None:
        self.there = False
        self.calls = 0
        self.fault: FirewallError | None = None

    async def ensure(self, spec: RulesetSpec) -> int:
        """Put the rule, if it is wanted and not there."""
        self.calls += 1
        if self.fault:
            raise self.fault
        changed = int(self.there != spec.forward_rules)
        self.there = spec.forward_rules
        return changed

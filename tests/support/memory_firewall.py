"""A packet filter made of memory: tables with handles, one rule in FORWARD, and their failures."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from hostgw_core.model import Family
from hostgw_daemon.rules.nftables import (
    Amendment,
    FirewallError,
    Listing,
    transaction,
    words_of,
)
from hostgw_daemon.rules.ruleset import Json, Ruleset, RulesetSpec

FAMILIES: dict[str, Family] = {"ip": 4, "ip6": 6}


class MemoryFirewall:
    """Keeps tables as the kernel does: a new handle for each thing that is made."""

    def __init__(self) -> None:
        self.tables: dict[Family, list[Json]] = {}
        self.handles = 0
        self.writes = 0
        self.amendments = 0
        self.reads = 0
        self.fault: FirewallError | None = None
        self.takes = 0.006  # seconds that a listing takes
        self.deaf = False  # the doorbell is lost
        self.vandal: Callable[[], None] | None = None  # called after each write
        self._ring: Callable[[], None] | None = None

    async def read(self) -> Listing:
        """List the tables, after the time that nft takes."""
        self.reads += 1
        await asyncio.sleep(self.takes)
        if self.fault:
            raise self.fault
        return Listing.of(self.tables)

    async def write(self, ruleset: Ruleset, present: Iterable[Family]) -> None:
        """Do the transaction's commands, one after the other, at one moment."""
        await asyncio.sleep(0.006)
        if self.fault:
            raise self.fault
        self.writes += 1
        for command in json.loads(transaction(ruleset, present))["nftables"]:
            ((verb, objects),) = command.items()
            ((kind, body),) = objects.items()
            family = FAMILIES[body["family"]]
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

    async def amend(self, amendment: Amendment) -> None:
        """Add and delete elements; to delete what is not there is an error, and nothing is done."""
        await asyncio.sleep(0.003)
        if self.fault:
            raise self.fault
        commands = json.loads(words_of(amendment))["nftables"]
        assert commands
        after = {family: set(self.nodes(family)) for family in self.tables}
        for command in commands:
            ((verb, objects),) = command.items()
            body = objects["element"]
            found, named = after[FAMILIES[body["family"]]], set(body["elem"])
            if verb == "delete" and not named <= found:
                raise FirewallError("nft refused: No such file or directory")
            found ^= named if verb == "delete" else named - found
        for family, found in after.items():
            self.set_nodes(family, found)
        self.amendments += 1
        self.changed()

    def nodes(self, family: Family) -> list[str]:
        """Give what the set of nodes holds."""
        found: list[str] = self._set(family).get("elem", [])
        return found

    def set_nodes(self, family: Family, nodes: Iterable[str]) -> None:
        """Have the set hold these, in the kernel's own order: none that we know."""
        self._set(family)["elem"] = sorted(nodes, reverse=True)

    def _set(self, family: Family) -> dict[str, Any]:
        found: dict[str, Any] = next(each["set"] for each in self.tables[family] if "set" in each)
        return found

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

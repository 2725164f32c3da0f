"""The port to nftables: what crosses it, its verbs, and what each guarantees.

Everything is nftables' own JSON (libnftables-json(5)). Each version of nft may list a rule in
another form than it was sent in, so a listing is never compared with what was sent: it is compared
with the listing that followed the sending. Handles make that exact: the kernel never changes a
rule, a replaced one has a new handle; a chain's policy and a table's flags do change in place, and
are listed.

A table that has flags (dormant, owner) is listed by nft 1.0.6 as JSON with loose memory in it, or
cut short. So the names of tables, everybody's, are read from nft's plain text, and a listing of our
own table that cannot be read is a value: it is not what we wrote.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from hostgw_core.model import FAMILIES, Family
from hostgw_daemon.rules.ruleset import Chain, Json, Ruleset

TABLE = "hostgw"

UNREADABLE: tuple[Json, ...] = ({"unreadable": {"name": TABLE}},)

Line: TypeAlias = tuple[Any, ...]


class FirewallError(Exception):
    """nft did not do it. The message is a sentence for an operator."""


class FirewallMissing(FirewallError):
    """There is no nft on this host."""


@dataclass(frozen=True, slots=True)
class Listing:
    """Our table in each family that has it, as nft lists it. Equal: nothing changed between."""

    tables: Mapping[Family, tuple[Json, ...]]


class Firewall(Protocol):
    """What the masquerade loop asks of nftables. All verbs raise FirewallError."""

    async def read(self) -> Listing:
        """List our tables, those of one moment each."""
        ...

    async def write(self, ruleset: Ruleset, present: Iterable[Family]) -> None:
        """Do `transaction(ruleset, present)`: all of it at one moment, or nothing."""
        ...

    def watched(self, ring: Callable[[], None]) -> AbstractContextManager[None]:
        """Have `ring` called, while inside, whenever one of our tables may have changed.

        Our own writes ring as well. A ring may be lost: look now and then all the same.
        """
        ...


def word(family: Family) -> str:
    """Give nftables' name of a family."""
    return "ip" if family == 4 else "ip6"


def transaction(ruleset: Ruleset, present: Iterable[Family] = ()) -> str:
    """Give the input of `nft -j -f -` that puts the ruleset in force, whatever was there before.

    nft sends it as one transaction, so that no packet meets half of it or none. A table is added
    before it is deleted, because deleting one that is not there is an error. `present` names the
    families in which our table stands: where none is wanted, it goes.
    """
    commands: list[Json] = []
    for family in FAMILIES:
        chains = ruleset.tables.get(family)
        if chains is None and family not in present:
            continue  # a kernel without IPv6 refuses even to add the table
        table = {"table": {"family": word(family), "name": TABLE}}
        commands += [{"add": table}, {"delete": table}]
        if chains is not None:
            commands.append({"add": table})
            commands += [{"add": body} for chain in chains for body in _bodies(family, chain)]
    return json.dumps({"nftables": commands})


def standing(answer: str) -> frozenset[Family]:
    """Read from the text of `nft list tables` in which families our table is there."""
    lines = {tuple(line.split()) for line in answer.splitlines()}
    return frozenset(f for f in FAMILIES if ("table", word(f), TABLE) in lines)


def listed(answer: str) -> tuple[Json, ...]:
    """Read the objects that `nft -j list table` printed; `UNREADABLE` if it printed no such thing.

    The object that names nft's version is left out: an upgrade of nft is no drift.
    """
    try:
        said = json.loads(answer)
    except ValueError:
        return UNREADABLE
    objects = said.get("nftables") if isinstance(said, dict) else None
    if not isinstance(objects, list) or not all(isinstance(each, dict) for each in objects):
        return UNREADABLE
    return tuple(each for each in objects if "metainfo" not in each)


def holds(listing: Listing, ruleset: Ruleset) -> bool:
    """Tell whether a listing can be that of this ruleset, just written.

    It compares what every version of nft lists alike: the tables, the chains with their hooks and
    policies, and the rules by their comments, in order.
    """
    return {family: _outline(objects) for family, objects in listing.tables.items()} == {
        family: list(_outlined(family, chains)) for family, chains in ruleset.tables.items()
    }


def _bodies(family: Family, chain: Chain) -> Iterator[Json]:
    place = {"family": word(family), "table": TABLE}
    hook = {"type": chain.kind, "hook": chain.hook, "prio": chain.priority, "policy": "accept"}
    yield {"chain": {**place, "name": chain.name, **hook}}
    for rule in chain.rules:
        body = {"comment": rule.comment, "expr": list(rule.statements)}
        yield {"rule": {**place, "chain": chain.name, **body}}


def _outlined(family: Family, chains: Iterable[Chain]) -> Iterator[Line]:
    """Give the outline that a listing of these chains has."""
    chains = tuple(chains)
    yield ("table", word(family), TABLE, None)
    for chain in chains:
        yield ("chain", chain.name, chain.kind, chain.hook, chain.priority, "accept")
    for chain in chains:
        for rule in chain.rules:
            yield ("rule", chain.name, rule.comment)


def _outline(objects: Iterable[Json]) -> list[Line]:
    """Give the outline of a listing, the table first, then the chains, then the rules."""
    fields = {
        "table": ("family", "name", "flags"),
        "chain": ("name", "type", "hook", "prio", "policy"),
        "rule": ("chain", "comment"),
    }
    lines = [
        (kind, *(body.get(name) for name in fields.get(kind, ("name",))))
        for each in objects
        for kind, body in each.items()
    ]
    order = list(fields)
    return sorted(lines, key=lambda line: order.index(line[0]) if line[0] in order else len(order))

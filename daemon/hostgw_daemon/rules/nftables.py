"""The port to nftables: what crosses it, its verbs, and what each guarantees.

Everything is nftables' own JSON (libnftables-json(5)). Each version of nft may list a rule in
another form than it was sent in, so a listing is never compared with what was sent: it is compared
with the listing that followed the sending. Handles make that exact: the kernel never changes a
rule, a replaced one has a new handle; a chain's policy and a table's flags do change in place, and
are listed.

Only the set of nodes is no part of that pattern. Its elements have no handles, their order means
nothing, and they change while the rules stay: they are compared with what they must be, and what
differs is added and deleted, a few words for ten thousand nodes.

A table that has flags (dormant, owner) is listed by nft 1.0.6 as JSON with loose memory in it, or
cut short. So the names of tables, everybody's, are read from nft's plain text, and a listing of our
own table that cannot be read is a value: it is not what we wrote. The text is that of `list
chains`: for `list tables` nft 1.0.6 reads every rule and element that the host has.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

from hostgw_core.model import FAMILIES, Family
from hostgw_daemon.rules.ruleset import NODES, Chain, Elements, Json, Ruleset

TABLE = "hostgw"

_TYPES: Mapping[Family, str] = {4: "ipv4_addr", 6: "ipv6_addr"}

UNREADABLE: tuple[Json, ...] = ({"unreadable": {"name": TABLE}},)

Line: TypeAlias = tuple[Any, ...]


class FirewallError(Exception):
    """nft did not do it. The message is a sentence for an operator."""


class FirewallMissing(FirewallError):
    """There is no nft on this host."""


@dataclass(frozen=True, slots=True)
class Listing:
    """Our table in each family that has it, as nft lists it. Equal: nothing changed between.

    `elements` is what its set of nodes holds, which is left out of `tables`.
    """

    tables: Mapping[Family, tuple[Json, ...]]
    elements: Elements = field(default_factory=dict)

    @classmethod
    def of(cls, tables: Mapping[Family, Iterable[Json]]) -> Listing:
        """Part what nft lists."""
        parted = {family: _parted(objects) for family, objects in tables.items()}
        return cls(
            {family: objects for family, (objects, _) in parted.items()},
            {family: found for family, (_, found) in parted.items() if found is not None},
        )


@dataclass(frozen=True, slots=True)
class Amendment:
    """What must be added to the sets of nodes, and deleted from them."""

    add: Elements
    delete: Elements

    def __bool__(self) -> bool:
        """Tell whether there is anything to do."""
        return any(self.add.values()) or any(self.delete.values())


class Firewall(Protocol):
    """What the masquerade loop asks of nftables. All verbs raise FirewallError."""

    async def read(self) -> Listing:
        """List our tables, those of one moment each."""
        ...

    async def write(self, ruleset: Ruleset, present: Iterable[Family]) -> None:
        """Do `transaction(ruleset, present)`: all of it at one moment, or nothing."""
        ...

    async def amend(self, amendment: Amendment) -> None:
        """Do `words_of(amendment)`: all of it at one moment, or nothing."""
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
            if (nodes := ruleset.elements.get(family)) is not None:
                commands += [{"add": body} for body in _set(family, nodes)]
            commands += [{"add": body} for chain in chains for body in _bodies(family, chain)]
    return json.dumps({"nftables": commands})


def amendment(found: Elements, wanted: Elements) -> Amendment:
    """Give what makes of the sets that were found those that are wanted."""
    return Amendment(
        {family: wanted[family] - found.get(family, frozenset()) for family in wanted},
        {family: found[family] - wanted.get(family, frozenset()) for family in found},
    )


def words_of(amendment: Amendment) -> str:
    """Give the input of `nft -j -f -` that does an amendment, in one transaction."""
    commands = [
        {verb: {"element": {**_place(family), "name": NODES, "elem": sorted(found)}}}
        for verb, elements in (("add", amendment.add), ("delete", amendment.delete))
        for family, found in elements.items()
        if found
    ]
    return json.dumps({"nftables": commands})


def standing(answer: str) -> frozenset[Family]:
    """Read from the text of `nft list chains` in which families our table is there."""
    lines = {tuple(line.split()) for line in answer.splitlines() if line.startswith("table")}
    return frozenset(f for f in FAMILIES if ("table", word(f), TABLE, "{") in lines)


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

    It compares what every version of nft lists alike: the tables, the set of nodes and what it
    holds, the chains with their hooks and policies, and the rules by their comments, in order.
    """
    return listing.elements == ruleset.elements and {
        family: _outline(objects) for family, objects in listing.tables.items()
    } == {family: list(_outlined(family, ruleset)) for family in ruleset.tables}


def _place(family: Family) -> Json:
    return {"family": word(family), "table": TABLE}


def _set(family: Family, nodes: frozenset[str]) -> Iterator[Json]:
    body = {**_place(family), "name": NODES, "type": _TYPES[family]}
    yield {"set": {**body, "elem": sorted(nodes)} if nodes else body}


def _parted(objects: Iterable[Json]) -> tuple[tuple[Json, ...], frozenset[str] | None]:
    """Part the elements of the set of nodes from all else.

    What nft does not list as a plain address is nothing that we wrote, and stays where it is.
    """
    kept: list[Json] = []
    found: frozenset[str] | None = None
    for each in objects:
        body = each.get("set")
        if isinstance(body, dict) and body.get("name") == NODES:
            elements = body.get("elem", [])
            if all(isinstance(element, str) for element in elements):
                found = frozenset(elements)
                body = {name: value for name, value in body.items() if name != "elem"}
            kept.append({"set": body})
        else:
            kept.append(each)
    return tuple(kept), found


def _bodies(family: Family, chain: Chain) -> Iterator[Json]:
    place = _place(family)
    hook = {"type": chain.kind, "hook": chain.hook, "prio": chain.priority, "policy": "accept"}
    yield {"chain": {**place, "name": chain.name, **hook}}
    for rule in chain.rules:
        body = {"comment": rule.comment, "expr": list(rule.statements)}
        yield {"rule": {**place, "chain": chain.name, **body}}


def _outlined(family: Family, ruleset: Ruleset) -> Iterator[Line]:
    """Give the outline that a listing of this family's table has."""
    chains = ruleset.tables[family]
    yield ("table", word(family), TABLE, None)
    if family in ruleset.elements:
        yield ("set", NODES, _TYPES[family], None, None)
    for chain in chains:
        yield ("chain", chain.name, chain.kind, chain.hook, chain.priority, "accept")
    for chain in chains:
        for rule in chain.rules:
            yield ("rule", chain.name, rule.comment)


def _outline(objects: Iterable[Json]) -> list[Line]:
    """Give the outline of a listing: the table, the set, the chains, the rules."""
    fields = {
        "table": ("family", "name", "flags"),
        "set": ("name", "type", "flags", "elem"),
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

"""The way of packets between two addresses, there and back, across nodes: pure.

host-gw has one hop: the node that sends has a route to the other one's subnet, through that node's
address, and the node that receives hands the packet to its own container. So each direction is the
sender's decision, by the receiver's lease, and what both say of themselves in the store. Where the
sender is this host, its daemon and its kernel are heard as well.

A node that has fallen silent still routes: its kernel goes on. What it lacks is a witness.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import Final

from hostgw_cli.cluster.census import Node
from hostgw_cli.lease_list import Row
from hostgw_cli.node.explanation import CAUSE, Explanation, Step

BLOCKING: Final = frozenset(
    {
        *("no_uplink", "uplink_down", "no_vrf", "routes_failing", "routes_conflict", "shadowed"),
        *("fight", "forwarding_off", "forward_dropped", "cni_child_failing"),
        *("duplicate_address", "address_claimed", "duplicate_identity"),
    }
)
"""Conditions of a node in which packets through it are surely in danger (docs/conditions.md)."""

OF_ROUTES: Final = frozenset({"routes_failing", "routes_conflict", "shadowed", "fight"})
"""Those of single routes: they concern what the node sends, and perhaps to somebody else."""

ROUTED: Final = frozenset({"leased", "reserved", "partial", "outside"})
"""States of a lease that nodes route by; `outside` by those that knew it before."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What everybody said. `away` names who could not be asked, with the reason.

    `here` is the key of the lease of this host's daemon, "" where that is not known; `local` has
    what this host explains of an address that it would send to.
    """

    rows: tuple[Row, ...] = ()
    nodes: Mapping[str, Node] = field(default_factory=dict)
    here: str = ""
    local: Mapping[str, Explanation] = field(default_factory=dict)
    away: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Direction:
    """One way: the steps, whether all is well (None: not known), and the sentence that says it."""

    source: str
    destination: str
    well: bool | None
    sentence: str
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class _End:
    """Where an address lies: in the subnet of a lease, or it is a node's own."""

    address: str
    row: Row | None
    subnet: str = ""

    @property
    def node(self) -> str:
        assert self.row is not None
        return self.row.node or self.row.node_id or f"the node at {' '.join(self.row.gateways)}"


def there_and_back(facts: Facts, one: str, other: str) -> tuple[Direction, Direction]:
    """Trace both directions."""
    return direction(facts, one, other), direction(facts, other, one)


def senders(facts: Facts, one: str, other: str) -> Iterator[str]:
    """Give the addresses that this host would send to: what is to be explained here."""
    for source, destination in ((one, other), (other, one)):
        row = _end(facts.rows, source).row
        if row is not None and row.key == facts.here:
            yield destination


def direction(facts: Facts, source: str, destination: str) -> Direction:
    """Trace one direction."""
    steps = tuple(_steps(facts, _end(facts.rows, source), _end(facts.rows, destination)))
    bad = [step for step in steps if step.well is False]
    wrong = next((step for step in bad if step.what.endswith(CAUSE)), bad[0] if bad else None)
    name = f"{source} to {destination}"
    if wrong is not None:
        return Direction(
            source,
            destination,
            well=False,
            sentence=f"{name}: {wrong.what}: {wrong.says}",
            steps=steps,
        )
    if _unasked(facts):
        sentence = f"{name}: not known, for neither the store nor the daemon could be asked."
        return Direction(source, destination, well=None, sentence=sentence, steps=steps)
    sentence = f"{name}: nothing is wrong, as far as is known here."
    return Direction(source, destination, well=True, sentence=sentence, steps=steps)


def _unasked(facts: Facts) -> bool:
    return {"store", "daemon"} <= facts.away.keys()


def _steps(facts: Facts, source: _End, destination: _End) -> Iterator[Step]:
    yield _whose("from", source, facts)
    yield _whose("to", destination, facts)
    if source.row is None or destination.row is None:
        return
    if source.row.key == destination.row.key:
        yield Step("the way", f"both lie on {source.node}: no route between nodes is used", True)
        yield from _says(facts, source)
        return
    # Of its own routes this host knows itself whether they are those of this way.
    yield from _says(facts, source, sends=source.row.key != facts.here)
    yield from _decides(facts, source, destination)
    local = facts.local.get(destination.address)
    if source.row.key == facts.here and local is not None:
        for step in local.steps:
            yield Step(f"{source.node}, here: {step.what}", step.says, step.well)
    yield from _says(facts, destination)


def _whose(what: str, end: _End, facts: Facts) -> Step:
    if end.row is None:
        if _unasked(facts):
            return Step(what, f"{end.address}: not known, for nobody could be asked")
        return Step(what, f"{end.address} is nobody's: no lease and no node has it", False)
    if not end.subnet:
        return Step(what, f"{end.address} is the address of the node {end.node} itself", True)
    return Step(what, f"{end.address} is of the subnet {end.subnet} of {end.node}", True)


def _decides(facts: Facts, source: _End, destination: _End) -> Iterator[Step]:
    """Say by which record the sender sends, and whether it can know it yet."""
    row = destination.row
    assert row is not None
    if not destination.subnet:
        yield Step("the way", f"{source.node} sends it over the link: no route of ours", True)
        return
    family = ip_address(destination.address).version
    gateway = next((g for g in row.gateways if ip_address(g).version == family), "")
    if row.state not in ROUTED:
        yield Step("the lease", f"of {destination.subnet} is not routed to: {row.note}", False)
        return
    if not gateway:
        gateway = " ".join(row.gateways)
    by = f"by the lease of {destination.subnet} (revision {row.modified})"
    yield Step(
        "the lease", f"{source.node} sends it via {gateway} to {destination.node}, {by}", True
    )
    if row.state in {"partial", "outside"}:
        yield Step("the lease", f"{row.state}: {row.note}")
    node = facts.nodes.get(source.row.node_id) if source.row else None
    applied = node.status.applied if node and node.status else 0
    if applied and applied < row.modified:
        yield Step(
            source.node,
            f"has not said yet that its routes are so new: it spoke at revision {applied}, and"
            " speaks when something changes with it, or every ten minutes",
        )


def _says(facts: Facts, end: _End, *, sends: bool = False) -> Iterator[Step]:
    """Give what a node says of itself in the store; of its routes it matters if it `sends`."""
    row = end.row
    assert row is not None
    if "store" in facts.away:
        yield Step(end.node, "says nothing: the store could not be asked")
        return
    if not row.node_id:
        yield Step(end.node, "is flannel's: it says nothing about itself")
        return
    node = facts.nodes.get(row.node_id)
    if node is None:
        yield Step(end.node, "has no presence: its hostgwd is away, and its kernel goes on routing")
        return
    wrong = node.status.conditions if node.status else ()
    judged = BLOCKING if sends else BLOCKING - OF_ROUTES
    blocking = [code for code in wrong if code in judged]
    if blocking:
        yield Step(end.node, f"says that it is not well: {', '.join(blocking)}", False)
    elif wrong:
        yield Step(end.node, f"lives, and says of itself: {', '.join(wrong)}")
    elif node.status is None or not node.status.applied:
        yield Step(end.node, "lives, and has not said yet how it is")
    else:
        yield Step(end.node, "lives, and says of nothing that it is wrong", True)


def _end(rows: Iterable[Row], address: str) -> _End:
    wanted = ip_address(address)
    nodes = None
    for row in rows:
        for subnet in row.subnets:
            network = ip_network(subnet)
            if network.version == wanted.version and wanted in network:
                return _End(address, row, subnet)
        if nodes is None and address in row.gateways:
            nodes = row
    return _End(address, nodes)

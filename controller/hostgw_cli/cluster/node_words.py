"""The nodes of a cluster as rows for a person or a program: pure.

A node is one that has a presence, or a lease, or both. What it says of itself it writes seldom: the
conditions once they have stood for some seconds, the applied revision every ten minutes at most.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from hostgw_cli.cluster.census import Census, Node

HEADINGS = ("NODE", "SUBNET", "ADDRESS", "ALIVE", "VERSION", "APPLIED", "CONDITIONS")


@dataclass(frozen=True, slots=True)
class NodeRow:
    """One node. `alive` is None for flannel's, which has no presence.

    `conditions` are the codes of what is wrong on it, `applied` is the revision of the last change
    of the leases that it is known to route by; both as it wrote them last.
    """

    node: str
    node_id: str
    subnets: tuple[str, ...]
    addresses: tuple[str, ...]
    alive: bool | None
    version: str = ""
    applied: int = 0
    conditions: tuple[str, ...] = ()

    @property
    def well(self) -> bool:
        """Whether it lives, as far as can be told, and says of nothing that it is wrong."""
        return self.alive is not False and not self.conditions

    def as_json(self) -> dict[str, Any]:
        """Give the row as JSON holds it."""
        return asdict(self)


def node_rows(census: Census) -> list[NodeRow]:
    """Give every node, by its name; one with several leases once for each."""
    found = []
    leased = set()
    for row in census.rows:
        if not (row.node_id or row.gateways):
            continue  # a record that nobody uses names no node
        leased.add(row.node_id)
        node = census.nodes.get(row.node_id)
        name = row.node or (node.presence.node if node is not None else "")
        found.append(_row(name, row.node_id, row.subnets, row.gateways, row.alive, node))
    for node_id, node in census.nodes.items():
        if node_id not in leased:
            addresses = tuple(map(str, node.presence.addresses))
            found.append(_row(node.presence.node, node_id, (), addresses, True, node))
    return sorted(found, key=lambda row: (row.node, row.node_id, row.subnets))


def _row(  # noqa: PLR0917 - the columns
    name: str,
    node_id: str,
    subnets: tuple[str, ...],
    addresses: tuple[str, ...],
    alive: bool | None,  # noqa: FBT001 - the same
    node: Node | None,
) -> NodeRow:
    said = node.status if node is not None else None
    if said is None:
        return NodeRow(name, node_id, subnets, addresses, alive)
    return NodeRow(
        name, node_id, subnets, addresses, alive, said.version, said.applied, said.conditions
    )


def cells(rows: Sequence[NodeRow]) -> list[tuple[str, ...]]:
    """Give the cells below the headings."""
    words = {True: "yes", False: "no", None: "-"}
    return [
        (
            row.node or row.node_id or "-",
            " ".join(row.subnets) or "-",
            " ".join(row.addresses) or "-",
            words[row.alive],
            row.version or "-",
            str(row.applied or "-"),
            " ".join(row.conditions) or "-",
        )
        for row in rows
    ]

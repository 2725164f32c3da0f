"""One lease in words, line by line: pure."""

from __future__ import annotations

from collections.abc import Iterator

from hostgw_cli.cluster.census import Census, Node
from hostgw_cli.lease_list import Row
from hostgw_core.records import Reservation


def lines(row: Row, census: Census) -> list[tuple[str, str]]:
    """Give heading and words of each line about a lease."""
    return [
        (" and ".join(row.subnets) or row.key, ""),
        ("key", row.key),
        ("gateway", " and ".join(row.gateways) or "none"),
        ("node", _node(row)),
        ("state", f"{row.state}: {row.note}" if row.note else row.state),
        ("written", f"at revision {row.modified}, first at {row.created}, now {census.revision}"),
        *_alive(row, census.nodes.get(row.node_id)),
        *_reserved(row, census.kept_for(row)),
    ]


def document(row: Row, census: Census) -> dict[str, object]:
    """Give all of it for a program."""
    node, kept = census.nodes.get(row.node_id), census.kept_for(row)
    return {
        **row.as_json(),
        "presence": _presence(node) if node else None,
        "reservation": {"node": kept.node, "node_id": kept.node_id} if kept else None,
    }


def _presence(node: Node) -> dict[str, object]:
    found: dict[str, object] = {
        "instance": node.presence.instance,
        "addresses": [str(each) for each in node.presence.addresses],
    }
    if node.status is not None:
        found |= {
            "boot_id": node.status.boot_id,
            "version": node.status.version,
            "conditions": list(node.status.conditions),
            "applied": node.status.applied,
        }
    return found


def _node(row: Row) -> str:
    if row.node and row.node_id:
        return f"{row.node} ({row.node_id})"
    return row.node or row.node_id or "not named: flannel writes no name"


def _alive(row: Row, node: Node | None) -> Iterator[tuple[str, str]]:
    if row.alive is None:
        yield "alive", "nobody can tell: the record names no node id"
    elif node is None:
        yield "alive", "no: it has no presence in the store"
    else:
        addresses = " and ".join(map(str, node.presence.addresses)) or "no address"
        version = node.status.version if node.status and node.status.version else "of no version"
        yield "alive", f"yes: hostgwd {version} at {addresses}, instance {node.presence.instance}"
        yield "says", said(node)


def said(node: Node) -> str:
    """Give what a node says is wrong with it, and how far its routes are."""
    if node.status is None:
        return "what cannot be read"
    if not node.status.conditions and not node.status.applied:
        return "nothing yet of how it is"
    wrong = ", ".join(node.status.conditions)
    words = f"that something is wrong: {wrong}" if wrong else "that nothing is wrong"
    if node.status.applied:
        words += f"; its routes were those of revision {node.status.applied}"
    return words


def _reserved(row: Row, kept: Reservation | None) -> Iterator[tuple[str, str]]:
    if kept is None:
        return
    name = kept.node or kept.node_id
    own = kept.meant_for(node=row.node, node_id=row.node_id)
    yield "reserved", f"for {name}" + ("" if own else ", who does not have it")

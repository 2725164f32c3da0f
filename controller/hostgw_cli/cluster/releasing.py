"""Whether a lease may be released, what that does to whom, and the transaction for it: pure.

A release deletes the very record that was looked at (its mod revision is compared), and, unless it
is forced, only while its node still has no presence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hostgw_cli.cluster.census import Census
from hostgw_cli.lease_list import Row
from hostgw_core.keys import Keys
from hostgw_core.model import Refusal
from hostgw_core.records import reservation_value
from hostgw_core.store import Compare, Delete, Put, Span, Write


@dataclass(frozen=True, slots=True)
class Release:
    """A release that may be made, in words and as a transaction."""

    says: tuple[str, ...]
    compares: tuple[Compare, ...]
    writes: tuple[Write, ...]


def release_of(
    keys: Keys,
    census: Census,
    row: Row,
    *,
    forced: bool = False,
    reserve: bool = False,
    unreserve: bool = False,
) -> Release | str:
    """Judge; give the release, or the sentence that refuses it."""
    if (why := _forbidden(row)) and not forced:
        return why
    key = census.key_of(row)
    compares = [Compare(Span(key), "modified", row.modified)]
    writes: list[Write] = [Delete(key)]
    if row.node_id and not forced:
        compares.append(Compare(Span(keys.node(row.node_id)), "version", 0))
    said = [*_consequences(census, row)]
    kept = census.kept_for(row)
    if reserve:
        subnets = keys.subnets_of(key)
        if isinstance(subnets, Refusal) or not (row.node or row.node_id):
            return f"{_name(row)} names no node, so it cannot be kept for one: leave --reserve out"
        if kept is not None and not kept.meant_for(node=row.node, node_id=row.node_id):
            return f"{_name(row)} is reserved for {kept.node or kept.node_id} already"
        if kept is None:
            compares.append(Compare(keys.reservation_block(subnets), "version", 0))
            value = reservation_value(node=row.node, node_id=row.node_id)
            writes.append(Put(keys.reservation(subnets), value))
        said.append(f"it is kept for {row.node or row.node_id}, and nobody else may lease it")
    elif unreserve and kept is not None:
        compares.append(Compare(Span(kept.key), "modified", kept.modified))
        writes.append(Delete(kept.key))
        said.append(f"its reservation for {kept.node or kept.node_id} goes too")
    elif kept is not None:
        said.append(f"it stays reserved for {kept.node or kept.node_id}")
    return Release(tuple(said), tuple(compares), tuple(writes))


def _forbidden(row: Row) -> str:
    owner = row.node or row.node_id
    if row.alive:
        return (
            f"{owner} is alive and would take {_name(row)} back at once: stop its hostgwd first, or"
            " say --force"
        )
    if row.alive is None and row.gateways:
        gateways = " and ".join(row.gateways)
        return (
            f"the record of {_name(row)} names no node id, so nobody can tell whether the node at"
            f" {gateways} lives: look there, and say --force if it is gone"
        )
    return ""


def _consequences(census: Census, row: Row) -> Sequence[str]:
    if not row.gateways:
        return [
            f"the record is one that no node uses ({row.state}): it is deleted, and that is all"
        ]
    others = sum(1 for node_id in census.nodes if node_id != row.node_id)
    nodes = "1 other living node" if others == 1 else f"{others} other living nodes"
    gateways = " and ".join(row.gateways)
    route = f"the route to {_name(row)} via {gateways}"
    grace = "--removal-grace (2 s, if nothing else goes at the same time)"
    said = [f"{nodes} will take {route} away, after {grace}"]
    owner = row.node or row.node_id or f"the node at {gateways}"
    if row.alive:
        said.append(f"{owner} is alive: it writes the same lease again as soon as it sees this")
    else:
        said.append(
            f"containers that still run on {owner} are then reached by nobody; the subnet is free"
            " for the next node that needs one"
        )
    return said


def _name(row: Row) -> str:
    return " and ".join(row.subnets) or row.key

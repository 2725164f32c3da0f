"""Everything that the store says of a cluster, at one revision: pure.

The leases are rows, as `hostgwctl leases list` shows them; beside them stands who lives and what
each says about itself, and which subnets are kept for whom.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network

from hostgw_cli.lease_list import Row, rows, spelled
from hostgw_core.keys import Keys
from hostgw_core.model import Presence, Refusal
from hostgw_core.records import Reservation, Status, presence_of, reservation_of, status_of
from hostgw_core.store import Entry, Listing, Span


@dataclass(frozen=True, slots=True)
class Node:
    """A node that has a presence; `status` is None where what it says cannot be read."""

    presence: Presence
    status: Status | None


@dataclass(frozen=True, slots=True)
class Census:
    """The cluster at a revision of the store; `nodes` are by node id, `entries` by key."""

    revision: int = 0
    rows: tuple[Row, ...] = ()
    nodes: Mapping[str, Node] = field(default_factory=dict)
    reservations: tuple[Reservation, ...] = ()
    entries: Mapping[bytes, Entry] = field(default_factory=dict)

    def key_of(self, row: Row) -> bytes:
        """Give the key of a row as it is: a row has it as a person can read it."""
        return next(key for key in self.entries if spelled(key) == row.key)

    def kept_for(self, row: Row) -> Reservation | None:
        """Find the reservation of one of a lease's subnets."""
        wanted = set(row.subnets)
        return next((r for r in self.reservations if wanted & set(map(str, r.subnets))), None)


def spans(keys: Keys) -> tuple[Span, ...]:
    """Give what is to be read for a census."""
    return Span(keys.config), keys.subnets, keys.subnets6, keys.nodes, keys.reservations


def census_of(keys: Keys, listing: Listing) -> Census:
    """Understand what was read."""
    entries = {entry.key: entry for entry in listing.entries}
    kept = [reservation_of(keys, entry) for key, entry in entries.items() if key in _kept(keys)]
    return Census(
        listing.header.revision,
        tuple(rows(keys, (e for key, e in entries.items() if key not in _kept(keys)))),
        _nodes(keys, entries.values()),
        tuple(each for each in kept if isinstance(each, Reservation)),
        entries,
    )


def _kept(keys: Keys) -> Span:
    return keys.reservations


def _nodes(keys: Keys, entries: Iterable[Entry]) -> dict[str, Node]:
    found = {}
    for entry in entries:
        presence = presence_of(keys, entry) if entry.key in keys.nodes else None
        if isinstance(presence, Presence):
            status = status_of(entry)
            said = None if isinstance(status, Refusal) else status
            found[presence.node_id] = Node(presence, said)
    return found


def named(known: Iterable[Row], name: str) -> list[Row]:
    """Find leases by a subnet, a key or the end of one, a node's name or id, or an address.

    An address is that of a gateway, or one in a subnet.
    """
    return [row for row in known if name in _names(row) or _has(row, name)]


def of_subnet(known: Iterable[Row], name: str) -> list[Row]:
    """Find leases by a subnet, a key or the end of one, and by nothing that may mean several."""
    wanted = {name, _subnet(name)}
    return [row for row in known if wanted & {row.key, row.key.rpartition("/")[2], *row.subnets}]


def _names(row: Row) -> set[str]:
    names = {row.key, row.key.rpartition("/")[2], *row.subnets, *row.gateways}
    return (names | {row.node, row.node_id}) - {""}


def _has(row: Row, name: str) -> bool:
    try:
        address = ip_address(name)
    except ValueError:
        return _subnet(name) in row.subnets
    networks = [ip_network(each) for each in row.subnets]
    return any(address.version == each.version and address in each for each in networks)


def _subnet(name: str) -> str:
    """Spell a subnet as the rows do; what is none stays as it is."""
    try:
        return str(ip_network(name))
    except ValueError:
        return name

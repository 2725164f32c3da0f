"""The leases of a cluster as rows for a person or a program: pure.

Every key under the leases' places is a row, also one that no daemon would use: what an operator
looks for is often the record that is wrong.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass
from ipaddress import ip_network
from typing import Any

from hostgw_core.keys import Keys, networks_in, quoted
from hostgw_core.model import HOST_GW, ClusterConfig, Family, Lease, Presence, Refusal
from hostgw_core.network import config_of
from hostgw_core.records import lease_of, presence_of
from hostgw_core.store import Entry
from hostgw_core.subnets import fits, lacks


@dataclass(frozen=True, slots=True)
class Row:
    """One lease.

    `state` is `leased`; `reserved` for a key without an etcd lease; the BackendType where it is
    another one, `quarantine` among them; `partial` when it lacks IPv6, which the network has;
    `outside` when it does not fit the configuration; or the reason for which the record is refused.
    `alive` tells whether the node has a presence, and is None where the record names no node id
    (flannel's). `note` says in words what is wrong.
    """

    key: str
    subnets: tuple[str, ...]
    gateways: tuple[str, ...]
    node: str
    node_id: str
    state: str
    alive: bool | None
    created: int
    modified: int
    note: str = ""

    def as_json(self) -> dict[str, Any]:
        """Give the row as JSON holds it."""
        return asdict(self)


HEADINGS = ("SUBNET", "GATEWAY", "NODE", "STATE", "ALIVE", "NOTE")


def rows(keys: Keys, entries: Iterable[Entry]) -> list[Row]:
    """Judge the entries of the configuration, the leases and the presences, at one revision."""
    config: ClusterConfig | None = None
    leases: list[Entry] = []
    alive: set[str] = set()
    for entry in entries:
        if entry.key == keys.config:
            understood = config_of(entry)
            config = None if isinstance(understood, Refusal) else understood
        elif entry.key in keys.nodes:
            presence = presence_of(keys, entry)
            alive |= {presence.node_id} if isinstance(presence, Presence) else set()
        else:
            leases.append(entry)
    leases.sort(key=lambda entry: place(keys, entry.key))
    return [row_of(keys, entry, config=config, alive=alive) for entry in leases]


def spelled(key: bytes) -> str:
    """Give a key as a person can read it, whatever bytes it is of."""
    return quoted(key).strip("'")


def place(keys: Keys, key: bytes) -> tuple[bool, list[tuple[Family, int, int]], bytes]:
    """Give what sorts a key: by subnet, not by its spelling; what is no subnet comes last."""
    networks = networks_in(keys.subnets_of(key))
    numbers = [(each.version, int(each.network_address), each.prefixlen) for each in networks]
    return not networks, numbers, key


def by_subnet(subnets: Sequence[str]) -> list[tuple[int, int, int]]:
    """Give what sorts nodes by what they have been leased, as a person counts."""
    networks = map(ip_network, subnets)
    return [(each.version, int(each.network_address), each.prefixlen) for each in networks]


def row_of(
    keys: Keys, entry: Entry, *, config: ClusterConfig | None, alive: Collection[str]
) -> Row:
    """Judge one lease by the network in force and the ids of the nodes that have a presence."""
    lease = lease_of(keys, entry, any_backend=True)
    networks = tuple(str(each) for each in networks_in(keys.subnets_of(entry.key)))
    key = spelled(entry.key)
    if isinstance(lease, Refusal):
        return Row(
            key,
            networks,
            gateways=(),
            node="",
            node_id="",
            state=lease.reason,
            alive=None,
            created=entry.created,
            modified=entry.modified,
            note=lease.detail,
        )
    state, note = _state(lease, config)
    return Row(
        key,
        networks,
        gateways=tuple(str(address) for address in lease.gateways),
        node=lease.node,
        node_id=lease.node_id,
        state=state,
        alive=lease.node_id in alive if lease.node_id else None,
        created=lease.created,
        modified=lease.modified,
        note=note,
    )


def _state(lease: Lease, config: ClusterConfig | None) -> tuple[str, str]:
    if lease.backend != HOST_GW:
        return lease.backend or "no backend", f"not routed to: its BackendType is {lease.backend!r}"
    lacking = lacks(config, lease.subnets, lease.gateways) if config is not None else None
    if lacking is not None:
        return "partial", f"IPv4 alone is routed to: {lacking}"
    misfit = fits(config, lease.subnets) if config is not None else None
    if misfit is not None:
        return "outside", misfit
    return ("leased" if lease.etcd_lease else "reserved"), ""


def cells(found: Sequence[Row]) -> list[tuple[str, ...]]:
    """Give the cells below the headings."""
    words = {True: "yes", False: "no", None: "-"}
    return [
        (
            " ".join(row.subnets) or row.key,
            " ".join(row.gateways) or "-",
            row.node or row.node_id or "-",
            row.state,
            words[row.alive],
            row.note,
        )
        for row in found
    ]

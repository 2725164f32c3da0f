"""What a node makes of one network's records: the values that `cluster` gives and others go by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_network
from types import MappingProxyType
from typing import Final

from hostgw_core.model import ClusterConfig, IPNetwork
from hostgw_core.records import Dispute
from hostgw_core.store import Entry
from hostgw_core.view import Snapshot
from hostgw_daemon.kernel import Route
from hostgw_daemon.routes.peers import Roster

NO_DISPUTES: Final[Mapping[bytes, Dispute]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Understanding:
    """What a snapshot means. `config_trouble` says why the record at `config` is not in force.

    `config_entry` is the record of the network in force, wherever it was read. `roster` is None
    until there has been a configuration to judge by. `overlap`: what is wrong with the record is
    that another network, which this node serves too, has a part of its addresses. `disputes` are
    the notes of nodes that want the address of another one. `headless`: it is what this node
    remembers, for the store has not answered since the start.
    """

    snapshot: Snapshot
    config: ClusterConfig | None = None
    config_trouble: str = ""
    overlap: bool = False
    config_entry: Entry | None = None
    roster: Roster | None = None
    disputes: Mapping[bytes, Dispute] = field(default_factory=lambda: NO_DISPUTES)
    headless: bool = False


@dataclass(frozen=True, slots=True)
class News:
    """A new understanding; `moved` are the keys whose peer changed, None for "look at all".

    `received` is the moment the store's answer arrived (seconds of time.monotonic), 0 when it was
    not the store that changed.
    """

    now: Understanding
    moved: frozenset[bytes] | None
    received: float = 0.0


def overlap(now: Understanding | None, config: ClusterConfig) -> str:
    """Say which addresses of a network that is in force another configuration has, "" for none.

    A network has those of its configuration, and of every lease that is believed outside it.
    """
    if now is None or now.config is None:
        return ""
    for theirs in config.networks:
        for ours in now.config.networks:
            if ours.version == theirs.version and ours.overlaps(theirs):
                return f"{theirs} overlaps {ours}"
        if now.roster is not None and (holder := now.roster.ground.holder(theirs)):
            return f"{theirs} overlaps {now.roster.peers[holder].lease.subnets}"
    return ""


def leads_into(route: Route, networks: Iterable[IPNetwork]) -> bool:
    """Tell whether a route leads to somewhere in one of these networks."""
    destination = ip_network((route.destination, route.length))
    return any(
        network.version == destination.version
        and network.prefixlen <= destination.prefixlen
        and destination.network_address in network
        for network in networks
    )

"""Records of leases and routes, written the short way, and a judgement of them made by brute force.

The judgement here shares no code with the program: it reads JSON and keys by hand, compares every
pair of subnets with `ipaddress`, and knows each rule from DESIGN section 5 by its plainest words.
"""

from __future__ import annotations

import json
import re
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, replace
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import Any

from hostgw_core.keys import Keys
from hostgw_core.model import Addresses, ClusterConfig, IPNetwork, Pool
from hostgw_core.store import Deleted, Entry
from hostgw_daemon.kernel import MAIN_TABLE, Route
from hostgw_daemon.routes.peers import Policy

PREFIX = "/coreos.com/network"
KEYS = Keys(PREFIX)
ME = "id-me"
MY_ADDRESS = "172.16.0.1"


def pool(network: str, length: int) -> Pool:
    """Make a pool of all subnets but the first, as flannel has it."""
    parent = IPv6Network(network) if ":" in network else IPv4Network(network)
    size = 1 << (parent.max_prefixlen - length)
    return Pool(
        parent, length, parent.network_address + size, parent.broadcast_address - (size - 1)
    )


def config(
    network: str = "10.5.0.0/16", length: int = 24, *, ipv6: str = "", revision: int = 1
) -> ClusterConfig:
    """Make the network of the cluster."""
    return ClusterConfig(
        pool(network, length) if network else None, pool(ipv6, 64) if ipv6 else None, revision
    )


def policy(
    cluster: ClusterConfig | None = None,
    *,
    address: str = MY_ADDRESS,
    address6: str = "",
    networks: Iterable[str] = (),
) -> Policy:
    """Make what a judgement depends on besides the records."""
    return Policy(
        KEYS,
        cluster or config(),
        ME,
        Addresses(
            IPv4Address(address) if address else None, IPv6Address(address6) if address6 else None
        ),
        tuple(ip_network(network) for network in networks),
    )


def key(name: str) -> bytes:
    """Write the key of a subnet, given as `10.5.1.0-24`; a path of its own is kept."""
    return f"{PREFIX}/{name if '/' in name else f'subnets/{name}'}".encode()


def value(
    gateway: str | None = "172.16.0.9",
    *,
    gateway6: str | None = None,
    node: str = "",
    backend: str = "host-gw",
) -> bytes:
    """Write a lease's value; without a node it is flannel's."""
    fields: dict[str, Any] = {
        "PublicIP": gateway,
        "PublicIPv6": gateway6,
        "BackendType": backend,
    }
    if node:
        fields |= {"Node": node, "NodeID": f"id-{node}"}
    return json.dumps(fields).encode()


def entry(
    name: str,
    gateway: str | None = "172.16.0.9",
    *,
    created: int = 10,
    modified: int = 0,
    node: str = "",
    raw: bytes | None = None,
    gateway6: str | None = None,
    backend: str = "host-gw",
) -> Entry:
    """Write one record of a lease; `raw` is a value as it stands."""
    content = value(gateway, gateway6=gateway6, node=node, backend=backend) if raw is None else raw
    return Entry(key(name), content, created, modified or created, 1, 77)


def gone(name: str, *, modified: int = 99) -> Deleted:
    """Write the end of a key."""
    return Deleted(key(name), modified)


def route(
    prefix: str, gateway: str, *, metric: int = 1, link: int = 2, table: int = MAIN_TABLE
) -> Route:
    """Write a route of ours."""
    network = ip_network(prefix)
    packed = ip_address(gateway).packed
    return Route(network.network_address.packed, network.prefixlen, metric, packed, link, table)


@dataclass(frozen=True)
class Believed:
    """One lease as the brute force believes it: where to, whether it is ours, and in what state."""

    subnets: tuple[str, ...]
    gateways: tuple[str, ...]
    state: str
    created: int


_NAME = re.compile(rb"subnets/([0-9.]+)-(\d+)(?:&([0-9a-f:]+)-(\d+))?$")


def _read(record: Entry) -> tuple[tuple[IPNetwork, ...], dict[str, Any]] | None:
    """Read what this file's own records may hold; None for what is no lease at all."""
    match = _NAME.search(record.key)
    try:
        fields = json.loads(record.value)
        if match is None or not isinstance(fields, dict):
            return None
        subnets: list[IPNetwork] = [IPv4Network(f"{match[1].decode()}/{match[2].decode()}")]
        if match[3]:
            subnets.append(IPv6Network(f"{match[3].decode()}/{match[4].decode()}"))
    except ValueError:
        return None
    return tuple(subnets), fields


def believe(
    records: Iterable[Entry],
    rules: Policy,
    before: Mapping[bytes, Believed] | None = None,
    *,
    held: Container[bytes] = (),
    leftovers: Container[bytes] = (),
) -> dict[bytes, Believed]:
    """Judge all records, pair by pair: those believed before first, then the oldest first.

    Held ones are last of all, and never our own; of a leftover nothing is believed.
    """
    records = [each for each in records if each.key in held or each.key not in leftovers]
    known = {
        record.key: before[record.key]
        for record in records
        if before and record.key in before and before[record.key].created == record.created
    }
    found: dict[bytes, Believed] = {}
    for record in sorted(
        records, key=lambda r: (r.key in held, r.key not in known, r.created, r.key)
    ):
        one = _believe_one(record, rules, known.get(record.key))
        if one is not None and record.key in held:
            one = None if one.state == "self" else replace(one, state="held")
        if one is None:
            continue
        mine = [ip_network(subnet) for subnet in one.subnets]
        others = [ip_network(subnet) for other in found.values() for subnet in other.subnets]
        if one.state != "self":
            others += rules.host_networks
        if not any(a.version == b.version and a.overlaps(b) for a in mine for b in others):
            found[record.key] = one
    return found


def _believe_one(record: Entry, rules: Policy, known: Believed | None) -> Believed | None:
    """Judge one record by itself: what it says is good, or what was known is kept, or nothing."""
    ours = {str(address) for address in rules.addresses}
    if known is not None and known.state == "self":
        known = None
    good = _good(record, rules, ours, known)
    if good is not None or known is None or ours & set(known.gateways):
        return good
    return Believed(known.subnets, known.gateways, "rejected_kept", known.created)


def _good(record: Entry, rules: Policy, ours: set[str], known: Believed | None) -> Believed | None:
    read = _read(record)
    if read is None or read[1].get("BackendType") != "host-gw":
        return None
    subnets, fields = read
    names = tuple(map(str, subnets))
    both = [fields.get("PublicIP"), fields.get("PublicIPv6")][: len(subnets)]
    told = tuple(gateway for gateway in both if gateway)
    if not told or not all(map(_possible, told)):
        return None
    owner = fields.get("NodeID")
    mine = owner == rules.node_id or (not owner and bool(ours & set(told)))
    if mine and not any(_whole(subnet, rules.config) for subnet in subnets):
        return Believed(names, told, "self", record.created)
    inward = any(ip_address(g) in subnet for g, subnet in zip(both, subnets, strict=True) if g)
    if inward or ours & set(told):
        return None
    return _led(record, rules, known, [*zip(subnets, both, strict=True)])


def _led(
    record: Entry,
    rules: Policy,
    known: Believed | None,
    ways: list[tuple[IPNetwork, str | None]],
) -> Believed | None:
    there = _known_here(rules, known)
    kept = [(n, g) for n, g in ways if n.version in there]
    if not any(gateway for _, gateway in kept):
        return None
    names, told = tuple(str(n) for n, _ in kept), tuple(g for _, g in kept if g)
    if not all(_inside(subnet, rules.config) for subnet, _ in kept):
        return Believed(names, told, "outside_config", record.created) if known else None
    whole = len(kept) == len(ways) and all(gateway for _, gateway in kept)
    return Believed(names, told, "ok" if whole else "partial", record.created)


def _known_here(rules: Policy, known: Believed | None) -> set[int]:
    """Give the families of the network, and those in which the lease was routed to before."""
    pools = {4: rules.config.ipv4, 6: rules.config.ipv6}
    there = {family for family, pool in pools.items() if pool is not None}
    return there | {ip_address(each).version for each in (known.gateways if known else ())}


def _possible(gateway: str) -> bool:
    try:
        address = ip_address(gateway)
    except ValueError:
        return False
    return not (
        address.is_loopback
        or address.is_multicast
        or address.is_unspecified
        or gateway == "255.255.255.255"
    )


def _whole(subnet: IPNetwork, cluster: ClusterConfig) -> bool:
    whole = cluster.ipv4 if subnet.version == 4 else cluster.ipv6
    return (
        whole is not None
        and subnet.prefixlen < whole.network.prefixlen + 2
        and subnet.overlaps(whole.network)
    )


def _inside(subnet: IPNetwork, cluster: ClusterConfig) -> bool:
    whole = cluster.ipv4 if subnet.version == 4 else cluster.ipv6
    if whole is None or subnet.prefixlen < whole.network.prefixlen + 2:
        return False
    return subnet.subnet_of(whole.network)  # type: ignore[arg-type]  # the same family on both sides

"""What the packet filter must hold: a pure function from the settings and our lease to rules.

We own one table a family, `ip hostgw` and `ip6 hostgw`, and touch no other. Not one `inet` table:
a nat chain there makes the kernel track the IPv6 connections of a host whose cluster is IPv4 only,
and needs Linux 5.2. A family without a network in the cluster gets no table.

The meaning is that of flannel's `--ip-masq` in its iptables form; docs/packets.md tells, for each
rule, the packet it is for. Two facts of the kernel shape it:

* Only the first packet of a connection passes a nat chain, and the first chain that gives it an
  address decides. Ours comes after iptables' (`srcnat`, 100): it is the general answer, and a rule
  that somebody wrote for a special case, kube-proxy's among them, must win, as it does with
  flannel, which appends to that chain.
* An accept ends our chain, never that of somebody else at the same hook: it cannot save a packet
  that another table drops.

Several networks share the tables. To each, the others are outside: who receives a packet of a pod
need be no member of the pod's network, and would not know the way back.

In two things we do otherwise than flannel: what a pod sends to a node of the cluster keeps the
pod's address, because every node has the route back, and so does what it sends to further networks
that an operator names. The nodes stand in a named set: they come and go while the rules stay.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, collapse_addresses
from typing import Any, TypeAlias, cast

from hostgw_core.model import (
    FAMILIES,
    ClusterConfig,
    Family,
    IPNetwork,
    Subnets,
)

AFTER_IPTABLES = 105  # NF_IP_PRI_NAT_SRC is 100 (linux/netfilter_ipv4.h)
FILTER = 0  # NF_IP_PRI_FILTER
KUBE_PROXY_MARK = 0x4000  # "masquerade this": kube-proxy's --iptables-masquerade-bit, 14
MULTICAST: Mapping[Family, IPNetwork] = {
    4: IPv4Network("224.0.0.0/4"),  # RFC 5771
    6: IPv6Network("ff00::/8"),  # RFC 4291 section 2.7
}

NODES = "nodes"
"""The name of the set of all nodes' addresses on the link."""

Json: TypeAlias = Mapping[str, Any]
Elements: TypeAlias = Mapping[Family, frozenset[str]]
"""What is in the set `NODES` of each family that has it, as nft writes addresses.

Text, and not address objects: of those, writing and hashing twenty thousand takes a tenth of a
second, which nobody has whenever one node of ten thousand comes or goes.
"""


@dataclass(frozen=True, slots=True)
class RulesetSpec:
    """What is asked for. `networks` are the cluster's, `own` the subnets of this node's lease.

    What pods send to the addresses `nodes` and the networks `unmasqueraded` keeps their address;
    None: nodes are no exception.
    """

    networks: tuple[IPNetwork, ...]
    own: tuple[IPNetwork, ...]
    masquerade: bool
    forward_rules: bool
    random_fully: bool = True
    nodes: Elements | None = None
    unmasqueraded: tuple[IPNetwork, ...] = ()

    @classmethod
    def of(
        cls,
        config: ClusterConfig,
        own: Subnets,
        *,
        masquerade: bool,
        forward_rules: bool,
        random_fully: bool = True,
        nodes: Elements | None = None,
        unmasqueraded: tuple[IPNetwork, ...] = (),
    ) -> RulesetSpec:
        """Take the networks from the cluster's configuration and our subnets from our lease."""
        pools = (config.of(family) for family in config.families)
        networks = tuple(pool.network for pool in pools if pool is not None)
        return cls(
            networks, tuple(own), masquerade, forward_rules, random_fully, nodes, unmasqueraded
        )


NOTHING = RulesetSpec((), (), masquerade=False, forward_rules=False)
"""What a host is asked for that serves no network: no rule of ours."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule: the comment that an operator reads, and its statements (libnftables-json(5))."""

    comment: str
    statements: tuple[Json, ...]


@dataclass(frozen=True, slots=True)
class Chain:
    """A base chain with policy accept: a packet that no rule names goes on."""

    name: str
    kind: str
    hook: str
    priority: int
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class Ruleset:
    """The chains of our table, in each family that has one, and what its set of nodes holds."""

    tables: Mapping[Family, tuple[Chain, ...]]
    elements: Elements = field(default_factory=dict)

    def __bool__(self) -> bool:
        """Tell whether there is anything to hold."""
        return bool(self.tables)


def desired(spec: RulesetSpec) -> Ruleset:
    """Give the tables that must be there; none when neither kind of rule is asked for."""
    tables: dict[Family, tuple[Chain, ...]] = {}
    elements: dict[Family, frozenset[str]] = {}
    for family in FAMILIES:
        network = _Addresses.of(family, spec.networks)
        chains: list[Chain] = []
        if network.prefixes and spec.masquerade:
            rules = tuple(_masquerade(network, spec))
            chains.append(Chain("postrouting", "nat", "postrouting", AFTER_IPTABLES, rules))
            if spec.nodes is not None:
                elements[family] = spec.nodes.get(family, frozenset())
        if network.prefixes and spec.forward_rules:
            chains.append(Chain("forward", "filter", "forward", FILTER, _forward(network)))
        if chains:
            tables[family] = tuple(chains)
    return Ruleset(tables, elements)


@dataclass(frozen=True, slots=True)
class _Addresses:
    """A set of addresses of one family, and the ways a rule may ask for it."""

    family: Family
    prefixes: tuple[IPNetwork, ...]

    @classmethod
    def of(cls, family: Family, networks: Iterable[IPNetwork]) -> _Addresses:
        """Take those of one family; nft refuses a set of which one part lies in another."""
        # mypy cannot know that they are all of one kind.
        prefixes = cast("list[IPv4Network]", [n for n in networks if n.version == family])
        return cls(family, tuple(collapse_addresses(prefixes)))

    def source(self, op: str = "==") -> Json:
        return self._match("saddr", op)

    def destination(self, op: str = "==") -> Json:
        return self._match("daddr", op)

    def _match(self, name: str, op: str) -> Json:
        words = [
            {"prefix": {"addr": str(p.network_address), "len": p.prefixlen}} for p in self.prefixes
        ]
        return _match(
            _field(self.family, name), words[0] if len(words) == 1 else {"set": words}, op
        )


def _masquerade(network: _Addresses, spec: RulesetSpec) -> Iterator[Rule]:
    """Give flannel's rules in flannel's order, and our two: the first that fits decides."""
    family = network.family
    stay: Json = {"return": None}
    translate: Json = {"masquerade": {"flags": "fully-random"} if spec.random_fully else None}
    mark: Json = {"&": [{"meta": {"key": "mark"}}, KUBE_PROXY_MARK]}
    own, multicast = _Addresses.of(family, spec.own), _Addresses.of(family, [MULTICAST[family]])
    kept = _Addresses.of(family, spec.unmasqueraded)
    yield Rule("marked by kube-proxy: left to it", (_match(mark, KUBE_PROXY_MARK), stay))
    each = [_Addresses(family, (n,)) for n in spec.networks if n.version == family]
    for one in each:
        pods = (one.source(), one.destination())
        yield Rule("pod to pod: the pod's address stays", (*pods, stay))
    if spec.nodes is not None:
        to_node = _match(_field(family, "daddr"), f"@{NODES}")
        yield Rule("pod to a node: the pod's address stays", (network.source(), to_node, stay))
    if kept.prefixes:
        yield Rule(
            "pod to a network that is not masqueraded: the pod's address stays",
            (network.source(), kept.destination(), stay),
        )
    for one, here in _pods_here(each, own):
        yield Rule(
            "outside to a pod of this host: the client's address stays",
            (one.source("!="), here.destination(), stay),
        )
    yield Rule(
        "pod to outside: the host's address",
        (network.source(), multicast.destination("!="), translate),
    )
    yield Rule(
        "outside to a pod elsewhere: the host's address",
        (network.source("!="), network.destination(), translate),
    )


def _pods_here(
    networks: Sequence[_Addresses], own: _Addresses
) -> Iterator[tuple[_Addresses, _Addresses]]:
    """Pair each network with our subnet in it: pods of another network are outside, here too.

    One network may have one that lies outside it by now. Without a lease this host has no pods.
    """
    for network in networks:
        (prefix,) = network.prefixes
        inside = tuple(each for each in own.prefixes if each.overlaps(prefix))
        here = own if len(networks) == 1 else _Addresses(own.family, inside)
        if here.prefixes:
            yield network, here


def _forward(network: _Addresses) -> tuple[Rule, ...]:
    accept: Json = {"accept": None}
    return (
        Rule("from a pod", (network.source(), accept)),
        Rule("to a pod", (network.destination(), accept)),
    )


def _field(family: Family, name: str) -> Json:
    return {"payload": {"protocol": "ip" if family == 4 else "ip6", "field": name}}


def _match(left: Json, right: object, op: str = "==") -> Json:
    return {"match": {"op": op, "left": left, "right": right}}

"""Which chains of others drop what goes between pods, each in a sentence with its cure. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from hostgw_core.model import IPNetwork
from hostgw_daemon.rules import iptsteps, nftsteps
from hostgw_daemon.rules.forwarding import CHAIN
from hostgw_daemon.rules.nftables import TABLE, UNREADABLE
from hostgw_daemon.rules.passage import drops, stopped
from hostgw_daemon.rules.ruleset import Json, RulesetSpec


class Finding(NamedTuple):
    """A chain that drops what goes between pods of these networks, and what to do about it."""

    words: str
    networks: tuple[IPNetwork, ...]


_HOOK: Final = re.compile(r"type filter hook forward .*policy (?P<policy>\w+)")
_FIREWALLD: Final = "firewalld"


@dataclass(frozen=True, slots=True)
class BaseChain:
    """A chain of nftables through which forwarded packets go; `family` is ip, ip6 or inet."""

    family: str
    table: str
    name: str
    policy: str


def base_chains(answer: str, *, without: Iterable[str] = ()) -> Iterator[BaseChain]:
    """Read from the text of `nft list chains` which chains forwarded packets go through.

    Left out are our own, and FORWARD of the iptables that are listed by themselves (`without`).
    """
    listed = {"ip6" if tool.startswith("ip6") else "ip" for tool in without if "nft" in tool}
    family = table = chain = ""
    for line in answer.splitlines():
        words = line.split()
        if words[:1] == ["table"]:
            _, family, table = words[:3]
        elif words[:1] == ["chain"]:
            chain = words[1]
        elif hook := _HOOK.search(line):
            ours = table == TABLE and family != "inet"
            iptables = (table, chain) == ("filter", CHAIN) and family in listed
            if family in ("ip", "ip6", "inet") and not ours and not iptables:
                yield BaseChain(family, table, chain, hook["policy"])


def in_nftables(
    chain: BaseChain, objects: tuple[Json, ...], spec: RulesetSpec, uplink: str
) -> Iterator[Finding]:
    """Tell of a chain of nftables, if it drops.

    A table with flags may be asleep, and nft 1.0.6 cannot say so: of it nothing is told.
    """
    tables = [each["table"] for each in objects if "table" in each]
    if objects == UNREADABLE or not all(isinstance(t, dict) and "flags" not in t for t in tables):
        return
    found = [
        network
        for network in stopped(
            spec,
            uplink,
            lambda packet: drops(
                chain.name, nftsteps.steps_of(objects, packet), policy=chain.policy
            ),
        )
        if chain.family in ("inet", "ip" if network.version == 4 else "ip6")
    ]
    if found:
        where = f"the chain {chain.name} of nftables' table {chain.family} {chain.table}"
        words = f"{where} drops them: {'; '.join(_nft_cures(chain, found))}"
        yield Finding(words, tuple(found))


def in_iptables(tool: str, listing: str, spec: RulesetSpec, uplink: str) -> Iterator[Finding]:
    """Tell of FORWARD, if it drops, as one form of iptables lists its filter table."""
    policy = iptsteps.policy(listing, CHAIN)
    if not policy:
        return
    version = 6 if tool.startswith("ip6") else 4
    found = [
        network
        for network in stopped(
            spec,
            uplink,
            lambda packet: drops(CHAIN, iptsteps.steps_of(listing, packet), policy=policy),
        )
        if network.version == version
    ]
    if found:
        cures = (f"{tool} -I {CHAIN} {side} {n} -j ACCEPT" for n in found for side in ("-s", "-d"))
        words = f"the chain {CHAIN} of {tool} drops them: {'; '.join(cures)}"
        yield Finding(words, tuple(found))


def _nft_cures(chain: BaseChain, networks: Iterable[IPNetwork]) -> Iterator[str]:
    if chain.table == _FIREWALLD:
        for network in networks:
            yield f"firewall-cmd --permanent --zone=trusted --add-source={network}"
        yield "firewall-cmd --reload"
        return
    where = f"{chain.family} {chain.table} {chain.name}"
    for network in networks:
        field = "ip" if network.version == 4 else "ip6"
        for side in ("saddr", "daddr"):
            yield f"nft insert rule {where} {field} {side} {network} accept"

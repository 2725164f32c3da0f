"""Pods' packets through iptables' FORWARD chain: which rules of ours must be in it.

An accept in a table of our own cannot save a packet from a drop in another one. Docker sets the
policy of iptables' FORWARD chain to DROP, and there `--iptables-forward-rules` has its meaning:
flannel appends two ACCEPT rules a network, which stand behind every rule of others and therefore
beat the chain's policy and nothing else. So do we, and only while the policy is DROP: a chain that
accepts needs no rule of ours.

Docker's own chains drop, too, whatever the policy: what comes from elsewhere for a container
without a published port, and what goes from one of its bridges to another. Its documents name the
place for rules that decide before them, the chain DOCKER-USER. Where FORWARD calls that chain, our
rules stand in it and not in FORWARD: behind everything that others put there, but before the RETURN
at its end.

Our rules are known by their comments. They are put back when they are lost, follow the networks,
and go when `--iptables-forward-rules` is false; when the policy is ACCEPT again, they stay.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from typing import Protocol, TypeAlias

from hostgw_core.model import IPNetwork
from hostgw_daemon.rules.ruleset import RulesetSpec

CHAIN, DOCKER_USER = "FORWARD", "DOCKER-USER"
_OURS = "hostgw:"  # how the comments of our rules begin

Arguments: TypeAlias = tuple[str, ...]

_RETURN: Arguments = ("-j", "RETURN")


class Forwarding(Protocol):
    """What the masquerade loop asks of iptables."""

    async def ensure(self, spec: RulesetSpec) -> int:
        """Do what `changes` says, wherever there is a FORWARD chain; give how many changes it took.

        A host without iptables has no such chain: 0. Raise FirewallError.
        """
        ...


def calls_docker_user(listing: str) -> bool:
    """Tell whether a FORWARD chain, as `iptables -S` lists it, begins what DOCKER-USER is for."""
    return f"-A {CHAIN} -j {DOCKER_USER}" in listing.splitlines()


def changes(listing: str, networks: Iterable[IPNetwork], *, wanted: bool) -> list[Arguments]:
    """Give the arguments of the iptables commands that let pods' packets through.

    `listing` is what `iptables -S` printed of FORWARD, and of DOCKER-USER if that is called, in the
    family of the networks. What is put comes before what goes: no packet falls between.
    """
    desired = [rule for n in networks for rule in _accepting(str(n))] if wanted else []
    docker = calls_docker_user(listing)
    drops = f"-P {CHAIN} DROP" in listing.splitlines()
    in_forward, in_docker = _rules(listing, CHAIN), _rules(listing, DOCKER_USER)
    put: list[Arguments] = []
    missing = [rule for rule in desired if rule not in (in_docker if docker else in_forward)]
    if docker:
        before_return = len(in_docker) if in_docker[-1:] == [_RETURN] else 0
        put = [
            ("-I", DOCKER_USER, str(before_return + n), *rule)
            if before_return
            else ("-A", DOCKER_USER, *rule)
            for n, rule in enumerate(missing)
        ]
    elif drops:
        put = [("-A", CHAIN, *rule) for rule in missing]
    kept = {CHAIN: [] if docker else desired, DOCKER_USER: desired}
    return put + [
        ("-D", chain, *rule)
        for chain, rules in ((CHAIN, in_forward), (DOCKER_USER, in_docker))
        for rule in rules
        if any(word.startswith(_OURS) for word in rule) and rule not in kept[chain]
    ]


def _rules(listing: str, chain: str) -> list[Arguments]:
    """Give the rules of a chain, in their order."""
    return [_rule(line) for line in listing.splitlines() if line.startswith(f"-A {chain} ")]


def _rule(line: str) -> Arguments:
    """Give a listed rule's words after the chain's name; none if its quotes do not close."""
    try:
        return tuple(shlex.split(line)[2:])
    except ValueError:
        return ()


def _accepting(network: str) -> list[Arguments]:
    """Give the two rules of a network, word for word as iptables lists them."""
    ends = (("-s", "from a pod"), ("-d", "to a pod"))
    return [
        (side, network, "-m", "comment", "--comment", f"{_OURS} {what}", "-j", "ACCEPT")
        for side, what in ends
    ]

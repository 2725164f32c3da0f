"""Pods' packets through iptables' FORWARD chain: which rules of ours must be in it.

An accept in a table of our own cannot save a packet from a drop in another one. Docker sets the
policy of iptables' FORWARD chain to DROP, and there `--iptables-forward-rules` has its meaning:
flannel appends two ACCEPT rules a network, which stand behind every rule of others and therefore
beat the chain's policy and nothing else. So do we, and only while the policy is DROP: a chain that
accepts needs no rule of ours.

Our rules are known by their comments. They are put back when they are lost, follow the networks,
and go when `--iptables-forward-rules` is false; when the policy is ACCEPT again, they stay.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from typing import Protocol, TypeAlias

from hostgw_core.model import IPNetwork
from hostgw_daemon.rules.ruleset import RulesetSpec

CHAIN = "FORWARD"
_OURS = "hostgw:"  # how the comments of our rules begin

Arguments: TypeAlias = tuple[str, ...]


class Forwarding(Protocol):
    """What the masquerade loop asks of iptables."""

    async def ensure(self, spec: RulesetSpec) -> int:
        """Do what `changes` says, wherever there is a FORWARD chain; give how many changes it took.

        A host without iptables has no such chain: 0. Raise FirewallError.
        """
        ...


def changes(listing: str, networks: Iterable[IPNetwork], *, wanted: bool) -> list[Arguments]:
    """Give the arguments of the iptables commands that make a FORWARD chain right.

    `listing` is what `iptables -S FORWARD` printed, in the family of the networks.
    """
    lines = listing.splitlines()
    here = [_rule(line) for line in lines if line.startswith(f"-A {CHAIN} ") and _OURS in line]
    ours = [rule for rule in here if any(word.startswith(_OURS) for word in rule)]
    desired = [rule for n in networks for rule in _accepting(str(n))] if wanted else []
    drops = f"-P {CHAIN} DROP" in lines
    return [
        *(("-D", CHAIN, *rule) for rule in ours if rule not in desired),
        *(("-A", CHAIN, *rule) for rule in desired if drops and rule not in ours),
    ]


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

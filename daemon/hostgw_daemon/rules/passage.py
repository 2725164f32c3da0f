"""Whether chains of somebody else surely drop packets between pods: a walk through them.

A firewall of another program may hold anything, and of most of its matches nobody can say here
whether a pod's packet fits (its port, its mark, the name of the pods' bridge). So a match is true,
false or unknown, and a walk gives every end that a packet may come to. Only where all of them are a
drop is it said that the chain drops: what may pass is no finding.

The packets looked at are those that host-gw exists for: the first ones of a connection between a
pod of this host and a pod of another one, in either direction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from ipaddress import ip_network
from typing import Final, TypeAlias

from hostgw_core.model import Family, IPNetwork
from hostgw_daemon.rules.ruleset import RulesetSpec

Fit: TypeAlias = bool | None
"""Whether a packet fits: None where that cannot be known here."""


class Verdict(StrEnum):
    """What a rule does with a packet that fits."""

    ACCEPT = "accept"
    DROP = "drop"
    RETURN = "return"
    JUMP = "jump"
    GOTO = "goto"
    CONTINUE = "continue"
    UNKNOWN = "unknown"  # it may accept, drop, or go on


@dataclass(frozen=True, slots=True)
class Packet:
    """A first packet, from any address of one network to any of another.

    `enters` and `leaves` name the link, "" where that is the pods' side, which nobody knows here.
    """

    source: IPNetwork
    destination: IPNetwork
    enters: str = ""
    leaves: str = ""

    @property
    def family(self) -> Family:
        """The family of its addresses."""
        return 4 if self.source.version == 4 else 6


@dataclass(frozen=True, slots=True)
class Step:
    """A rule as it meets one packet: whether the packet fits (None: unknown), and what follows."""

    fits: Fit
    verdict: Verdict
    target: str = ""


Steps = Mapping[str, Sequence[Step]]
"""The steps of each chain of a table, by its name."""


def stopped(
    spec: RulesetSpec, uplink: str, dropped: Callable[[Packet], bool]
) -> tuple[IPNetwork, ...]:
    """Give the networks of which a packet from or to a pod of this host is dropped."""
    found: dict[IPNetwork, None] = {}
    for own in spec.own:
        for network in spec.networks:
            if within(own, [network]):
                there, back = (
                    Packet(network, own, enters=uplink),
                    Packet(own, network, leaves=uplink),
                )
                if dropped(there) or dropped(back):
                    found[network] = None
    return tuple(found)


def drops(chain: str, steps: Steps, *, policy: str) -> bool:
    """Tell whether a base chain with this policy drops the packet, whatever is not known of it."""
    ends = _Walk(steps).ends(chain)
    if Verdict.RETURN in ends:
        ends = ends - {Verdict.RETURN} | {Verdict.DROP if policy == "drop" else Verdict.ACCEPT}
    return ends == {Verdict.DROP}


_ANY: Final = frozenset({Verdict.ACCEPT, Verdict.DROP, Verdict.RETURN})


class _Walk:
    """Goes through each chain once: what it may end in does not depend on who called it."""

    def __init__(self, steps: Steps) -> None:
        self._steps = steps
        self._known: dict[str, frozenset[Verdict]] = {}

    def ends(self, chain: str) -> frozenset[Verdict]:
        """Give every end that the packet may come to; RETURN: it leaves the chain undecided."""
        if chain not in self._known:
            self._known[chain] = _ANY  # of one that is not listed, and of one that calls itself
            if chain in self._steps:
                self._known[chain] = self._through(self._steps[chain])
        return self._known[chain]

    def _through(self, steps: Iterable[Step]) -> frozenset[Verdict]:
        ends: set[Verdict] = set()
        for step in steps:
            if step.fits is False or step.verdict is Verdict.CONTINUE:
                continue
            here, goes_on = self._met(step), step.fits is None
            if step.verdict in (Verdict.JUMP, Verdict.UNKNOWN):
                goes_on |= Verdict.RETURN in here
                here -= {Verdict.RETURN}
            ends |= here
            if not goes_on:
                return frozenset(ends)
        return frozenset(ends | {Verdict.RETURN})

    def _met(self, step: Step) -> frozenset[Verdict]:
        if step.verdict in (Verdict.JUMP, Verdict.GOTO):
            return self.ends(step.target)
        return _ANY if step.verdict is Verdict.UNKNOWN else frozenset({step.verdict})


def within(network: IPNetwork, others: Iterable[IPNetwork]) -> Fit:
    """Tell whether all addresses of a network lie in others (True), some (None), or none."""
    same = [other for other in others if other.version == network.version]
    if any(network.subnet_of(other) for other in same):  # type: ignore[arg-type] # of its family
        return True
    return None if any(network.overlaps(other) for other in same) else False


def named(link: str, patterns: Iterable[str]) -> Fit:
    """Tell whether a link's name is one of these, which may end in `*`; None: it is not known."""
    patterns = tuple(patterns)
    if link:
        return any(fnmatchcase(link, pattern) for pattern in patterns)
    return False if set(patterns) == {"lo"} else None


def both(one: Fit, other: Fit) -> Fit:
    """Give "and" of three values."""
    if one is False or other is False:
        return False
    return None if one is None or other is None else True


def unless(fits: Fit) -> Fit:
    """Give "not" of three values."""
    return None if fits is None else not fits


def read_network(text: str) -> IPNetwork | None:
    """Read an address or a network as firewalls write it; None for anything else."""
    try:
        return ip_network(text, strict=False)
    except ValueError:
        return None

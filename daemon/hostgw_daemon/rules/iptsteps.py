"""Chains of iptables as one packet meets them: the lines of `iptables -S` to steps. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from typing import Final

from hostgw_daemon.rules.passage import (
    Fit,
    Packet,
    Step,
    Steps,
    Verdict,
    both,
    named,
    read_network,
    unless,
    within,
)

_ENDS: Final = {
    "ACCEPT": Verdict.ACCEPT,
    "DROP": Verdict.DROP,
    "REJECT": Verdict.DROP,
    "RETURN": Verdict.RETURN,
}
_GOES_ON: Final = frozenset({"LOG", "NFLOG", "MARK", "CONNMARK", "TCPMSS", "CT", "TRACE"})
_READ: Final = frozenset({"-s", "-d", "-i", "-o", "--ctstate", "--state"})
_PAIRS: Final = frozenset({"-m", "--comment", "--reject-with"})  # options that decide nothing


def steps_of(listing: str, packet: Packet) -> Steps:
    """Give the steps of every chain that is listed."""
    chains: dict[str, list[Step]] = {}
    for line in listing.splitlines():
        kind, _, rest = line.partition(" ")
        name, _, rule = rest.partition(" ")
        if kind in ("-P", "-N"):
            chains.setdefault(name, [])
        elif kind == "-A":
            chains.setdefault(name, []).append(_step(rule, packet))
    return {name: [_known(step, chains) for step in steps] for name, steps in chains.items()}


def policy(listing: str, chain: str) -> str:
    """Give a chain's policy in nftables' words, "" where it is not listed."""
    word = f"-P {chain} "
    lines = (line for line in listing.splitlines() if line.startswith(word))
    return next((line[len(word) :].strip().lower() for line in lines), "")


def _known(step: Step, chains: Iterable[str]) -> Step:
    """Take a target that is no chain for what it is: something that may do anything."""
    lost = step.verdict in (Verdict.JUMP, Verdict.GOTO) and step.target not in chains
    return Step(step.fits, Verdict.UNKNOWN) if lost else step


def _step(rule: str, packet: Packet) -> Step:
    try:
        words = shlex.split(rule)
    except ValueError:
        return Step(None, Verdict.UNKNOWN)
    fits: Fit = True
    step = Step(True, Verdict.CONTINUE)
    while words:
        negated = words[0] == "!" and len(words) > 1
        option, *words = words[1:] if negated else words
        argument = words.pop(0) if words and option in _PAIRS | _READ | {"-j", "-g"} else ""
        if option in ("-j", "-g"):
            step = _target(option, argument)
        elif option in _READ:
            found = _fits(option, argument, packet)
            fits = both(fits, unless(found) if negated else found)
        elif option not in _PAIRS:
            fits = both(fits, None)  # a protocol, a port, a mark, or an argument of those
    return Step(fits, step.verdict, step.target)


def _target(option: str, name: str) -> Step:
    if name in _ENDS:
        return Step(True, _ENDS[name])
    if name in _GOES_ON:
        return Step(True, Verdict.CONTINUE)
    return Step(True, Verdict.GOTO if option == "-g" else Verdict.JUMP, name)


def _fits(option: str, argument: str, packet: Packet) -> Fit:
    if option in ("-s", "-d"):
        network = read_network(argument)
        end = packet.source if option == "-s" else packet.destination
        return None if network is None else within(end, [network])
    if option in ("-i", "-o"):
        link = packet.enters if option == "-i" else packet.leaves
        return named(link, [argument.replace("+", "*")])
    return "NEW" in argument.split(",")

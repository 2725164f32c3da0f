"""The networks of this node beside one another: the tasks of all, and what must not overlap."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from hostgw_core.model import ClusterConfig
from hostgw_daemon.claim.leaving import WAIT
from hostgw_daemon.declarations.networks import FIRST
from hostgw_daemon.membership import Membership
from hostgw_daemon.probe.evidence import Cause
from hostgw_daemon.routes.understanding import overlap
from hostgw_daemon.told.doubles import astray


def loops(members: Mapping[str, Membership]) -> dict[str, Callable[[], Any]]:
    """Give the tasks of all networks. What the store itself suffers from is asked by the first."""
    found = dict(members[FIRST].loops)
    for name, member in members.items():
        if name != FIRST:
            found |= {f"{task} of {name}": run for task, run in member.loops.items()}
            del found[f"upkeep of {name}"]
    return found


def leave(members: Mapping[str, Membership], *, on: bool, wait: float = WAIT) -> None:
    """Leave all networks on purpose, or, if they were left, claim in them again.

    `wait` is how many seconds those are waited for that could say that they let go.
    """
    for member in members.values():
        member.leave(on=on, wait=wait)


def left(members: Mapping[str, Membership]) -> bool:
    """Tell whether all networks were left on purpose."""
    return all(member.left for member in members.values())


def says_nothing(members: Mapping[str, Membership], cause: Cause) -> bool:
    """Tell whether a cause says nothing of a peer: another node has our address."""
    return any(astray(member.understanding, cause) for member in members.values())


def elsewhere(members: Mapping[str, Membership], network: str, config: ClusterConfig) -> str:
    """Say which other network of this node has a part of a configuration's addresses."""
    for name, member in members.items():
        if name != network and (why := overlap(member.understanding, config)):
            return f"{why} of the network {name}, which this node serves too"
    return ""

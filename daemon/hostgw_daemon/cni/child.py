"""The host's own child of the uplink: what must be done to have it as it must be. Pure.

A macvlan or ipvlan child takes its packets to the parent's wire, past the stack of the host that
the parent belongs to: host and container cannot reach each other, and so the container's gateway
cannot be the host. A second child of the same parent, in the host's own hands, can be reached by
all others: on it the host has the gateway's address, and through it the route to its own subnet.
From there on everything is host-gw: what a container sends to another host's container comes to its
host, and goes by the host's routes.

What is there is changed and not made anew wherever that can be: containers talk through it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_interface
from typing import TypeAlias

from hostgw_core.model import Subnets
from hostgw_daemon.kernel import Child, IPInterface

NAME = "hostgw0"


@dataclass(frozen=True, slots=True)
class Make:
    """Make the link and set it up, without addresses."""

    child: Child


@dataclass(frozen=True, slots=True)
class Delete:
    """Delete the link."""


@dataclass(frozen=True, slots=True)
class Adjust:
    """Give the link this MTU (bytes), and set it up."""

    mtu: int


@dataclass(frozen=True, slots=True)
class AddAddress:
    """Give the link an address."""

    address: IPInterface


@dataclass(frozen=True, slots=True)
class DropAddress:
    """Take an address from the link."""

    address: IPInterface


Step: TypeAlias = Make | Delete | Adjust | AddAddress | DropAddress


def host_child(kind: str, *, parent: int, subnets: Subnets, mtu: int) -> Child:
    """Give the child that the host must have: it holds the first address of each subnet."""
    firsts = (ip_interface((each.network_address + 1, each.prefixlen)) for each in subnets)
    return Child(kind, parent, mtu, frozenset(firsts))


def steps(seen: Child | None, wanted: Child | None) -> Iterator[Step]:
    """Give what must be done, in this order; new addresses come before old ones go."""
    there: frozenset[IPInterface] = frozenset()
    if seen is not None:
        if wanted is not None and (seen.kind, seen.parent) == (wanted.kind, wanted.parent):
            there = seen.addresses
            if (seen.mtu, seen.up) != (wanted.mtu, True):
                yield Adjust(wanted.mtu)
        else:
            yield Delete()
            seen = None
    if wanted is None:
        return
    if seen is None:
        yield Make(wanted)
    for address in sorted(wanted.addresses - there, key=str):
        yield AddAddress(address)
    for address in sorted(there - wanted.addresses, key=str):
        yield DropAddress(address)

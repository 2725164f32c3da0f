"""Entries of the neighbour table, made of values: ours, the kernel's own, and others'."""

from __future__ import annotations

from ipaddress import IPv4Address

from hostgw_daemon.switches import Neighbour

KEPT = Neighbour(managed=True, ours=True, used=True)
KEPT_STALE = Neighbour(managed=True, ours=True)
SILENT = Neighbour(managed=True, ours=True, failed=True)
RELEASED = Neighbour(ours=True)
BUSY, OLD, DEAD = Neighbour(used=True), Neighbour(), Neighbour(failed=True)
FOR_GOOD = Neighbour(taken=True)
ANOTHERS = Neighbour(managed=True, taken=True, used=True)


def at(*numbers: int) -> tuple[IPv4Address, ...]:
    """Give addresses by their last number."""
    return tuple(IPv4Address(f"192.0.2.{number}") for number in numbers)

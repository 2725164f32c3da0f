"""What a claim may decide to do: values. `table` decides, `deeds` does it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from hostgw_core.model import Lease, Presence, Subnets
from hostgw_core.store import Compare


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing can be done now; `code` is the condition that says so, `detail` the particulars."""

    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class Contend:
    """Leave a note that we want the address of another node; it ends with us."""

    key: bytes
    value: bytes


@dataclass(frozen=True, slots=True)
class Concede:
    """Delete such a note of ours, if it is unchanged."""

    key: bytes
    compares: tuple[Compare, ...]


@dataclass(frozen=True, slots=True)
class Announce:
    """Create our presence."""


@dataclass(frozen=True, slots=True)
class Depose:
    """Delete the presence of our own former life."""

    presence: Presence


@dataclass(frozen=True, slots=True)
class Keep:
    """The lease is ours and right: keep it alive. `misfit`: why the network no longer has it.

    `hopes`: it will be another one as soon as others' leases allow it.
    """

    lease: Lease
    misfit: str = ""
    hopes: bool = False


@dataclass(frozen=True, slots=True)
class Hold:
    """Write the lease of these subnets, if all compares hold; then it is ours.

    `etcd_lease` is the one to hang it on: None for a grant of our own, 0 for a key that stays.
    `beside` are keys and values that are written with it, always on a grant of our own; `instead`
    is the key of our lease that this one takes the place of, in the same transaction.
    """

    how: str
    subnets: Subnets
    key: bytes
    value: bytes
    compares: tuple[Compare, ...]
    etcd_lease: int | None = None
    beside: tuple[tuple[bytes, bytes], ...] = ()
    instead: bytes = b""


@dataclass(frozen=True, slots=True)
class Restore:
    """Write the network's record as it was, if all compares hold."""

    key: bytes
    value: bytes
    compares: tuple[Compare, ...]


@dataclass(frozen=True, slots=True)
class Withdraw:
    """Delete a lease, if unchanged.

    It is a second one of ours, or what a broken history has left on ours, or ours that is released.
    """

    lease: Lease
    compares: tuple[Compare, ...]


@dataclass(frozen=True, slots=True)
class Quarantine:
    """Write over a lease of ours that nobody is to route to its subnet, nor to take it.

    `etcd_lease` is as in `Hold`: it may not stay for ever.
    """

    lease: Lease
    value: bytes
    compares: tuple[Compare, ...]
    etcd_lease: int | None


@dataclass(frozen=True, slots=True)
class Depart:
    """Delete our presence: nothing of ours is left that it would stand for."""

    presence: Presence


Action: TypeAlias = (
    Wait
    | Contend
    | Concede
    | Announce
    | Depose
    | Keep
    | Hold
    | Restore
    | Withdraw
    | Quarantine
    | Depart
)

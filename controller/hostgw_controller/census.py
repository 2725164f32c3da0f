"""What the store says about the cluster, understood: the input of every judgement.

A census is made of a complete snapshot and nothing else, so two controllers that see one revision
agree. A record that could not be understood is a refusal, but its key may still take a subnet: no
node can lease a subnet whose key is there, whatever its value says. Hence `holders`: everything
that takes a subnet, with the name of the one who takes it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from hostgw_core.keys import Keys
from hostgw_core.model import HOST_GW, ClusterConfig, Lease, Refusal, Subnets
from hostgw_core.network import config_of
from hostgw_core.records import Reservation, lease_of, reservation_of
from hostgw_core.store import Entry

QUARANTINE = "quarantine"
"""The backend of a lease whose subnet is kept from everybody for a while."""


@dataclass(frozen=True, slots=True)
class Holder:
    """A key that takes subnets; `owner` says whose it is in words."""

    key: bytes
    subnets: Subnets
    owner: str


@dataclass(frozen=True, slots=True)
class Census:
    """Every record under the prefix, sorted by what became of it.

    `leases` has the leases of every backend, in key order. Without a configuration, or with one
    that is refused, `config` is None.
    """

    config: ClusterConfig | None = None
    leases: tuple[Lease, ...] = ()
    reservations: tuple[Reservation, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    holders: tuple[Holder, ...] = ()

    @property
    def routed(self) -> tuple[Lease, ...]:
        """The leases that the nodes make routes of."""
        return tuple(lease for lease in self.leases if lease.backend == HOST_GW)


def census_of(keys: Keys, entries: Iterable[Entry]) -> Census:
    """Read every entry under the prefix that is a configuration, a lease or a reservation."""
    leases: list[Lease] = []
    reservations: list[Reservation] = []
    refusals: list[Refusal] = []
    holders: list[Holder] = []
    config: ClusterConfig | None = None
    for entry in sorted(entries, key=lambda each: each.key):
        if entry.key == keys.config:
            read = config_of(entry)
            if isinstance(read, Refusal):
                refusals.append(read)
            else:
                config = read
        elif entry.key in keys.reservations:
            reservation = reservation_of(keys, entry)
            if isinstance(reservation, Refusal):
                refusals.append(reservation)
            else:
                reservations.append(reservation)
        elif entry.key in keys.subnets or entry.key in keys.subnets6:
            lease = lease_of(keys, entry, any_backend=True)
            if isinstance(lease, Refusal):
                refusals.append(lease)
                holders += _unread(keys, entry.key)
            else:
                leases.append(lease)
                holders.append(Holder(lease.key, lease.subnets, lease.owner))
    return Census(config, tuple(leases), tuple(reservations), tuple(refusals), tuple(holders))


def _unread(keys: Keys, key: bytes) -> list[Holder]:
    subnets = keys.subnets_of(key)
    return [] if isinstance(subnets, Refusal) else [Holder(key, subnets, "an unreadable record")]

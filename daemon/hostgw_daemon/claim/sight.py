"""What a claim is decided from: a value, no judgement.

A `Sight` is read from the store at one revision, so that the compares of a write can name what was
seen. Only the presences of rivals are read a moment later, and no write depends on those alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from hostgw_core.history import Break, History
from hostgw_core.keys import Keys, networks_in
from hostgw_core.model import (
    Addresses,
    ClusterConfig,
    IPAddress,
    IPNetwork,
    Lease,
    Presence,
    Refusal,
    Subnets,
)
from hostgw_core.network import config_of
from hostgw_core.records import (
    Dispute,
    Reservation,
    dispute_of,
    lease_of,
    presence_of,
    reservation_of,
)
from hostgw_core.store import Entry, Listing
from hostgw_daemon.claim.withdrawal import Withdrawal

PRESENCE_TTL: Final = 60
"""Seconds that a presence outlives its process; what a newcomer under its id waits for."""


@dataclass(frozen=True, slots=True)
class Me:
    """Who is claiming. `former` is the instance that ran here before, where it is known.

    `via6`: our IPv6 address leads to our IPv4 subnet, too, so that it is told with it. `further`
    are our addresses on further links.
    """

    node_id: str
    node: str
    instance: str
    former: str = ""
    addresses: Addresses = field(default_factory=Addresses)
    via6: bool = False
    further: tuple[IPAddress, ...] = ()


@dataclass(frozen=True, slots=True)
class Sight:
    """Everything that a decision depends on.

    `config` is the network in force. `config_gone` says why it is not the one in the store, which
    was deleted or cannot be used ("": it is): what is held stays held, and nothing new is taken.
    `leases` are of any backend. `occupied` are the subnets of all keys, understood or not, and
    `spoilt` the keys of leases and reservations that cannot be read. `names` are the keys of all
    leases and reservations, in order: also one that says nothing stands in the way of a write.
    `config_written` is the mod revision of the network's record, 0 where there is none, and
    `network` that record as it was last in force. `broken` is where the store's history parts from
    the one that we know, if it does, and `broken_for` since how many seconds that is so.
    `presence` is what stands under our node id, and `stranger_for` since how many seconds it has
    been somebody else's. `announced`: this process has announced itself before. `alive` are the
    nodes with a presence among those that share our address, `elsewhere` those of them that say
    there that they are at other addresses now. `disputes` are the notes of all that want the
    address of another node. `remembered` is the subnet we held
    last, `avoid` the networks of this host. `leaving`: this node is to leave on purpose;
    `let_go`: its lease may be released, by what the others say of it, which is `withdrawal`.
    """

    keys: Keys
    me: Me
    config: ClusterConfig | None = None
    config_gone: str = ""
    config_written: int = 0
    network: bytes = b""
    broken: Break | None = None
    broken_for: float = 0.0
    leases: tuple[Lease, ...] = ()
    spoilt: tuple[Entry, ...] = ()
    occupied: tuple[IPNetwork, ...] = ()
    names: tuple[bytes, ...] = ()
    reservations: tuple[Reservation, ...] = ()
    presence: Presence | None = None
    stranger_for: float = 0.0
    announced: bool = False
    alive: frozenset[str] = frozenset()
    elsewhere: frozenset[str] = frozenset()
    disputes: tuple[Dispute, ...] = ()
    remembered: Subnets = field(default_factory=Subnets)
    avoid: tuple[IPNetwork, ...] = ()
    leaving: bool = False
    let_go: bool = False
    withdrawal: Withdrawal | None = None

    def leftover(self, written: int) -> bool:
        """Tell whether a record of this mod revision was left by a history that is broken."""
        broken = self.broken
        return broken is not None and (broken.foreign or written <= broken.first.revision)


def sight_of(
    listing: Listing,
    keys: Keys,
    me: Me,
    last_good: ClusterConfig | None = None,
    *,
    history: History | None = None,
    network: Entry | None = None,
    elsewhere: Callable[[ClusterConfig], str] = lambda _config: "",
) -> Sight:
    """Understand what was listed; a record that cannot be understood still occupies its subnet.

    `last_good` is the network that was in force before, `network` the record of the one that this
    node goes by; it stays in force where there is no better one, and where what stands there is of
    another `history`, or has addresses of another network, as `elsewhere` says.
    """
    history = history or History()
    config_written = 0
    config: ClusterConfig | Refusal | None = None
    presence: Presence | None = None
    leases: list[Lease] = []
    spoilt: list[Entry] = []
    occupied: list[IPNetwork] = []
    names: list[bytes] = []
    reservations: list[Reservation] = []
    others, disputes = _apart(listing, keys)
    for entry in others:
        if entry.key == keys.config:
            config, config_written = config_of(entry), entry.modified
            if network is not None and not history.believes(entry, network):
                config = Refusal(entry.key, "leftover", "it is of another history of the store")
            elif isinstance(config, ClusterConfig) and (why := elsewhere(config)):
                config = Refusal(entry.key, "overlap", why)
        elif entry.key in keys.reservations:
            names.append(entry.key)
            reservation = reservation_of(keys, entry)
            if isinstance(reservation, Reservation):
                reservations.append(reservation)
            else:
                spoilt.append(entry)
        elif entry.key in keys.nodes:
            found = presence_of(keys, entry)
            # A presence that cannot be read is somebody's all the same: a stranger's.
            presence = found if isinstance(found, Presence) else _unreadable(me, entry)
        else:
            names.append(entry.key)
            lease = lease_of(keys, entry, any_backend=True)
            if isinstance(lease, Lease):
                leases.append(lease)
                occupied.extend(lease.subnets)
            else:
                spoilt.append(entry)
                occupied.extend(networks_in(keys.subnets_of(entry.key)))
    config_gone = ""
    if not isinstance(config, ClusterConfig):
        config_gone = config.detail if config else f"nothing is at {keys.config.decode()}"
        config = last_good or _remembered(network)
    return Sight(
        keys,
        me,
        config,
        config_gone,
        config_written,
        network.value if network is not None else b"",
        history.broken,
        leases=tuple(leases),
        spoilt=tuple(spoilt),
        occupied=tuple(occupied),
        names=tuple(sorted(names)),
        reservations=tuple(reservations),
        presence=presence,
        disputes=disputes,
    )


def _apart(listing: Listing, keys: Keys) -> tuple[list[Entry], tuple[Dispute, ...]]:
    """Part the notes, which stand in nobody's way, from all else."""
    others: list[Entry] = []
    notes: list[Entry] = []
    for entry in listing.entries:
        (notes if entry.key in keys.disputes else others).append(entry)
    read = (dispute_of(keys, entry) for entry in notes)
    return others, tuple(each for each in read if isinstance(each, Dispute))


def _remembered(network: Entry | None) -> ClusterConfig | None:
    """Give the network that a node goes by that has not read one in this life."""
    config = config_of(network) if network is not None else None
    return config if isinstance(config, ClusterConfig) else None


def _unreadable(me: Me, entry: Entry) -> Presence:
    return Presence(me.node_id, "?", "?", Addresses(), entry.created, entry.modified)

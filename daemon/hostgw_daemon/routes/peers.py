"""The other nodes as this one believes them: who they are, and what the belief rests on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from hostgw_core.keys import Keys
from hostgw_core.model import Addresses, ClusterConfig, IPNetwork, Lease, Refusal
from hostgw_daemon.routes.ground import Ground

NO_ADDRESSES = Addresses()
OWN_ADDRESS, LEFTOVER, QUARANTINED = "own_address", "leftover", "quarantined"


class PeerState(StrEnum):
    """What a peer's lease is to us. Every other state a peer can have begins with `ok`."""

    OK = "ok"
    PARTIAL = "partial"  # one family of it is routed to, and the reason says why not the other
    SELF = "self"
    REJECTED_KEPT = "rejected_kept"
    OUTSIDE_CONFIG = "outside_config"
    HELD = "held"  # its record is gone, or not believed: the guard keeps its last meaning


@dataclass(frozen=True, slots=True)
class Peer:
    """A lease that is believed, and why it is in the state it is in."""

    lease: Lease
    state: PeerState = PeerState.OK
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Policy:
    """What a judgement depends on besides the records: the network, and who we are.

    `via6`: this node reaches IPv4 subnets by IPv6 addresses.
    """

    keys: Keys
    config: ClusterConfig
    node_id: str
    addresses: Addresses = NO_ADDRESSES
    host_networks: tuple[IPNetwork, ...] = ()
    via6: bool = False


@dataclass(frozen=True, slots=True)
class Roster:
    """The judgement: every key under the lease prefixes is a peer or a refusal.

    Three things follow from it, kept so that amending it is quick: `ground` says which key holds
    which subnet, `waiting` gives, for each refusal that is an overlap, the key that it gives way
    to, and `reasons` counts the refusals. None is changed once it is here. `yielded` are held keys
    that gave way in this very judgement: they are no peers any more.
    """

    policy: Policy
    peers: Mapping[bytes, Peer]
    refusals: Mapping[bytes, Refusal]
    ground: Ground = field(compare=False, repr=False)
    waiting: Mapping[bytes, bytes] = field(compare=False, repr=False)
    reasons: Mapping[str, int] = field(compare=False, repr=False)
    yielded: frozenset[bytes] = field(default=frozenset(), compare=False, repr=False)

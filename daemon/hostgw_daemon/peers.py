"""Which leases this node believes: the whole set judged at once, or the judgement amended.

A record is judged by itself (can it be read, does it lie in the network, can its gateway be one)
and against the others (does it overlap one that came before). A bad record spoils itself only.

A lease once accepted keeps its last good meaning while its key exists, whatever becomes of its
value (`rejected_kept`) or of the configuration (`outside_config`): somebody's containers are behind
it. So the judgement depends on the one before, and accepted leases are looked at before new ones;
among new ones the older key wins, on every node alike.

The law that holds the two functions together: whenever `amend` answers, its answer is that of
`accept` on the whole. Where it cannot know (ground became free that a refused record may want), it
gives None, and the whole is judged again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType

from hostgw_core.keys import Keys
from hostgw_core.model import Addresses, ClusterConfig, IPNetwork, Lease, Refusal
from hostgw_core.records import lease_of
from hostgw_core.store import Change, Deleted, Entry
from hostgw_core.subnets import inside

NO_ADDRESSES = Addresses()
OVERLAP = "overlap"
OWN_ADDRESS = "own_address"


class PeerState(StrEnum):
    """What a peer's lease is to us. Every other state a peer can have begins with `ok`."""

    OK = "ok"
    SELF = "self"
    REJECTED_KEPT = "rejected_kept"
    OUTSIDE_CONFIG = "outside_config"


@dataclass(frozen=True, slots=True)
class Peer:
    """A lease that is believed, and why it is in the state it is in."""

    lease: Lease
    state: PeerState = PeerState.OK
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Policy:
    """What a judgement depends on besides the records: the network, and who we are."""

    keys: Keys
    config: ClusterConfig
    node_id: str
    addresses: Addresses = NO_ADDRESSES
    host_networks: tuple[IPNetwork, ...] = ()


@dataclass(frozen=True, slots=True)
class Roster:
    """The judgement: every key under the lease prefixes is in exactly one of the two.

    `ground` says which key holds which subnet; `lengths` are the prefix lengths found in it (or
    more: a length that is no longer there costs one look).
    """

    policy: Policy
    peers: Mapping[bytes, Peer] = field(default_factory=dict)
    refusals: Mapping[bytes, Refusal] = field(default_factory=dict)
    ground: Mapping[IPNetwork, bytes] = field(default_factory=dict)
    lengths: frozenset[int] = field(default=frozenset(), compare=False)


class _Judge:
    """A judgement being made: the one place where its parts are mutable."""

    def __init__(self, before: Roster | None, policy: Policy) -> None:
        self.policy = policy
        self.before: Mapping[bytes, Peer] = before.peers if before is not None else {}
        self.peers: dict[bytes, Peer] = {}
        self.refusals: dict[bytes, Refusal] = {}
        self.ground: dict[IPNetwork, bytes] = {}
        self.lengths: set[int] = set()

    @classmethod
    def resume(cls, roster: Roster) -> _Judge:
        """Begin with what was judged before."""
        judge = cls(roster, roster.policy)
        judge.peers = dict(roster.peers)
        judge.refusals = dict(roster.refusals)
        judge.ground = dict(roster.ground)
        judge.lengths = set(roster.lengths)
        return judge

    def forget(self, key: bytes) -> Peer | None:
        """Take back what was judged of one key, and free its ground."""
        self.refusals.pop(key, None)
        peer = self.peers.pop(key, None)
        for subnet in peer.lease.subnets if peer is not None else ():
            del self.ground[subnet]
        return peer

    def hear_all(self, entries: Iterable[Entry]) -> None:
        """Judge records in their order: those accepted before, then new ones, the oldest first."""
        order = sorted(entries, key=lambda e: (self._before(e) is None, e.created, e.key))
        for entry in order:
            self.hear(entry)

    def hear(self, entry: Entry) -> None:
        """Judge one record, after all that go before it."""
        judged = self._judge(entry, self._before(entry))
        if isinstance(judged, Peer):
            judged = self._place(judged)
        if isinstance(judged, Peer):
            self.peers[entry.key] = judged
        else:
            self.refusals[entry.key] = judged

    def verdict(self) -> Roster:
        """Give what was judged."""
        return Roster(
            self.policy,
            MappingProxyType(self.peers),
            MappingProxyType(self.refusals),
            MappingProxyType(self.ground),
            frozenset(self.lengths),
        )

    def _before(self, entry: Entry) -> Peer | None:
        """Give the peer this very key was accepted as, if it has existed ever since."""
        peer = self.before.get(entry.key)
        return peer if peer is not None and peer.lease.created == entry.created else None

    def _judge(self, entry: Entry, accepted: Peer | None) -> Peer | Refusal:
        lease = lease_of(self.policy.keys, entry)
        if isinstance(lease, Lease) and self._ours(lease):
            return Peer(lease, PeerState.SELF)
        if isinstance(lease, Lease) and lease.gateways.meets(self.policy.addresses):
            lease = _refused(entry, OWN_ADDRESS, f"its gateway {lease.gateways} is our own address")
        elif isinstance(lease, Lease) and (why := _no_gateway(lease)):
            lease = _refused(entry, "bad_gateway", why)
        if isinstance(lease, Refusal):
            if accepted is None or accepted.state is PeerState.SELF:
                return lease
            return replace(accepted, state=PeerState.REJECTED_KEPT, reason=lease.detail)
        if inside(self.policy.config, lease.subnets):
            return Peer(lease)
        why = f"{lease.subnets} is outside the network in {self.policy.keys.config.decode()}"
        if accepted is None:
            return _refused(entry, "outside_network", why)
        return Peer(lease, PeerState.OUTSIDE_CONFIG, why)

    def _ours(self, lease: Lease) -> bool:
        """Tell whether it is this node's: by its id, or by our address where flannel wrote it."""
        if lease.node_id:
            return lease.node_id == self.policy.node_id
        return lease.gateways.meets(self.policy.addresses)

    def _place(self, peer: Peer) -> Peer | Refusal:
        """Give the peer its ground, unless somebody stands there already."""
        lease = peer.lease
        for subnet in lease.subnets:
            holder = self._holder(subnet)
            if holder is not None:
                other = self.peers[holder].lease
                why = f"{subnet} overlaps {other.subnets} of {other.owner}, which came first"
                return Refusal(lease.key, OVERLAP, _sentence(lease.key, why))
            network = next((n for n in self.policy.host_networks if n.overlaps(subnet)), None)
            if network is not None and peer.state is not PeerState.SELF:
                why = f"{subnet} overlaps {network}, a network of this host's own link"
                return Refusal(lease.key, "host_network", _sentence(lease.key, why))
        for subnet in lease.subnets:
            self.ground[subnet] = lease.key
            self.lengths.add(subnet.prefixlen)
        return peer

    def _holder(self, subnet: IPNetwork) -> bytes | None:
        for length in self.lengths:
            if length <= subnet.prefixlen:
                holder = self.ground.get(subnet.supernet(new_prefix=length))
                if holder is not None:
                    return holder
            else:  # smaller subnets about: only while the network's SubnetLen is being changed
                for other, key in self.ground.items():
                    if other.version == subnet.version and other.overlaps(subnet):
                        return key
        return None


def accept(entries: Iterable[Entry], policy: Policy, before: Roster | None = None) -> Roster:
    """Judge every record; `before` is the judgement whose accepted leases keep their meaning."""
    judge = _Judge(before, policy)
    judge.hear_all(entries)
    return judge.verdict()


def amend(roster: Roster, changes: Iterable[Change]) -> tuple[Roster, frozenset[bytes]] | None:
    """Apply a few changes; give the new judgement and the keys whose peer is another one now.

    None: judge the whole again.
    """
    judge = _Judge.resume(roster)
    last = {change.key: change for change in changes}
    forgotten = {key: judge.forget(key) for key in last}
    judge.hear_all(change for change in last.values() if not isinstance(change, Deleted))
    freed = any(peer is not None and key not in judge.peers for key, peer in forgotten.items())
    if freed and any(refusal.reason == OVERLAP for refusal in roster.refusals.values()):
        return None
    moved = frozenset(key for key in last if judge.peers.get(key) != roster.peers.get(key))
    return judge.verdict(), moved


def _no_gateway(lease: Lease) -> str:
    for subnet in lease.subnets:
        gateway = lease.gateways.of(subnet.version)
        if gateway is None:
            return f"it names no IPv{subnet.version} address for {subnet}"
        if gateway in subnet:
            return f"its gateway {gateway} lies inside the subnet {subnet} behind it"
    return ""


def _refused(entry: Entry, reason: str, why: str) -> Refusal:
    return Refusal(entry.key, reason, _sentence(entry.key, why))


def _sentence(key: bytes, why: str) -> str:
    name = key.decode(errors="backslashreplace")
    return f"the lease {name} is not routed to: {why}; look at it with etcdctl get {name}"

"""Which leases this node believes: the whole set judged at once, or the judgement amended.

A record is judged by itself (can it be read, does it lie in the network, can its gateway be one, is
its subnet free on this host) and against the others (does it overlap one that came before). A bad
record spoils itself only.

A lease once accepted keeps its last good meaning while its key exists, whatever becomes of its
value (`rejected_kept`) or of the configuration (`outside_config`): somebody's containers are behind
it. Only this host's own addresses and networks are stronger: no route can lead through ourselves.
So the judgement depends on the one before, and accepted leases are looked at before new ones; among
new ones the older key wins, on every node alike. A key deleted and created again is a new one.

The law that holds the two functions together: whenever `amend` answers, its answer is that of
`accept` on the whole. Where it cannot know (a peer whose subnet a refused record wants is another
one now), it gives None, and the whole is judged again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from hostgw_core.edition import Draft, draft_of
from hostgw_core.keys import Keys
from hostgw_core.model import Addresses, ClusterConfig, IPNetwork, Lease, Refusal, Subnets
from hostgw_core.records import lease_of
from hostgw_core.store import Change, Deleted, Entry
from hostgw_core.subnets import Taken, inside, too_much
from hostgw_daemon.routes.ground import Ground

NO_ADDRESSES = Addresses()
OWN_ADDRESS = "own_address"


class PeerState(StrEnum):
    """What a peer's lease is to us. Every other state a peer can have begins with `ok`."""

    OK = "ok"
    SELF = "self"
    REJECTED_KEPT = "rejected_kept"
    OUTSIDE_CONFIG = "outside_config"
    HELD = "held"  # never by a judgement: by the guard, for a peer whose record is gone


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
    """The judgement: every key under the lease prefixes is a peer or a refusal.

    Three things follow from it, kept so that amending it is quick: `ground` says which key holds
    which subnet, `waiting` gives, for each refusal that is an overlap, the key that it gives way
    to, and `reasons` counts the refusals. None is changed once it is here.
    """

    policy: Policy
    peers: Mapping[bytes, Peer]
    refusals: Mapping[bytes, Refusal]
    ground: Ground = field(compare=False, repr=False)
    waiting: Mapping[bytes, bytes] = field(compare=False, repr=False)
    reasons: Mapping[str, int] = field(compare=False, repr=False)


class _Judge:
    """A judgement being made: the one place where its parts are mutable."""

    def __init__(self, before: Roster | None, policy: Policy) -> None:
        self.policy = policy
        self.on_this_host = Taken(policy.host_networks)
        self.before: Mapping[bytes, Peer] = before.peers if before is not None else {}
        self.peers: Draft[bytes, Peer] = Draft({})
        self.refusals: Draft[bytes, Refusal] = Draft({})
        self.ground = Ground()
        self.waiting: Draft[bytes, bytes] = Draft({})
        self.reasons: Counter[str] = Counter()

    @classmethod
    def resume(cls, roster: Roster) -> _Judge:
        """Begin with what was judged before."""
        judge = cls(roster, roster.policy)
        judge.peers = draft_of(roster.peers)
        judge.refusals = draft_of(roster.refusals)
        judge.waiting = draft_of(roster.waiting)
        judge.ground = roster.ground.copy()
        judge.reasons = Counter(roster.reasons)
        return judge

    def forget(self, key: bytes) -> None:
        """Take back what was judged of one key, and free its ground."""
        refusal = self.refusals.pop(key, None)
        if refusal is not None:
            self.reasons[refusal.reason] -= 1
        self.waiting.pop(key, None)
        peer = self.peers.pop(key, None)
        for subnet in peer.lease.subnets if peer is not None else ():
            self.ground.free(subnet)

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
            self.reasons[judged.reason] += 1

    def verdict(self) -> Roster:
        """Give what was judged."""
        return Roster(
            self.policy,
            self.peers.printed(),
            self.refusals.printed(),
            self.ground,
            self.waiting.printed(),
            +self.reasons,
        )

    def _before(self, entry: Entry) -> Peer | None:
        """Give the peer this very key was accepted as, if it has existed ever since."""
        peer = self.before.get(entry.key)
        return peer if peer is not None and peer.lease.created == entry.created else None

    def _judge(self, entry: Entry, accepted: Peer | None) -> Peer | Refusal:
        """Judge a record by itself; what was accepted once is kept, as far as this host can."""
        if accepted is not None and accepted.state is PeerState.SELF:
            accepted = None  # what is ours until now says nothing about another node
        peer = self._peer(entry, accepted)
        if isinstance(peer, Refusal):
            if accepted is None or self._own_address(accepted.lease):
                return peer
            peer = replace(accepted, state=PeerState.REJECTED_KEPT, reason=peer.detail)
        if peer.state is not PeerState.SELF and (why := self._on_this_host(peer.lease)):
            return _refused(entry.key, "host_network", why)
        return peer

    def _peer(self, entry: Entry, accepted: Peer | None) -> Peer | Refusal:
        lease = lease_of(self.policy.keys, entry)
        if isinstance(lease, Refusal):
            return lease
        if self._ours(lease):
            return Peer(lease, PeerState.SELF)
        if self._own_address(lease):
            why = f"its gateway {lease.gateways} is our own address"
            return _refused(entry.key, OWN_ADDRESS, why)
        if why := _no_gateway(lease):
            return _refused(entry.key, "bad_gateway", why)
        why = self._outside(lease.subnets)
        if why and accepted is None:
            return _refused(entry.key, "outside_network", why)
        return Peer(lease, PeerState.OUTSIDE_CONFIG if why else PeerState.OK, why)

    def _ours(self, lease: Lease) -> bool:
        """Tell whether it is this node's: by its id, or by our address where flannel wrote it."""
        if lease.node_id:
            return lease.node_id == self.policy.node_id
        return self._own_address(lease)

    def _own_address(self, lease: Lease) -> bool:
        return lease.gateways.meets(self.policy.addresses)

    def _outside(self, subnets: Subnets) -> str:
        config, where = self.policy.config, self.policy.keys.config.decode()
        if not inside(config, subnets):
            return f"{subnets} is outside the network in {where}"
        for subnet in subnets:
            if too_much(config, subnet):
                return f"{subnet} is too much of the network in {where}"
        return ""

    def _on_this_host(self, lease: Lease) -> str:
        for subnet in lease.subnets:
            network = self.on_this_host.overlaps(subnet)
            if network is not None:
                return f"{subnet} overlaps {network}, a network of this host's own link"
        return ""

    def _place(self, peer: Peer) -> Peer | Refusal:
        """Give the peer its ground, unless somebody stands there already."""
        lease = peer.lease
        for subnet in lease.subnets:
            holder = self.ground.holder(subnet)
            if holder is not None:
                self.waiting[lease.key] = holder
                other = self.peers[holder].lease
                why = f"{subnet} overlaps {other.subnets} of {other.owner}, which came first"
                return _refused(lease.key, "overlap", why)
        for subnet in lease.subnets:
            self.ground.take(subnet, lease.key)
        return peer


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
    for key in last:
        judge.forget(key)
    judge.hear_all(change for change in last.values() if not isinstance(change, Deleted))
    moved = frozenset(key for key in last if judge.peers.get(key) != roster.peers.get(key))
    if any(holder in moved for key, holder in roster.waiting.items() if key not in last):
        return None
    return judge.verdict(), moved


def _no_gateway(lease: Lease) -> str:
    for subnet in lease.subnets:
        gateway = lease.gateways.of(subnet.version)
        if gateway is None:
            return f"it names no IPv{subnet.version} address for {subnet}"
        if gateway in subnet:
            return f"its gateway {gateway} lies inside the subnet {subnet} behind it"
    return ""


def _refused(key: bytes, reason: str, why: str) -> Refusal:
    name = key.decode(errors="backslashreplace")
    return Refusal(
        key,
        reason,
        f"the lease {name} is not routed to: {why}; look at it with etcdctl get {name}",
    )

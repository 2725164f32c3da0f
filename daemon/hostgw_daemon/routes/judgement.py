"""Which leases this node believes: the whole set judged at once, or the judgement amended.

A record is judged by itself (can it be read, does it lie in the network, can its gateway be one, is
its subnet free on this host) and against the others (does it overlap one that came before). A bad
record spoils itself only, and what a lease lacks in one family leaves the other one as it is.

A lease once accepted keeps its last good meaning while its key exists, whatever becomes of its
value (`rejected_kept`) or of the configuration (`outside_config`): somebody's containers are behind
it. Only this host's own addresses and networks are stronger: no route can lead through ourselves.
So the judgement depends on the one before, and accepted leases are looked at before new ones; among
new ones the older key wins, on every node alike. A key deleted and created again is a new one.

What the guard doubts (`Doubts`) it says here: a peer whose record is gone and that is `held` comes
last of all and yields to whoever else is believed at its subnet; a record that is a `leftover` of
another history is refused, whatever it says.

The law that holds the two functions together: whenever `amend` answers, its answer is that of
`accept` on the whole. Where it cannot know (a peer whose subnet a refused record wants is another
one now), it gives None, and the whole is judged again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace

from hostgw_core.edition import Draft, draft_of
from hostgw_core.model import Lease, Refusal, Subnets
from hostgw_core.records import lease_of
from hostgw_core.store import Change, Deleted, Entry
from hostgw_core.subnets import Taken, inside, too_much
from hostgw_daemon.routes.doubts import NO_DOUBTS, Doubts
from hostgw_daemon.routes.ground import Ground
from hostgw_daemon.routes.peers import (
    LEFTOVER,
    NO_ADDRESSES,
    OWN_ADDRESS,
    QUARANTINED,
    Peer,
    PeerState,
    Policy,
    Roster,
)


class _Judge:
    """A judgement being made: the one place where its parts are mutable."""

    def __init__(self, before: Roster | None, policy: Policy, doubts: Doubts) -> None:
        self.policy = policy
        self.families = policy.config.families
        self.doubts = doubts
        self.yielded: set[bytes] = set()
        self.on_this_host = Taken(policy.host_networks)
        self.before: Mapping[bytes, Peer] = before.peers if before is not None else {}
        self.peers: Draft[bytes, Peer] = Draft({})
        self.refusals: Draft[bytes, Refusal] = Draft({})
        self.ground = Ground()
        self.waiting: Draft[bytes, bytes] = Draft({})
        self.reasons: Counter[str] = Counter()

    @classmethod
    def resume(cls, roster: Roster, doubts: Doubts) -> _Judge:
        """Begin with what was judged before."""
        judge = cls(roster, roster.policy, doubts)
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
        """Judge records in their order: accepted before, then new ones by age, then held ones."""
        held = self.doubts.held
        order = sorted(
            entries, key=lambda e: (e.key in held, self._before(e) is None, e.created, e.key)
        )
        for entry in order:
            self.hear(entry)

    def hear(self, entry: Entry) -> None:
        """Judge one record, after all that go before it."""
        held = self.doubts.held.get(entry.key)
        judged = self._judge(entry, self._before(entry), held=held)
        if isinstance(judged, Peer):
            judged = self._place(judged)
        if isinstance(judged, Peer):
            return
        if held is None:
            self.refusals[entry.key] = judged
            self.reasons[judged.reason] += 1
        else:  # it says nothing about a record that stands, for none does
            self.yielded.add(entry.key)
            self.waiting.pop(entry.key, None)

    def verdict(self) -> Roster:
        """Give what was judged."""
        return Roster(
            self.policy,
            self.peers.printed(),
            self.refusals.printed(),
            self.ground,
            self.waiting.printed(),
            +self.reasons,
            frozenset(self.yielded),
        )

    def _before(self, entry: Entry) -> Peer | None:
        """Give the peer this very key was accepted as, if it has existed ever since."""
        peer = self.before.get(entry.key)
        return peer if peer is not None and peer.lease.created == entry.created else None

    def _judge(
        self, entry: Entry, accepted: Peer | None, *, held: str | None = None
    ) -> Peer | Refusal:
        """Judge a record by itself; what was accepted once is kept, as far as this host can."""
        if held is None and entry.key in self.doubts.leftovers:
            return _refused(entry.key, LEFTOVER, "it was written before the store lost its history")
        if accepted is not None and accepted.state is PeerState.SELF:
            accepted = None  # what is ours until now says nothing about another node
        peer = self._peer(entry, accepted)
        if isinstance(peer, Refusal):
            withdrawn = peer.reason == QUARANTINED
            if accepted is None or withdrawn or self._own_address(accepted.lease):
                return peer
            peer = replace(accepted, state=PeerState.REJECTED_KEPT, reason=peer.detail)
        if peer.state is not PeerState.SELF and (why := self._on_this_host(peer.lease)):
            return _refused(entry.key, "host_network", why)
        if held is None:
            return peer
        if peer.state is PeerState.SELF:
            return _refused(entry.key, OWN_ADDRESS, "it is our own")
        return replace(peer, state=PeerState.HELD, reason=held)

    def _peer(self, entry: Entry, accepted: Peer | None) -> Peer | Refusal:
        lease = lease_of(self.policy.keys, entry)
        if isinstance(lease, Refusal):
            return lease
        via6 = self.policy.via6
        if all(lease.gateways.towards(s.version, via6=via6) is None for s in lease.subnets):
            why = "it names no address of a family that it has a subnet of"
            return _refused(entry.key, "bad_address", why)
        # One of the whole network under our name would take the ground of everybody.
        whole = any(too_much(self.policy.config, subnet) for subnet in lease.subnets)
        if self._ours(lease) and not whole:
            return Peer(lease, PeerState.SELF)
        if self._own_address(lease):
            why = f"its gateway {lease.gateways} is our own address"
            return _refused(entry.key, OWN_ADDRESS, why)
        if why := _inside_itself(lease):
            return _refused(entry.key, "bad_gateway", why)
        return self._reached(lease, accepted)

    def _reached(self, lease: Lease, accepted: Peer | None) -> Peer | Refusal:
        """Judge where a lease of another node leads, family by family.

        What it lacks in one family leaves the other: an address, or that the network has it. (One
        that was routed to before stays, like all that lies outside the network since then.)
        """
        outside = self._outside(lease.subnets)
        via6 = self.policy.via6
        if not outside and lease.gateways.cover(lease.subnets, via6=via6):
            return Peer(lease)  # as all are, but for a few
        before = accepted.lease.gateways if accepted is not None else NO_ADDRESSES
        known = (*self.families, *(each.version for each in before))
        used = lease.subnets.only(known)
        lacks = [
            f"the network has no IPv{each.version} for {each}"
            for each in lease.subnets
            if each.version not in known
        ]
        outside = self._outside(used)
        if (outside and accepted is None) or not any(used):
            return _refused(lease.key, "outside_network", outside or lacks[0])
        gateways = lease.gateways
        nowhere = [each for each in used if gateways.towards(each.version, via6=via6) is None]
        lacks += [f"it names no IPv{each.version} address for {each}" for each in nowhere]
        if len(nowhere) == len(tuple(used)):
            return _refused(lease.key, "bad_gateway", "; ".join(lacks))
        if used != lease.subnets:
            gateways = gateways.only((*known, 6) if via6 else known)
            lease = replace(lease, subnets=used, gateways=gateways)
        if outside:
            return Peer(lease, PeerState.OUTSIDE_CONFIG, outside)
        return Peer(lease, PeerState.PARTIAL if lacks else PeerState.OK, "; ".join(lacks))

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
                return f"{subnet} overlaps {network}, which is this host's own"
        return ""

    def _place(self, peer: Peer) -> Peer | Refusal:
        """Give the peer its ground, unless somebody stands there already who need not yield."""
        lease = peer.lease
        gave_way: list[Peer] = []
        for subnet in lease.subnets:
            while (holder := self.ground.holder(subnet)) is not None:
                there = self.peers[holder]
                if there.state is not PeerState.HELD or peer.state is PeerState.HELD:
                    for each in gave_way:
                        self._stand(each)
                    self.waiting[lease.key] = holder
                    other = there.lease
                    why = f"{subnet} overlaps {other.subnets} of {other.owner}, which came first"
                    return _refused(lease.key, "overlap", why)
                self.forget(holder)
                gave_way.append(there)
        self.yielded.update(each.lease.key for each in gave_way)
        self._stand(peer)
        return peer

    def _stand(self, peer: Peer) -> None:
        self.peers[peer.lease.key] = peer
        for subnet in peer.lease.subnets:
            self.ground.take(subnet, peer.lease.key)


def accept(
    entries: Iterable[Entry],
    policy: Policy,
    before: Roster | None = None,
    doubts: Doubts = NO_DOUBTS,
) -> Roster:
    """Judge every record; `before` is the judgement whose accepted leases keep their meaning."""
    judge = _Judge(before, policy, doubts)
    judge.hear_all(entries)
    return judge.verdict()


def amend(
    roster: Roster, changes: Iterable[Change], doubts: Doubts = NO_DOUBTS
) -> tuple[Roster, frozenset[bytes]] | None:
    """Apply a few changes; give the new judgement and the keys whose peer is another one now.

    None: judge the whole again.
    """
    judge = _Judge.resume(roster, doubts)
    last = {change.key: change for change in changes}
    for key in last:
        judge.forget(key)
    judge.hear_all(change for change in last.values() if not isinstance(change, Deleted))
    told = last.keys() | judge.yielded
    moved = frozenset(key for key in told if judge.peers.get(key) != roster.peers.get(key))
    if any(holder in moved for key, holder in roster.waiting.items() if key not in last):
        return None
    return judge.verdict(), moved


def _inside_itself(lease: Lease) -> str:
    for subnet in lease.subnets:
        gateway = lease.gateways.of(subnet.version)
        if gateway is not None and gateway in subnet:
            return f"its gateway {gateway} lies inside the subnet {subnet} behind it"
    return ""


def _refused(key: bytes, reason: str, why: str) -> Refusal:
    name = key.decode(errors="backslashreplace")
    return Refusal(
        key,
        reason,
        f"the lease {name} is not routed to: {why}; look at it with etcdctl get {name}",
    )

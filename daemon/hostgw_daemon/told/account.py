"""The status, made from the parts: what `/v1/status` and `hostgwctl` show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import nsmallest

from hostgw_core.health import Condition
from hostgw_core.model import Lease, Refusal
from hostgw_core.view import ViewState
from hostgw_daemon.link.uplink import NoUplink, Uplink
from hostgw_daemon.routes.peers import Peer
from hostgw_daemon.told.checks import Check
from hostgw_daemon.told.listed import LISTED, Listed
from hostgw_daemon.told.overview import Parts
from hostgw_daemon.told.parting import WithdrawalStatus
from hostgw_daemon.told.peerstates import WELL, peer_states
from hostgw_daemon.told.status import (
    ClaimStatus,
    ConditionStatus,
    NetworkStatus,
    PeersStatus,
    PeerStatus,
    RefusalStatus,
    RoutesStatus,
    SettingStatus,
    Status,
    StoreStatus,
    UplinkStatus,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Self:
    """What does not change while the daemon runs. `epoch` is time.time at time.monotonic 0."""

    version: str
    node: str
    node_id: str
    instance: str
    boot_id: str
    pid: int
    started: float
    epoch: float
    boot_epoch: float
    settings: tuple[SettingStatus, ...]


def status(
    me: Self,
    parts: Parts,
    *,
    standing: Sequence[Condition],
    checks: Sequence[Check],
    endpoint: str,
) -> Status:
    """Give the whole status at this moment."""
    why_not = tuple(f"{check.name}: {check.reason}" for check in checks if not check.ok)
    return Status(
        version=me.version,
        node=me.node,
        node_id=me.node_id,
        instance=me.instance,
        boot_id=me.boot_id,
        pid=me.pid,
        started=me.started,
        ready=not why_not,
        why_not=why_not,
        conditions=tuple(map(ConditionStatus.of, standing)),
        claim=_claim(parts, me.boot_epoch),
        uplink=_uplink(parts.uplink),
        store=_store(parts.view, endpoint, me.epoch),
        routes=RoutesStatus.of(parts.routes, me.epoch),
        peers=_peers(parts),
        refusals=_refusals(parts),
        settings=me.settings,
    )


def as_network(whole: Status, name: str, prefix: str, *, holds: int) -> NetworkStatus:
    """Give what a status says of the network that it was made for."""
    return NetworkStatus(
        name=name,
        prefix=prefix,
        ready=whole.ready,
        why_not=whole.why_not,
        claim=whole.claim,
        store=whole.store,
        peers=whole.peers,
        refusals=whole.refusals,
        holds=holds,
    )


def peers(parts: Parts) -> Iterator[PeerStatus]:
    """Give every other node."""
    return (_peer(peer, state, reason) for peer, state, reason in peer_states(parts))


def leases(parts: Parts) -> Iterator[Lease]:
    """Give every lease that is believed, our own among them."""
    now = parts.understanding
    believed: Iterable[Peer] = now.roster.peers.values() if now and now.roster else ()
    return (peer.lease for peer in believed)


def refused(parts: Parts, *, most: int) -> list[Refusal]:
    """Give the first records that are not used, in the order of their keys."""
    now = parts.understanding
    if now is None or now.roster is None:
        return []
    return nsmallest(most, now.roster.refusals.values(), key=lambda refusal: refusal.key)


def refusal_counts(parts: Parts) -> Mapping[str, int]:
    """Count the records that are not used by reason."""
    now = parts.understanding
    return now.roster.reasons if now is not None and now.roster is not None else {}


def peer_counts(parts: Parts) -> Counter[str]:
    """Count the other nodes by state."""
    return Counter(state for _, state, _ in peer_states(parts))


def _refusals(parts: Parts) -> Listed[RefusalStatus]:
    count = sum(refusal_counts(parts).values())
    return Listed.of(count, map(RefusalStatus.of, refused(parts, most=LISTED)))


def _claim(parts: Parts, boot_epoch: float) -> ClaimStatus:
    claim, session, lease = parts.claim, parts.lease, parts.claim.lease
    parting = WithdrawalStatus.of(claim.withdrawal) if claim.withdrawal is not None else None
    if lease is None:
        headless = parts.understanding is not None and parts.understanding.headless
        phase = "headless" if headless else next(iter(claim.conditions), "claiming")
        if parts.resting is None:
            return ClaimStatus(phase, withdrawal=parting)
        subnets = tuple(map(str, parts.resting.subnets))
        return ClaimStatus(phase, subnets=subnets, key=parts.resting.key.decode())
    return ClaimStatus(
        phase="held",
        held=True,
        subnets=tuple(map(str, lease.subnets)),
        key=lease.key.decode(),
        etcd_lease=f"{lease.etcd_lease:x}" if lease.etcd_lease else "",
        expires=session.deadline + boot_epoch if session.lease else None,
        how=claim.how,
        withdrawal=parting,
    )


def _uplink(uplink: Uplink | NoUplink) -> UplinkStatus | None:
    if isinstance(uplink, NoUplink):
        return None
    return UplinkStatus(
        interface=uplink.link.name,
        index=uplink.link.index,
        mtu=uplink.link.mtu,
        up=uplink.link.up,
        addresses=tuple(map(str, uplink.addresses)),
        networks=tuple(map(str, uplink.networks)),
        reason=uplink.reason,
    )


def _store(view: ViewState, endpoint: str, epoch: float) -> StoreStatus:
    return StoreStatus(
        connected=view.connected,
        endpoint=endpoint,
        cluster=f"{view.header.cluster:x}" if view.header else "",
        revision=view.header.revision if view.header else 0,
        entries=view.entries,
        relists=view.relists,
        watch_restarts=sum(view.restarts.values()),
        last_contact=view.contact + epoch if view.contact else None,
    )


def _peers(parts: Parts) -> PeersStatus:
    """Count and list in one pass: this is done whenever something changes."""
    counts: Counter[str] = Counter()
    troubled: list[PeerStatus] = []
    for peer, state, reason in peer_states(parts):
        counts[state] += 1
        if state not in WELL and len(troubled) < LISTED:
            troubled.append(_peer(peer, state, reason))
    count = counts.total()
    return PeersStatus(
        count, counts, Listed(count - sum(counts[state] for state in WELL), tuple(troubled))
    )


def _peer(peer: Peer, state: str, reason: str) -> PeerStatus:
    lease = peer.lease
    return PeerStatus(
        key=lease.key.decode(),
        node=lease.node,
        subnets=tuple(map(str, lease.subnets)),
        gateways=tuple(map(str, lease.gateways)),
        state=state,
        reason=reason,
    )

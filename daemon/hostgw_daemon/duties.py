"""What must lie on this host while it holds a lease: a pure function of lease, network and link."""

from __future__ import annotations

from dataclasses import dataclass

from hostgw_core.model import ClusterConfig, Lease
from hostgw_core.session import SessionState
from hostgw_core.store import Header
from hostgw_daemon.disk.memory import Memory, Moment, Renewal
from hostgw_daemon.disk.subnetfile import subnet_env
from hostgw_daemon.link.uplink import NoUplink, Uplink
from hostgw_daemon.routes.cluster import Understanding
from hostgw_daemon.routes.peers import PeerState
from hostgw_daemon.rules.ruleset import RulesetSpec
from hostgw_daemon.settings import Settings


@dataclass(frozen=True, slots=True)
class Duties:
    """The rules, the subnet file, and what to remember.

    `subnet_file` is None while the link, and with it the MTU, is not known: the old file stays.
    """

    rules: RulesetSpec
    subnet_file: bytes | None
    memory: Memory


def duties(
    settings: Settings,
    *,
    instance: str,
    lease: Lease,
    config: ClusterConfig,
    history: Header,
    renewal: Renewal | None,
    uplink: Uplink | NoUplink,
) -> Duties:
    """Give what must be."""
    subnets = lease.subnets
    return Duties(
        RulesetSpec.of(
            config,
            subnets,
            masquerade=settings.ip_masq,
            forward_rules=settings.iptables_forward_rules,
            random_fully=not settings.ip_masq_fully_random_disable,
        ),
        subnet_env(config, subnets, mtu=uplink.link.mtu, ipmasq=settings.ip_masq)
        if isinstance(uplink, Uplink)
        else None,
        Memory(subnets, lease.key.decode(), instance, history, renewal),
    )


def confirmed(session: SessionState, before: Renewal | None, now: Moment) -> Renewal | None:
    """Give when the store last confirmed our lease: by granting it, too, not by renewing alone.

    `before` is what was known of that; of a lease that was only adopted nothing is known yet. The
    session's moments are of CLOCK_BOOTTIME.
    """
    if not session.ttl:
        return before
    known = (before.at.boot_id, before.at.boottime) if before is not None else None
    if known == (now.boot_id, session.renewed):
        return before
    wall = now.wall - (now.boottime - session.renewed)
    return Renewal(Moment(now.boot_id, session.renewed, wall), session.ttl)


def resting(now: Understanding | None, renewal: Renewal | None, moment: Moment) -> Lease | None:
    """Give the lease that this node remembers, while the store has not answered since the start.

    Only as long as it is surely ours: nobody can have taken it before its last renewal has run out.
    """
    if now is None or now.roster is None or not now.headless or renewal is None:
        return None
    left = renewal.left(moment)
    if left is None or left <= 0:
        return None
    peers = now.roster.peers.values()
    return next((peer.lease for peer in peers if peer.state is PeerState.SELF), None)

"""What must lie on this host while it holds a lease: a pure function of lease, network and link."""

from __future__ import annotations

from dataclasses import dataclass

from hostgw_core.model import ClusterConfig, Lease, Subnets
from hostgw_core.session import SessionState
from hostgw_core.store import Header
from hostgw_daemon.cni.conflist import Attachment, Conflist, ConflistSpec, conflist
from hostgw_daemon.disk.memory import Memory, Moment, Renewal
from hostgw_daemon.disk.subnetfile import subnet_env
from hostgw_daemon.link.mtu import Mtu, container_mtu
from hostgw_daemon.link.uplink import NoUplink, Uplink
from hostgw_daemon.routes.peers import PeerState
from hostgw_daemon.routes.understanding import Understanding
from hostgw_daemon.rules.ruleset import RulesetSpec
from hostgw_daemon.settings import Settings


@dataclass(frozen=True, slots=True)
class Duties:
    """The rules, what to remember, and the two files that runtimes read.

    Both files are None while the link, and with it the MTU, is not known: the old ones stay. The
    conflist is None, too, where none is asked for.
    """

    rules: RulesetSpec
    memory: Memory
    mtu: Mtu | None = None
    subnet_file: bytes | None = None
    conflist: Conflist | None = None


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
    rules = RulesetSpec.of(
        config,
        subnets,
        masquerade=settings.ip_masq,
        forward_rules=settings.iptables_forward_rules,
        random_fully=not settings.ip_masq_fully_random_disable,
    )
    memory = Memory(subnets, lease.key.decode(), instance, history, renewal)
    if not isinstance(uplink, Uplink):
        return Duties(rules, memory)
    mtu = container_mtu(settings.mtu, uplink.link, config.families)
    used = Subnets(
        subnets.ipv4 if config.ipv4 is not None else None,
        subnets.ipv6 if config.ipv6 is not None else None,
    )
    return Duties(
        rules,
        memory,
        mtu,
        subnet_env(config, subnets, mtu=mtu.value, ipmasq=settings.ip_masq),
        _attachment(settings, used, mtu=mtu.value, uplink=uplink.link.name),
    )


def _attachment(settings: Settings, subnets: Subnets, *, mtu: int, uplink: str) -> Conflist | None:
    """Give the conflist, if one is asked for and there is a subnet to attach anything to."""
    if not settings.cni_conf or not any(subnets):
        return None
    return conflist(
        ConflistSpec(
            name=settings.cni_network,
            attachment=Attachment(settings.cni_attachment),
            subnets=subnets,
            mtu=mtu,
            bridge=settings.cni_bridge,
            uplink=uplink,
            chained=settings.cni_chain,
        )
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

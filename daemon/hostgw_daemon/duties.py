"""What must lie on this host while it holds a lease: a pure function of lease, network and link."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from hostgw_core.model import FAMILIES, ClusterConfig, Lease, Subnets
from hostgw_core.session import SessionState
from hostgw_core.store import Header
from hostgw_daemon.claim.state import ClaimState
from hostgw_daemon.cni.child import host_child
from hostgw_daemon.cni.conflist import Attachment, Conflist, ConflistSpec, conflist
from hostgw_daemon.disk.memory import Memory, Moment, Renewal
from hostgw_daemon.disk.subnetfile import subnet_env
from hostgw_daemon.kernel import Child, Link
from hostgw_daemon.link.mtu import Mtu, container_mtu
from hostgw_daemon.link.uplink import NoUplink, Uplink
from hostgw_daemon.routes.peers import PeerState
from hostgw_daemon.routes.understanding import Understanding
from hostgw_daemon.rules.ruleset import Elements, RulesetSpec
from hostgw_daemon.settings import Settings


@dataclass(frozen=True, slots=True)
class Duties:
    """The rules, what to remember, and what containers are attached by.

    The last is None while the link, and with it the MTU, is not known: what is there stays.
    """

    rules: RulesetSpec
    memory: Memory
    containers: Containers | None = None

    def after(self, before: Duties | None) -> Duties:
        """Give these, with what is there where the link is not known."""
        if before is None or self.containers is not None:
            return self
        return replace(self, containers=before.containers)


@dataclass(frozen=True, slots=True)
class Containers:
    """The MTU, the two files that runtimes read, and the host's own child of the uplink.

    Without a conflist there is no child either: whoever writes one by hand makes it by hand.
    """

    mtu: Mtu
    subnet_file: bytes
    conflist: Conflist | None = None
    child: Child | None = None


def duties(
    settings: Settings,
    *,
    instance: str,
    lease: Lease,
    config: ClusterConfig,
    history: Header,
    renewal: Renewal | None,
    uplink: Uplink | NoUplink,
    nodes: Elements | None = None,
) -> Duties:
    """Give what must be; `nodes` are those to whom pods speak with their own address."""
    subnets = lease.subnets
    rules = RulesetSpec.of(
        config,
        subnets,
        masquerade=settings.ip_masq,
        forward_rules=settings.iptables_forward_rules,
        random_fully=not settings.ip_masq_fully_random_disable,
        nodes=nodes,
        unmasqueraded=settings.non_masquerade_cidr,
    )
    memory = Memory(subnets, lease.key.decode(), instance, history, renewal)
    if not isinstance(uplink, Uplink):
        return Duties(rules, memory)
    return Duties(rules, memory, _containers(settings, subnets, config=config, link=uplink.link))


def _containers(
    settings: Settings, subnets: Subnets, *, config: ClusterConfig, link: Link
) -> Containers:
    """Give what containers are attached by; a family needs the network and the lease."""
    mtu = container_mtu(settings.mtu, link, config.families)
    subnet_file = subnet_env(config, subnets, mtu=mtu.value, ipmasq=settings.ip_masq)
    used = Subnets(
        subnets.ipv4 if config.ipv4 is not None else None,
        subnets.ipv6 if config.ipv6 is not None else None,
    )
    if not settings.cni_conf or not any(used):
        return Containers(mtu, subnet_file)
    attachment = Attachment(settings.cni_attachment)
    spec = ConflistSpec(
        name=settings.cni_network,
        attachment=attachment,
        subnets=used,
        mtu=mtu.value,
        bridge=settings.cni_bridge,
        uplink=link.name,
        chained=settings.cni_chain,
    )
    child = None
    if attachment.on_uplink:
        child = host_child(attachment, parent=link.index, subnets=used, mtu=mtu.value)
    return Containers(mtu, subnet_file, conflist(spec), child)


def rules_for(duties: Sequence[Duties]) -> RulesetSpec | None:
    """Give the rules of several networks, in one table: a host has one; None for no network.

    They differ in their networks alone. A node that is no member of all of them may not know the
    way back to the pods of each, and counts as outside.
    """
    specs = [each.rules for each in duties]
    if len(specs) < 2:
        return specs[0] if specs else None
    each = [spec.nodes for spec in specs if spec.nodes is not None]
    return replace(
        specs[0],
        networks=tuple(network for spec in specs for network in spec.networks),
        own=tuple(subnet for spec in specs for subnet in spec.own),
        nodes={
            family: frozenset.intersection(*(nodes.get(family, frozenset()) for nodes in each))
            for family in FAMILIES
        }
        if each
        else None,
    )


def child_for(duties: Sequence[Duties]) -> Child | None:
    """Give the host's own child of the uplink, which is in the subnets of all networks."""
    known = [each.containers.child for each in duties if each.containers is not None]
    children = [child for child in known if child is not None]
    if not children:
        return None
    return replace(
        children[0],
        mtu=max(child.mtu for child in children),
        addresses=frozenset(address for child in children for address in child.addresses),
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


def inhabited(state: ClaimState, rests_on: Lease | None, remembered: Subnets) -> Subnets:
    """Give the subnets that this host's containers are in: those that we hold, or held last.

    A lease that is lost, or unsure after a start, moves no container: mostly it is ours again in a
    moment. Who has left on purpose is in none. `rests_on` is what `resting` gives.
    """
    if state.drained:
        return Subnets()
    lease = state.lease or rests_on
    if lease is not None:
        return lease.subnets
    return state.lost if any(state.lost) else remembered


def resting(
    now: Understanding | None, renewal: Renewal | None, moment: Moment, *, decided: bool
) -> Lease | None:
    """Give the lease that a node goes by before the claim has `decided` anything since the start.

    While the store is away that is the one which it remembers; then, for the moment that the claim
    takes, its own in the store, or a node that was ready would not be for that moment. Only as long
    as it is surely ours: nobody can have taken it before its last renewal has run out.
    """
    if now is None or now.roster is None or decided or renewal is None:
        return None
    left = renewal.left(moment)
    if left is None or left <= 0:
        return None
    peers = now.roster.peers.values()
    return next((peer.lease for peer in peers if peer.state is PeerState.SELF), None)

"""Looks at what a daemon would need, with its settings, where it would run; nothing is changed.

That routes of our protocol can be written is tried with the deletion of one that is not there: the
kernel refuses it for want of a right, or for want of the route.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from hostgw_core.etcd import Etcd, EtcdSettings
from hostgw_core.health import Severity
from hostgw_core.keys import Keys
from hostgw_core.model import FAMILIES, ClusterConfig, Refusal, Subnets
from hostgw_core.network import config_of
from hostgw_core.store import Entry, Header, Span, StoreError
from hostgw_core.view import Snapshot
from hostgw_daemon.circumstances import circumstances
from hostgw_daemon.cni.plugins import missing, sentence
from hostgw_daemon.host.findings import findings
from hostgw_daemon.host.survey import Survey
from hostgw_daemon.host.sysctls import Sysctls
from hostgw_daemon.kernel import PROTOCOL, Route, Verb, Write
from hostgw_daemon.kernel import Verdict as Answered
from hostgw_daemon.link.uplink import NoUplink, Uplink, choose
from hostgw_daemon.lock import holder
from hostgw_daemon.netlink.host import HostReader
from hostgw_daemon.netlink.inspector import Inspector
from hostgw_daemon.netlink.routes import NetlinkKernel
from hostgw_daemon.opening import left_by_flannel, uplink_rule
from hostgw_daemon.preflight.verdict import Verdict, of_host
from hostgw_daemon.routes.understanding import Understanding
from hostgw_daemon.settings import Settings

NOWHERE: Final = Route(bytes((192, 0, 2, 255)), 32, (1 << 32) - 1, b"", 0)
"""A route that nobody has: to an address of documentation (RFC 5737), with the last metric."""

EARLIEST: Final = 1_767_225_600
"""2026-01-01, in seconds since the epoch: no clock that is right shows less."""

ERROR, WARNING, NOTICE = Severity.ERROR, Severity.WARNING, Severity.NOTICE


async def inspect(settings: Settings, environ: Mapping[str, str]) -> list[Verdict]:
    """Look at everything. What cannot be asked is a verdict, too; it never raises for that."""
    configs, of_store = await store(settings)
    uplink, of_link = link(settings, configs)
    return [
        *kernel(),
        lock(),
        *programs(settings),
        clock(time.time()),
        *of_store,
        *of_link,
        *host(uplink, configs, own(settings), environ),
    ]


def own(settings: Settings) -> tuple[Subnets, ...]:
    """Give the subnets of this host's pods, as a daemon that ran here has written them."""
    return tuple(left_by_flannel(Path(each.subnet_file)) for each in settings.served.values())


def kernel() -> Iterator[Verdict]:
    """Tell whether routes of our protocol can be written here."""
    try:
        with NetlinkKernel.open() as asked:
            count = sum(len(asked.routes(family)) for family in FAMILIES)
            (answer,) = asked.write([Write(Verb.DELETE, NOWHERE)])
    except OSError as error:
        cure = "allow netlink sockets to this process (AF_NETLINK)"
        yield Verdict("kernel", f"it cannot be asked for its routes: {error}", ERROR, cure)
        return
    if answer.verdict in (Answered.GONE, Answered.DELETED):
        there = f"{count} of them are there" if count else "none are there"
        yield Verdict("kernel", f"routes of protocol {PROTOCOL} can be written; {there}")
    else:
        cure = "run it as root, or with the capability CAP_NET_ADMIN in this network namespace"
        said = f"routes of protocol {PROTOCOL} cannot be written: {answer.message}"
        yield Verdict("kernel", said, ERROR, cure)


def lock() -> Verdict:
    """Tell whether another daemon runs in this network namespace."""
    pid = holder()
    if pid is None:
        return Verdict("lock", "no hostgwd runs in this network namespace")
    who = f"process {pid}" if pid else "a process that cannot be seen from here"
    cure = "`hostgwctl check` asks the one that runs"
    return Verdict("lock", f"a hostgwd runs here already: {who}", NOTICE, cure)


def programs(settings: Settings) -> Iterator[Verdict]:
    """Tell whether the programs that the settings need are installed."""
    needs = {
        "nft": settings.ip_masq or settings.iptables_forward_rules,
        "iptables": settings.iptables_forward_rules,
    }
    for name, needed in needs.items():
        if not needed:
            continue
        path = shutil.which(name)
        if path is not None:
            yield Verdict("programs", f"{name} is {path}")
        elif name == "nft":
            cure = "install nftables, or set --ip-masq=false and --iptables-forward-rules=false"
            yield Verdict("programs", "there is no nft, which writes our rules", ERROR, cure)
        else:
            cure = "install iptables if another program sets its FORWARD policy to DROP"
            yield Verdict("programs", "there is no iptables", NOTICE, cure)
    if settings.cni_conf:
        named = (settings.cni_attachment, "host-local", *settings.cni_chain)
        why = sentence(missing(named, settings.cni_bin_dir), settings.cni_bin_dir)
        if why:
            said, _, cure = why.partition(": ")
            yield Verdict("cni", said, WARNING, cure)
        else:
            yield Verdict("cni", f"the plugins {', '.join(named)} are there")


def clock(now: float) -> Verdict:
    """Tell whether the clock can be right; certificates go by it, leases do not."""
    shown = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(now))
    if now < EARLIEST:
        cure = "set it, and keep it right with NTP"
        return Verdict("clock", f"it shows {shown}, which is past", ERROR, cure)
    return Verdict("clock", f"it shows {shown}")


async def store(settings: Settings) -> tuple[list[ClusterConfig], list[Verdict]]:
    """Reach the store with these settings, and read the configuration of each network there."""
    where = settings.etcd_discovery_srv or ", ".join(settings.etcd_endpoints)
    keys = [Keys(each.etcd_prefix).config for each in settings.served.values()]
    try:
        async with Etcd(EtcdSettings.of(settings)) as etcd:
            listing = await etcd.list(*map(Span, keys))
            try:
                version = (await etcd.room()).version
            except StoreError:
                version = "an etcd that does not tell this user its version"
    except StoreError as error:
        cure = "correct --etcd-endpoints and the credentials, or start etcd"
        return [], [Verdict("etcd", f"{where}: {error}", ERROR, cure)]
    entries = {entry.key: entry for entry in listing.entries}
    read = [network(key, entries.get(key)) for key in keys]
    configs = [config for config, _ in read if config is not None]
    found = [Verdict("etcd", f"{version} answers at {where}"), *(verdict for _, verdict in read)]
    return configs, found


def network(key: bytes, entry: Entry | None) -> tuple[ClusterConfig | None, Verdict]:
    """Read a network's configuration."""
    name = key.decode()
    if entry is None:
        cure = "write one with `hostgwctl config set`"
        return None, Verdict("network", f"there is no configuration at {name}", ERROR, cure)
    read = config_of(entry)
    if isinstance(read, Refusal):
        cure = "`hostgwctl config validate` says all that is wrong with it"
        return None, Verdict("network", read.detail, ERROR, cure)
    pools = " and ".join(str(pool) for pool in read.networks)
    return read, Verdict("network", f"{pools}, at {name}")


def link(
    settings: Settings, configs: Iterable[ClusterConfig]
) -> tuple[Uplink | NoUplink, list[Verdict]]:
    """Choose the interface that would lead to the other nodes."""
    rule = uplink_rule(settings)
    used = {family for config in configs for family in config.families}
    families = tuple(family for family in FAMILIES if family in used) or (4,)
    reach = [rule.can_reach] if rule.can_reach is not None else []
    try:
        with HostReader.open() as reader:
            chosen = choose(reader.look(reach), rule, families=families)
    except OSError as error:
        chosen = NoUplink(f"the host's links cannot be read: {error}")
    cure = "name it with --iface, or give it an address"
    if isinstance(chosen, NoUplink):
        return chosen, [Verdict("link", chosen.reason, ERROR, cure)]
    said = f"{chosen.reason}; {chosen.addresses}, MTU {chosen.link.mtu}"
    if not chosen.up:
        return chosen, [Verdict("link", f"{said}; it is down", ERROR, "set it up")]
    if not chosen.carries:
        return chosen, [Verdict("link", f"{said}; no carrier", ERROR, "look at its cable")]
    if chosen.lacks:
        return chosen, [Verdict("link", f"{said}; {chosen.lacks}", WARNING, cure)]
    return chosen, [Verdict("link", said)]


def host(
    uplink: Uplink | NoUplink,
    configs: Iterable[ClusterConfig],
    subnets: Iterable[Subnets],
    environ: Mapping[str, str],
) -> Iterator[Verdict]:
    """Find what on this host would lose packets; `subnets` are those of its own pods, if any."""
    unread = Snapshot(Header(0, 0, 0), {})
    ours = Understanding(unread, None)
    known = [
        *((Understanding(unread, config), None, Subnets()) for config in configs),
        *((ours, None, each) for each in subnets),
    ]
    try:
        with Inspector.open() as inspector:
            survey = Survey(inspector, Sysctls(), environ=environ)
            found = findings(survey.read(circumstances(uplink, *known)))
    except OSError as error:
        yield Verdict("host", f"it cannot be read: {error}", WARNING, "see why that is refused")
        return
    yield from map(of_host, found)
    if not found:
        yield Verdict("host", "nothing on it would lose packets, as far as can be seen")

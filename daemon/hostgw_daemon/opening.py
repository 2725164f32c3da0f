"""From settings, and from what lies on this host, to the values that the parts are opened with."""

from __future__ import annotations

import os
import time
from pathlib import Path
from uuid import uuid4

from hostgw_core import __version__
from hostgw_core.keys import Keys
from hostgw_core.model import Subnets
from hostgw_core.store import Store
from hostgw_daemon.claim.sight import Me
from hostgw_daemon.disk.files import read_if_there
from hostgw_daemon.disk.memory import Moment
from hostgw_daemon.disk.subnetfile import parse_subnet_env
from hostgw_daemon.link.uplink import UplinkRule
from hostgw_daemon.routes.holds import Patience
from hostgw_daemon.rules.masquerade import AUDIT
from hostgw_daemon.settings import Settings, describe
from hostgw_daemon.told.account import Self
from hostgw_daemon.told.endpoints import Reach
from hostgw_daemon.told.listen import Place, Tcp, Unix
from hostgw_daemon.told.status import SettingStatus
from hostgw_daemon.told.tls import Tls

PATIENCE = 0.25
"""Seconds that the store has to answer at the start, before a node goes by what it remembers."""

LET_GO = 1.0
"""Seconds that the others get, beyond the grace of removals, to let go of a node that leaves."""

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def boottime() -> float:
    """Give the seconds since boot, those asleep included: the clock of leases."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def moment(boot_id: str) -> Moment:
    """Give the moment that is now."""
    return Moment(boot_id, boottime(), time.time())


def myself(settings: Settings, *, node: str, node_id: str) -> Self:
    """Give what does not change while this process runs."""
    return Self(
        version=__version__,
        node=node,
        node_id=node_id,
        instance=uuid4().hex,
        boot_id=_BOOT_ID.read_text(encoding="ascii").strip(),
        pid=os.getpid(),
        started=time.time(),
        epoch=time.time() - time.monotonic(),
        boot_epoch=time.time() - boottime(),
        settings=tuple(SettingStatus(*row) for row in describe(settings)),
    )


def uplink_rule(settings: Settings) -> UplinkRule:
    """Give how the interface is to be chosen."""
    return UplinkRule(
        ifaces=settings.iface,
        regexes=settings.iface_regex,
        can_reach=settings.iface_can_reach,
        cidrs=settings.iface_cidr,
        skip=settings.iface_skip,
        public_ip=settings.public_ip,
        public_ipv6=settings.public_ipv6,
        via6=settings.ipv4_via_ipv6,
    )


def claims_as(settings: Settings, me: Self, *, former: str) -> Me:
    """Give who claims; `former` is the instance that ran here before."""
    via6 = settings.ipv4_via_ipv6
    return Me(me.node_id, me.node, me.instance, former=former, via6=via6)


def patience(settings: Settings) -> Patience:
    """Give how long removals wait."""
    return Patience(settings.removal_grace, settings.removal_hold)


async def present(store: Store, keys: Keys) -> frozenset[str]:
    """Read the ids of all nodes that are present. Raise StoreError."""
    listing = await store.list(keys.nodes)
    found = (keys.node_of(entry.key) for entry in listing.entries)
    return frozenset(node for node in found if isinstance(node, str))


def rules_audit(settings: Settings) -> float:
    """Give the seconds between two looks at our rules that nobody asked for.

    flannel's --iptables-resync is that, for who has set it. Its default of 5 s would cost more than
    all else that an idle daemon does, and a change of the rules is heard anyway.
    """
    asked_for = settings.provenance["iptables-resync"].given
    return float(settings.iptables_resync) if asked_for else AUDIT


def left_by_flannel(subnet_file: Path) -> Subnets:
    """Give the subnets that the subnet file names, none where there is no such file."""
    try:
        return parse_subnet_env(read_if_there(subnet_file) or b"")
    except OSError:
        return Subnets()  # it cannot be read; writing it will say why


def places(settings: Settings) -> tuple[Place, ...]:
    """Give where health, metrics and status are served."""
    found: list[Place] = [Unix(Path(settings.run_dir) / "hostgwd.sock")]
    if settings.http_address is not None:
        found.append(Tcp(settings.http_address, tls=_tls(settings)))
    if settings.healthz is not None:
        found.append(Tcp(settings.healthz, Reach.HEALTH))
    return tuple(found)


def _tls(settings: Settings) -> Tls | None:
    if not settings.http_certfile:
        return None
    return Tls(settings.http_certfile, settings.http_keyfile, settings.http_cafile)

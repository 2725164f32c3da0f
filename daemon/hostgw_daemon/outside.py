"""Everything that the agent holds of the outside world: opened together, closed in turn."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from hostgw_core.etcd import Etcd, EtcdSettings
from hostgw_daemon.netlink.children import Children
from hostgw_daemon.netlink.conntrack import Conntrack
from hostgw_daemon.netlink.host import HostReader
from hostgw_daemon.netlink.inspector import Inspector
from hostgw_daemon.netlink.managed import ManagedNeighbours
from hostgw_daemon.netlink.monitor import Monitor
from hostgw_daemon.netlink.neighbours import Neighbours
from hostgw_daemon.netlink.routes import NetlinkKernel
from hostgw_daemon.rules.firewall import NftFirewall
from hostgw_daemon.settings import Settings
from hostgw_daemon.told.herald import Herald


@dataclass(frozen=True, slots=True)
class Outside:
    """The kernel by its subjects, each with a socket of its own, and the store."""

    kernel: NetlinkKernel
    monitor: Monitor
    host: HostReader
    inspector: Inspector
    neighbours: Neighbours
    managed: ManagedNeighbours
    children: Children
    firewall: NftFirewall
    conntrack: Conntrack
    store: Etcd


@asynccontextmanager
async def outside(settings: Settings, *, observer: Herald) -> AsyncIterator[Outside]:
    """Open it all. Raise OSError."""
    with (
        NetlinkKernel.open() as kernel,
        Monitor.open(echo_of=kernel.port_id) as monitor,
        HostReader.open() as host,
        Inspector.open() as inspector,
        Neighbours.open() as neighbours,
        ManagedNeighbours.open() as managed,
        Children.open() as children,
        NftFirewall() as firewall,
        Conntrack.open() as conntrack,
    ):
        async with Etcd(EtcdSettings.of(settings), observer=observer) as store:
            yield Outside(
                kernel=kernel,
                monitor=monitor,
                host=host,
                inspector=inspector,
                neighbours=neighbours,
                managed=managed,
                children=children,
                firewall=firewall,
                conntrack=conntrack,
                store=store,
            )

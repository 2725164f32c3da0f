"""One suite for two kernels: the one in memory, and the one that this machine runs."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address, ip_network

import pytest

from hostgw_core.model import Family
from hostgw_daemon.kernel import MAIN_TABLE, PROTOCOL
from hostgw_daemon.netlink.routes import NetlinkKernel
from support.fake_kernel import FakeKernel
from support.form_contract import FormContract
from support.kernel_contract import KernelContract
from support.kernel_world import BOOT, IPV4, IPV6, Ours
from support.netns_fixtures import Underlay
from support.witness_routes import WitnessRoutes


@dataclass
class FakeWorld:
    """The kernel in memory; its witness looks at what is held, past the port."""

    kernel: FakeKernel
    link: int

    def add(self, prefix, gateway, *, protocol=BOOT, metric=None, table=MAIN_TABLE):
        """Add somebody else's route."""
        how = {"link": self.link, "protocol": protocol, "metric": metric, "table": table}
        self.kernel.add(prefix, gateway, **how)

    def link_down(self):
        """Take the link down."""
        self.kernel.link_down(self.link)

    def ours(self, family: Family, *, table: int = MAIN_TABLE) -> Ours:
        """Look at what is held."""
        return {
            (f"{ip_address(key[0])}/{key[1]}", str(ip_address(held.gateway)), key[2])
            for key, several in self.kernel.held.items()
            for held in several
            if held.protocol == PROTOCOL
            and key[3] == table
            and len(key[0]) == (4 if family == 4 else 16)
        }

    def others(self, prefix: str) -> set[tuple[str, int]]:
        """Look at what is held by others."""
        network = ip_network(prefix)
        wanted = (network.network_address.packed, network.prefixlen)
        return {
            (str(ip_address(held.gateway)), key[2])
            for key, several in self.kernel.held.items()
            for held in several
            if held.protocol != PROTOCOL and key[:2] == wanted
        }


@dataclass
class RealWorld:
    """The kernel of this machine, in a namespace, judged by `ip -json`."""

    kernel: NetlinkKernel
    underlay: Underlay
    witness: WitnessRoutes

    @property
    def link(self) -> int:
        """The underlay's index."""
        return self.underlay.link

    def add(self, prefix, gateway, *, protocol=BOOT, metric=None, table=MAIN_TABLE):
        """Add somebody else's route with `ip`."""
        named = ["table", str(table)] + ([] if metric is None else ["metric", str(metric)])
        how = ["via", gateway, "dev", "u0", "proto", str(protocol), *named]
        self.underlay.netns.ip("route", "add", prefix, *how)

    def link_down(self):
        """Take the link down with `ip`."""
        self.underlay.netns.ip("link", "set", "u0", "down")

    def ours(self, family: Family, *, table: int = MAIN_TABLE) -> Ours:
        """Ask `ip`."""
        return self.witness.ours(family, table=table)

    def others(self, prefix: str) -> set[tuple[str, int]]:
        """Ask `ip`."""
        return {
            (route.gateway, route.metric)
            for route in self.witness.routes(ip_network(prefix).version)
            if route.dst == prefix and route.protocol not in {"104", "hostgw"}
        }


class TestFakeKernel(KernelContract, FormContract):
    """The fake answers as the kernel does."""

    @pytest.fixture
    def world(self, fake_kernel):
        """Give the kernel in memory."""
        fake_kernel.addresses = {ip_address(own).packed for own in (IPV4.own, IPV6.own)}
        return FakeWorld(fake_kernel, 2)


@pytest.mark.root
class TestRealKernel(KernelContract, FormContract):
    """The kernel answers as the port says."""

    @pytest.fixture
    def world(self, kernel, underlay, witness):
        """Give the real kernel."""
        return RealWorld(kernel, underlay, witness)

"""Fixtures of network namespaces, and of kernels in them, real and fake.

Everything lives in namespaces with names of their own (`hgt-` and random), which are gone after the
test. A socket belongs to the namespace in which it was made: open it inside `netns.enter()`, use it
anywhere.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from ipaddress import ip_address, ip_network

import pytest

from hostgw_cli.lab.netns import Namespace, bridge, run_here, veth
from hostgw_daemon.kernel import Route
from hostgw_daemon.netlink.routes import NetlinkKernel
from support.fake_kernel import FakeKernel
from support.witness_routes import WitnessRoutes

MakeNamespace = Callable[[], Namespace]


@dataclass(frozen=True)
class Underlay:
    """A namespace with one link, `u0`, on 172.16.0.0/16 and fd00::/64; its other end is `u1`.

    Both ends are in the same namespace, so one command takes the carrier away.
    """

    netns: Namespace
    link: int

    def route(
        self, prefix: str, gateway: str, *, metric: int = 2000, link: int = 0, table: int = 254
    ) -> Route:
        """Write a route through the underlay the short way."""
        network = ip_network(prefix)
        return Route(
            network.network_address.packed,
            network.prefixlen,
            metric,
            ip_address(gateway).packed,
            link or self.link,
            table,
        )


@dataclass(frozen=True)
class Lan:
    """Hosts that share one layer-2 network through a bridge in a switch namespace.

    Host n (from 1) has 192.168.50.n/24 and fd50::n/64 on its `eth0`.
    """

    switch: Namespace
    hosts: tuple[Namespace, ...]


def offers_vrf() -> bool:
    """Try whether this kernel makes VRF devices, in the current namespace, as `ip` sees it."""
    made = run_here(["ip", "link", "add", "hgt-vrf", "type", "vrf", "table", "9"], check=False)
    if made.returncode == 0:
        run_here(["ip", "link", "del", "hgt-vrf"])
    return made.returncode == 0


@pytest.fixture
def make_netns() -> Iterator[MakeNamespace]:
    """Make namespaces that end with the test."""
    with ExitStack() as ends:

        def make() -> Namespace:
            made = Namespace.create(f"hgt-{secrets.token_hex(4)}")
            ends.callback(made.delete)
            return made

        yield make


@pytest.fixture
def netns(make_netns: MakeNamespace) -> Namespace:
    """Make one empty namespace."""
    return make_netns()


@pytest.fixture
def underlay(netns: Namespace) -> Underlay:
    """Make a namespace with a link as a host has it."""
    veth(netns, "u0", netns, "u1")
    netns.ip("address", "add", "172.16.0.1/16", "dev", "u0")
    netns.ip("address", "add", "fd00::1/64", "dev", "u0", "nodad")
    return Underlay(netns, int(netns.ip_json("link", "show", "u0")[0]["ifindex"]))


@pytest.fixture
def lan(make_netns: MakeNamespace) -> Callable[[int], Lan]:
    """Make a network of n hosts."""

    def make(count: int) -> Lan:
        switch = make_netns()
        bridge(switch, "br0")
        hosts = []
        for number in range(1, count + 1):
            host = make_netns()
            veth(switch, f"port{number}", host, "eth0")
            switch.ip("link", "set", f"port{number}", "master", "br0")
            host.ip("address", "add", f"192.168.50.{number}/24", "dev", "eth0")
            host.ip("address", "add", f"fd50::{number:x}/64", "dev", "eth0", "nodad")
            hosts.append(host)
        return Lan(switch, tuple(hosts))

    return make


@pytest.fixture
def kernel(underlay: Underlay) -> Iterator[NetlinkKernel]:
    """Open the netlink adapter in the underlay's namespace."""
    with underlay.netns.enter():
        adapter = NetlinkKernel.open()
    with adapter:
        yield adapter


@pytest.fixture
def witness(underlay: Underlay) -> WitnessRoutes:
    """Tell what `ip -json` says about the underlay's namespace."""
    return WitnessRoutes(underlay.netns.name)


@pytest.fixture
def fake_kernel() -> Iterator[FakeKernel]:
    """Make a kernel in memory, with one link (index 2) on 172.16.0.0/16 and fd00::/64.

    A fault that was planted and never met fails the test at its end.
    """
    kernel = FakeKernel({2: ["172.16.0.0/16", "fd00::/64"]})
    yield kernel
    kernel.faults.assert_all_hit()

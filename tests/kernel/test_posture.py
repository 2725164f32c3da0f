"""What a node says of itself, read from a real kernel."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest

from hostgw_cli.lab.netns import bridge
from hostgw_core.model import Addresses, IPAddress
from hostgw_daemon.host.sysctls import Sysctls
from hostgw_daemon.kernel import Leg
from hostgw_daemon.link.uplink import Uplink
from hostgw_daemon.netlink.host import HostReader
from hostgw_daemon.probe.datagram import Report
from hostgw_daemon.probe.posture import Posture
from hostgw_daemon.probe.target import Target
from support.netns_fixtures import Lan

pytestmark = pytest.mark.root

OURS = {"10.5.1.1": True, "10.5.1.2": False, "10.5.2.1": False, "fd05::1": True, "fd05::2": False}


class NoWays:
    """A kernel that has a way to nowhere."""

    def hop(self, to: IPAddress, source: IPAddress | None = None) -> Leg | None:
        """Give none."""
        raise OSError(f"no way to {to}")

    def table(self, to: IPAddress, source: IPAddress) -> int:
        """Give none."""
        raise OSError(f"no way from {source} to {to}")


def test_an_address_is_ours_if_the_kernel_says_so(lan: Callable[[int], Lan]):
    """Also where any address may be bound, as load balancers have it; and while it is there."""
    host = lan(1).hosts[0]
    bridge(host, "cni0", address="10.5.1.1/24")
    host.ip("address", "add", "fd05::1/64", "dev", "cni0", "nodad")
    with host.enter(), HostReader.open() as reader:
        posture = Posture(reader, uplink=lambda: None, sysctl=Sysctls().read, clock=lambda: 0.0)
        for bound in (0, 1):
            for family in ("ipv4", "ipv6"):
                Path(f"/proc/sys/net/{family}/ip_nonlocal_bind").write_text(str(bound))
            assert {each: posture.here(ip_address(each)) for each in OURS} == OURS
        host.ip("link", "delete", "cni0")
        assert not any(posture.here(ip_address(each)) for each in OURS)


def test_it_has_a_way_back_if_its_kernel_would_answer_through_the_asker(lan: Callable[[int], Lan]):
    """Not if a default route by the same link would take the answers to a router."""
    host = lan(2).hosts[0]
    bridge(host, "cni0", address="10.5.1.1/24")
    with host.enter(), HostReader.open() as reader:
        (link,) = [link for link in reader.look().links if link.name == "eth0"]
        uplink = Uplink(link, Addresses(), (), "it is")
        for name in ("all", "eth0"):
            Path(f"/proc/sys/net/ipv4/conf/{name}/rp_filter").write_text("1")
        asker = Target("id", *map(ip_address, ("192.168.50.2", "10.5.2.1", "10.5.1.1")))

        def says(about: str = "10.5.1.1", who: Target | None = asker) -> Report:
            posture = Posture(
                reader, uplink=lambda: uplink, sysctl=Sysctls().read, clock=lambda: 0.0
            )
            return posture(who, ip_address(about)) & ~Report.FORWARDS

        assert says() == Report.GATEWAY | Report.STRICT
        host.ip("route", "add", "default", "via", "192.168.50.9")
        assert says() == Report.GATEWAY
        host.ip("route", "add", "10.5.2.0/24", "via", "192.168.50.2")
        assert says() == Report.GATEWAY | Report.WAY_BACK
        assert says("10.6.1.1") == Report.WAY_BACK
        assert says(who=None) == Report.GATEWAY
        host.ip("route", "replace", "unreachable", "10.5.2.0/24")
        assert says() == Report.GATEWAY | Report.STRICT


CASES = {
    "from": ("-4", "10.5.%d", "24", "192.168.50.%d", "from 10.5.0.0/16"),
    "to": ("-4", "10.5.%d", "24", "192.168.50.%d", "to 10.5.0.0/16"),
    "from, IPv6": ("-6", "fd05:0:0:%d:", "64", "fd50::%d", "from fd05::/16"),
    "to, IPv6": ("-6", "fd05:0:0:%d:", "64", "fd50::%d", "to fd05::/16"),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_a_question_leads_to_a_peer_if_a_rule_sends_it_to_our_table(
    lan: Callable[[int], Lan], case: tuple[str, str, str, str, str]
):
    """One that knows pods' packets by their link does not; with the main table none is needed."""
    family, pods, length, hosts, rule = case
    dot, host = ":" if family == "-6" else ".", lan(2).hosts[0]
    ours, theirs = pods % 1 + f"{dot}1", pods % 2 + f"{dot}1"
    host.ip("link", "add", "cni0", "type", "bridge")
    host.ip("address", "add", f"{ours}/{length}", "dev", "cni0", *(["nodad"] * (family == "-6")))
    host.ip("link", "set", "cni0", "up")
    peer = Target("id", *map(ip_address, (hosts % 2, theirs, ours)))
    with host.enter(), HostReader.open() as reader:

        def leads(table: int) -> bool:
            posture = Posture(
                reader, uplink=lambda: None, sysctl=Sysctls().read, clock=lambda: 0.0, table=table
            )
            return posture.leads(peer)

        network = f"{pods % 2}{':' if family == '-6' else '.0'}/{length}"
        host.ip(family, "route", "add", network, "via", hosts % 2, "table", "1000")
        assert (leads(254), leads(1000)) == (True, False)
        host.ip(family, "route", "add", "default", "via", hosts % 9)
        host.ip(family, "rule", "add", "iif", "cni0", "lookup", "1000")
        assert (leads(254), leads(1000)) == (True, False)
        host.ip(family, "rule", "add", *rule.split(), "lookup", "1000")
        assert leads(1000)
        host.ip("link", "delete", "cni0")
        assert not leads(254)


def test_a_host_says_whose_packets_its_firewall_drops():
    """Of the network that it is asked about, and of no other."""
    posture = Posture(
        NoWays(),
        uplink=lambda: None,
        dropped=lambda: [ip_network("10.5.0.0/16")],
        sysctl=lambda _path: None,
        clock=lambda: 0.0,
    )
    for about, dropped in (("10.5.1.1", True), ("10.6.1.1", False), ("fd05::1", False)):
        assert bool(posture(None, ip_address(about)) & Report.DROPS) == dropped


def test_a_host_forwards_if_its_link_does(lan: Callable[[int], Lan]):
    """The switch of the link alone decides, in IPv4."""
    host = lan(1).hosts[0]
    with host.enter(), HostReader.open() as reader:
        (link,) = [link for link in reader.look().links if link.name == "eth0"]
        uplink = Uplink(link, Addresses(), (), "it is")

        def forwards() -> bool:
            posture = Posture(
                reader, uplink=lambda: uplink, sysctl=Sysctls().read, clock=lambda: 0.0
            )
            return bool(posture(None, ip_address("10.5.1.1")) & Report.FORWARDS)

        Path("/proc/sys/net/ipv4/ip_forward").write_text("1")
        assert forwards()
        Path("/proc/sys/net/ipv4/conf/eth0/forwarding").write_text("0")
        assert not forwards()
        Path("/proc/sys/net/ipv4/ip_forward").write_text("0")
        assert not forwards()
        Path("/proc/sys/net/ipv4/conf/eth0/forwarding").write_text("1")
        assert forwards()  # what comes in by it is, whatever `all` says

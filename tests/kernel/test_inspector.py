"""What the check of the host asks of a real kernel, judged by what `ip` and sysctl(8) show."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_network

import pytest

from hostgw_cli.lab.netns import Namespace
from hostgw_daemon.kernel import KernelEvent, Overrun, SwitchesChanged
from hostgw_daemon.netlink.inspector import Inspector
from hostgw_daemon.netlink.monitor import Monitor
from hostgw_daemon.netlink.routes import NetlinkKernel
from hostgw_daemon.switches import ALL_LINKS, Switches
from support.netns_fixtures import Underlay
from support.waiting import eventually

pytestmark = pytest.mark.root

CLUSTER = (ip_network("10.5.0.0/16"), ip_network("fd05::/48"))


@pytest.fixture
def inspector(underlay: Underlay) -> Iterator[Inspector]:
    """Open it in the underlay's namespace."""
    with underlay.netns.enter():
        opened = Inspector.open()
    with opened:
        yield opened


def sysctl(netns: Namespace, *words: str) -> None:
    """Write sysctls."""
    netns.run("sysctl", "-qw", *words)


def test_switches_are_what_the_sysctls_say(underlay: Underlay, inspector: Inspector):
    """Of `all` and of each link, in both families; IPv6 has no rp_filter."""
    sysctl(underlay.netns, "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1")
    sysctl(underlay.netns, "net.ipv4.conf.all.rp_filter=0", "net.ipv4.conf.u0.rp_filter=2")
    seen = inspector.switches(4)
    assert seen[ALL_LINKS] == Switches(forwarding=True)
    assert seen[underlay.link] == Switches(forwarding=True, rp_filter=2)
    assert inspector.switches(6)[ALL_LINKS] == Switches(forwarding=True)
    sysctl(underlay.netns, "net.ipv4.ip_forward=0", "net.ipv4.conf.u0.forwarding=1")
    sysctl(underlay.netns, "net.ipv4.conf.all.rp_filter=1", "net.ipv6.conf.all.forwarding=0")
    seen = inspector.switches(4)
    assert seen[ALL_LINKS] == Switches(forwarding=False, rp_filter=1)
    assert seen[underlay.link] == Switches(forwarding=True, rp_filter=2)
    assert inspector.switches(6)[ALL_LINKS] == Switches(forwarding=False)


@pytest.mark.parametrize(("family", "name"), [(4, "arp_cache"), (6, "ndisc_cache")])
def test_the_neighbour_table_is_seen_from_every_namespace(
    underlay: Underlay, inspector: Inspector, family: int, name: str
):
    """Its thresholds are those that `ip ntable` shows, where no file of them is to be found."""
    netns = underlay.netns
    folder = "/proc/sys/net/ipv4/neigh/default"
    assert netns.run("test", "-e", f"{folder}/gc_thresh3", check=False).returncode != 0
    shown = netns.run("ip", "ntable", "show", "name", name).stdout.split()
    expected = tuple(int(shown[shown.index(f"thresh{n}") + 1]) for n in (1, 2, 3))
    table = inspector.neighbours(4 if family == 4 else 6)
    assert table is not None
    assert table.thresholds == expected
    before = table.entries
    for number in range(2, 42):
        address = f"172.16.0.{number}" if family == 4 else f"fd00::{number:x}"
        netns.ip("neigh", "add", address, "lladdr", "02:00:00:00:00:01", "dev", "u0")
    # Others' namespaces share the table: it may shrink there while it grows here.
    table = inspector.neighbours(4 if family == 4 else 6)
    assert table is not None
    assert table.entries > before


def test_routes_of_others_that_meet_a_network(underlay: Underlay, inspector: Inspector):
    """Inside, equal, around, the default one and a blackhole; not ours, not those beside."""
    netns = underlay.netns
    for words in (
        "default via 172.16.0.9",
        "10.0.0.0/8 via 172.16.0.9",
        "10.5.0.0/16 via 172.16.0.9 metric 7",
        "10.5.7.128/25 via 172.16.0.9 proto static",
        "blackhole 10.5.8.0/24",
        "10.5.9.0/24 via 172.16.0.9 proto 104",
        "10.6.0.0/16 via 172.16.0.9",
        "10.4.255.255/32 via 172.16.0.9",
        "10.5.10.0/24 via 172.16.0.9 table 100",
        "fd05:0:0:1::/64 via fd00::9",
        "fd05:0:1::/48 via fd00::9",
    ):
        netns.ip("route", "add", *words.split())
    seen = {
        str(ip_network((route.destination, route.length))) for route in inspector.foreign(CLUSTER)
    }
    assert seen == {
        *("0.0.0.0/0", "10.0.0.0/8", "10.5.0.0/16", "10.5.7.128/25", "10.5.8.0/24"),
        "fd05:0:0:1::/64",
    }
    (one,) = (r for r in inspector.foreign(CLUSTER[:1]) if r.length == 16)
    assert (one.metric, one.gateway, one.link) == (7, bytes([172, 16, 0, 9]), underlay.link)


def test_where_ipv6_is_off_no_route_of_it_is_seen(underlay: Underlay, inspector: Inspector):
    """The kernel then answers with another family's routes."""
    underlay.netns.ip("route", "add", "default", "via", "172.16.0.9")
    sysctl(underlay.netns, "net.ipv6.conf.all.disable_ipv6=1")
    assert list(inspector.foreign([ip_network("::/0")])) == []


@pytest.mark.parametrize(
    ("words", "links"),
    [
        ("net.ipv4.ip_forward=0", {ALL_LINKS, "u0"}),
        ("net.ipv4.conf.u0.forwarding=0", {"u0"}),
        ("net.ipv4.conf.u0.rp_filter=1", {"u0"}),
        ("net.ipv4.conf.all.rp_filter=1", {ALL_LINKS}),
        ("net.ipv6.conf.all.forwarding=0", {ALL_LINKS, "u0"}),
    ],
)
def test_a_sysctl_that_is_written_is_heard(
    underlay: Underlay, kernel: NetlinkKernel, words: str, links: set[object]
):
    """Of `all`, and of each link that it reaches; one that says what it said is not."""
    sysctl(underlay.netns, "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1")
    sysctl(underlay.netns, "net.ipv4.conf.all.rp_filter=0", "net.ipv4.conf.u0.rp_filter=0")
    with underlay.netns.enter():
        monitor = Monitor.open(echo_of=kernel.port_id)
    wanted = {underlay.link if link == "u0" else link for link in links}
    heard: list[KernelEvent] = []

    def all_heard() -> bool:
        heard.extend(monitor.read())
        seen = {event.link for event in heard if isinstance(event, SwitchesChanged)}
        assert seen >= wanted, heard
        return True

    with monitor:
        sysctl(underlay.netns, words)
        eventually(all_heard)
        assert not any(isinstance(event, Overrun) for event in heard)
        monitor.read()
        sysctl(underlay.netns, words)
        assert monitor.read() == []

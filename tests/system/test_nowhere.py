"""Packets for what no container has yet: where they end, with a real daemon and without.

peer (a daemon, sends) -- node (a daemon, forwards) -- exit (its default gateway)
"""

import pytest

from support.daemon import Daemon
from support.daemon_fixtures import Cluster
from support.fate import returned_by
from support.site import Host
from support.waiting import eventually

pytestmark = pytest.mark.root

METRIC = {"blackhole": 4000000006, "unreachable": 4000000007}


class Street:
    """The three hosts of both families, and what the node holds."""

    def __init__(self, cluster: Cluster) -> None:
        # Only one of each: more would have to be told apart from the hosts' own networks.
        cluster.configure(EnableIPv6=True, IPv6Network="fd77::/48")
        self.exit = self._host(cluster)
        self.way_out = (self.exit.address, _v6(self.exit))
        self.node = cluster.daemon(self._host(cluster))
        self.peer = cluster.daemon(self._host(cluster))
        for host in (self.node.host, self.peer.host):
            host.ip("route", "replace", "default", "via", self.way_out[0])
            host.ip("-6", "route", "replace", "default", "via", self.way_out[1], "dev", "eth0")
        self.exit.ip("route", "del", "default")

    def _host(self, cluster: Cluster) -> Host:
        host = cluster.host()
        host.namespace.run("sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=0")
        host.ip("address", "add", f"{_v6(host)}/64", "dev", "eth0", "nodad")
        host.namespace.run(
            *("sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1"),
            # Every packet is to be answered, however many there are, and by the one that had it.
            *("net.ipv4.icmp_ratelimit=0", "net.ipv6.icmp.ratelimit=0"),
            *("net.ipv4.conf.all.send_redirects=0", "net.ipv4.conf.eth0.send_redirects=0"),
        )
        return host

    @property
    def subnets(self) -> list[str]:
        """The node's subnets, without their last digits."""
        v4, v6 = self.node.status["claim"]["subnets"]
        return [v4.removesuffix("0/24"), v6.removesuffix("/64")]

    def inside(self, number: int) -> list[str]:
        """Give an address in each of the node's subnets."""
        return [f"{subnet}{number}" for subnet in self.subnets]

    def ends(self, destinations: list[str]) -> list[str]:
        """Give where packets of the peer end."""
        return [returned_by(self.peer.host.namespace, each) for each in destinations]

    def bridge(self) -> list[str]:
        """Make the bridge with the first address of each subnet, as a container runtime does."""
        host = self.node.host
        host.ip("link", "add", "cni0", "type", "bridge")
        host.ip("link", "set", "cni0", "up")
        for address, length in zip(self.inside(1), (24, 64), strict=True):
            nodad = ["nodad"] if length == 64 else []
            host.ip("address", "add", f"{address}/{length}", "dev", "cni0", *nodad)
        return self.inside(1)

    def nowhere(self, kind: str) -> set[str]:
        """Give the destinations of the routes that lead nowhere on the node, as `ip` has them."""
        words = ("route", "show", "table", "main", "type", kind, "proto", "104")
        return {
            route["dst"]
            for family in ("-4", "-6")
            for route in self.node.host.namespace.ip_json(family, *words)
            if route["metric"] == METRIC[kind]
        }


def _v6(host: Host) -> str:
    return f"fd50::{host.number:x}"


@pytest.fixture
def street(cluster: Cluster) -> Street:
    """Make the hosts."""
    return Street(cluster)


def own(street: Street) -> set[str]:
    """Give the node's subnets as `ip` writes them."""
    return set(street.node.status["claim"]["subnets"])


def routed(daemon: Daemon, street: Street) -> bool:
    """Tell whether a daemon routes to the node."""
    return own(street) <= daemon.peers().keys() | set(daemon.host.ours())


def test_a_packet_for_our_subnet_ends_here(street: Street):
    """Without a bridge it leaves by the default route; with the setting it does not.

    Once the bridge is there it arrives, whatever the setting is.
    """
    street.node.start()
    street.peer.start()
    eventually(lambda: street.ends(street.inside(5)) == list(street.way_out))
    street.node.end()
    street.node.start("--own-subnet-route=unreachable")
    assert street.nowhere("unreachable") == own(street)
    here = [street.node.host.address, _v6(street.node.host)]
    assert street.ends(street.inside(5)) == here
    doors = street.bridge()
    assert street.ends(doors) == doors
    assert street.node.well
    street.node.host.ip("link", "del", "cni0")
    eventually(lambda: street.ends(street.inside(5)) == here)


def test_a_blackhole_says_nothing(street: Street):
    """Flannel's --ip-blackhole-route: the packet ends here, and nobody is told."""
    street.node.start("--ip-blackhole-route")
    street.peer.start()
    eventually(lambda: set(own(street)) <= street.nowhere("blackhole"))
    v4, v6 = street.inside(5)
    assert street.ends([v4, v6]) == ["", ""]


def test_what_no_node_has_leads_nowhere(street: Street):
    """One route for the network; that to a peer's subnet and the bridge's have longer prefixes."""
    street.peer.start()
    free = ["10.77.255.5", "fd77:0:0:fff0::5"]
    assert street.ends(free) == list(street.way_out)
    street.peer.end()
    street.peer.start("--unassigned-route=unreachable")
    street.node.start("--unassigned-route=unreachable")
    assert street.nowhere("unreachable") == {"10.77.0.0/16", "fd77::/48"}
    assert street.ends(free) == ["here", "here"]
    doors = street.bridge()
    eventually(lambda: street.ends(doors) == doors)


def test_it_is_put_back_and_goes_with_the_setting(street: Street):
    """Deleted by hand, it is back; another kind takes its place; without the setting it goes."""
    node = street.node
    node.start("--own-subnet-route=unreachable")
    mine = own(street)
    for subnet, family in zip(sorted(mine), ("-4", "-6"), strict=True):
        node.host.ip(family, "route", "del", "unreachable", subnet, "proto", "104")
    eventually(lambda: street.nowhere("unreachable") == mine)
    node.end()
    node.start("--own-subnet-route=blackhole")
    assert (street.nowhere("blackhole"), street.nowhere("unreachable")) == (mine, set())
    node.end()
    node.start()
    assert (street.nowhere("blackhole"), street.nowhere("unreachable")) == (set(), set())


def test_it_moves_with_the_lease(street: Street, cluster: Cluster):
    """Of a subnet that somebody else has taken meanwhile no route is left; the new one has its."""
    node = street.node
    node.start("--own-subnet-route=unreachable")
    before = own(street)
    node.end()
    (key,) = (key for key in cluster.ctl.values(f"{cluster.prefix}/subnets/"))
    cluster.ctl.run("del", key)
    v4, v6 = sorted(before)
    name = f"subnets/{v4.replace('/', '-')}&{v6.replace('/', '-')}"
    taken = {"PublicIP": "192.168.51.9", "PublicIPv6": "fd50::aaaa", "BackendType": "host-gw"}
    cluster.put(name, taken)
    node.start("--own-subnet-route=unreachable", "--removal-grace=0s", wait=False)
    eventually(lambda: street.nowhere("unreachable") == own(street) != before, within=20)
    assert v4 in node.host.ours()

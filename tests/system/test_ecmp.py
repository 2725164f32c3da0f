"""Two links between two nodes: both are used, and one that goes is not missed.

one (eth0, eth1) -- two switches -- two (eth0, eth1); packets from bridge to bridge
"""

import os
import signal
import time

import pytest

from hostgw_cli.lab.netns import Namespace, bridge, veth
from support.daemon import Daemon, shows
from support.daemon_fixtures import Cluster
from support.echoes import echoes
from support.netns_fixtures import MakeNamespace
from support.waiting import eventually

pytestmark = pytest.mark.root

SOON = 5.0  # seconds
FLOWS = range(1, 41)


class Pair:
    """The two nodes and the second switch."""

    def __init__(self, cluster: Cluster, switch: Namespace) -> None:
        bridge(switch, "br0")
        self.switch = switch
        self.nodes = [self._node(cluster, number) for number in (1, 2)]

    def _node(self, cluster: Cluster, number: int) -> Daemon:
        host = cluster.host()
        veth(self.switch, f"port{number}", host.namespace, "eth1")
        self.switch.ip("link", "set", f"port{number}", "master", "br0")
        host.ip("address", "add", f"192.168.99.{number}/24", "dev", "eth1")
        return cluster.daemon(host)

    def start(self, *flags: str) -> None:
        """Start both, each with both links, and give each the bridge of its subnet."""
        for node in self.nodes:
            node.start("--ecmp-iface=eth1", *flags)
            start = node.subnet.removesuffix("0/24")
            node.host.ip("link", "add", "cni0", "type", "bridge")
            node.host.ip("link", "set", "cni0", "up")
            node.host.ip("address", "add", f"{start}1/24", "dev", "cni0")
            for number in FLOWS[1:]:
                node.host.ip("address", "add", f"{start}{number}/32", "dev", "cni0")
        eventually(lambda: all(self.ways(node) == self.both(node) for node in self.nodes))

    def other(self, node: Daemon) -> Daemon:
        """Give the other node."""
        return next(each for each in self.nodes if each is not node)

    def ways(self, node: Daemon) -> set[tuple[str, str]]:
        """Give the ways to the other node's subnet, as `ip` shows them: gateway and link."""
        words = ("route", "show", "exact", self.other(node).subnet, "proto", "104")
        return {
            (leg["gateway"], leg["dev"])
            for route in node.host.namespace.ip_json(*words)
            for leg in route.get("nexthops", [route])
        }

    def both(self, node: Daemon) -> set[tuple[str, str]]:
        """Give the two ways that there should be."""
        other = self.nodes.index(self.other(node)) + 1
        return {(self.other(node).host.address, "eth0"), (f"192.168.99.{other}", "eth1")}

    def noticed(self, state: str) -> float:
        """Give the moment, once both kernels have taken note that the link is so; 0 before.

        That a carrier is gone is noticed within a second (net/core/link_watch.c).
        """
        shown = [n.host.namespace.ip_json("link", "show", "eth1")[0] for n in self.nodes]
        up = [each["operstate"] == "UP" for each in shown]
        return time.monotonic() if up == [state == "UP"] * 2 else 0.0

    def cable(self, state: str) -> float:
        """Take the second switch away from both nodes, or give it back; give when it was done."""
        for number in (1, 2):
            self.switch.ip("link", "set", f"port{number}", state)
        return time.monotonic()

    def sent(self, node: Daemon, link: str) -> int:
        """Count what a node has sent by a link."""
        (shown,) = node.host.namespace.ip_json("-s", "link", "show", link)
        return int(shown["stats64"]["tx"]["packets"])


@pytest.fixture
def pair(cluster: Cluster, make_netns: MakeNamespace) -> Pair:
    """Make them."""
    return Pair(cluster, make_netns())


def ignores(node: Daemon) -> bool:
    """Tell whether the kernel of a node leaves ways without carrier alone."""
    names = [f"net.ipv4.conf.{link}.ignore_routes_with_linkdown" for link in ("eth0", "eth1")]
    return node.host.namespace.run("sysctl", "-n", *names).stdout.split() == ["1", "1"]


def freeze(pair: Pair) -> None:
    """Stop both daemons where they are: what happens now, the kernel does alone."""
    for node in pair.nodes:
        assert node.process is not None
        os.kill(node.process.pid, signal.SIGSTOP)


def test_a_link_that_goes_is_not_missed(pair: Pair):
    """With frozen daemons: none is lost once the kernels have noticed, nor after the return."""
    pair.start("--fix-sysctls")
    eventually(lambda: all(node.well and ignores(node) for node in pair.nodes), within=SOON)
    freeze(pair)
    one = pair.nodes[0]
    here, there = (node.subnet_env()["FLANNEL_SUBNET"].removesuffix("1/24") for node in pair.nodes)
    before = [pair.sent(one, link) for link in ("eth0", "eth1")]
    with echoes(one.host.namespace, f"{here}1", [f"{there}{n}" for n in FLOWS]) as seen:
        eventually(lambda: len(seen.answered) > 400)
        used = [pair.sent(one, link) for link in ("eth0", "eth1")]
        assert all(now > then + 50 for now, then in zip(used, before, strict=True))
        first = time.monotonic()
        pair.cable("down")
        cut = eventually(lambda: pair.noticed("DOWN"), within=SOON)
        count = len(seen.sent)
        eventually(lambda: len(seen.sent) > count + 500)
        back = pair.cable("up")
        eventually(lambda: pair.noticed("UP"), within=SOON)
        again = pair.sent(one, "eth1")
        eventually(lambda: pair.sent(one, "eth1") > again + 50)
    assert seen.lost(since=cut) == seen.lost(since=back) == 0
    assert seen.lost() == seen.lost(since=first - 0.1)  # none while all was well


def test_without_the_switch_of_the_kernel_packets_are_lost(pair: Pair):
    """What the condition says is so: the kernel goes on using the dead way."""
    pair.start()
    one = pair.nodes[0]
    eventually(shows(one, "dead_ways_used"), within=SOON)
    assert "net.ipv4.conf.eth1.ignore_routes_with_linkdown=1" in one.conditions["dead_ways_used"]
    freeze(pair)
    here, there = (node.subnet_env()["FLANNEL_SUBNET"].removesuffix("1/24") for node in pair.nodes)
    with echoes(one.host.namespace, f"{here}1", [f"{there}{n}" for n in FLOWS]) as seen:
        eventually(lambda: len(seen.answered) > 100)
        pair.cable("down")
        cut = eventually(lambda: pair.noticed("DOWN"), within=SOON)
        count = len(seen.sent)
        eventually(lambda: len(seen.sent) > count + 300)
    assert seen.lost(since=cut) > 50


def test_a_link_set_down_leaves_the_other_way(pair: Pair, cluster: Cluster):
    """The daemon writes a plain route then, and both ways again once the link is up."""
    pair.start()
    one, two = pair.nodes
    assert cluster.leases()[two.subnet]["PublicIPs"] == ["192.168.99.2"]
    one.host.ip("link", "set", "eth1", "down")
    eventually(lambda: pair.ways(one) == {(two.host.address, "eth0")}, within=SOON)
    assert one.conditions["ecmp_link_missing"] == "eth1 is down"
    one.host.ip("link", "set", "eth1", "up")
    eventually(lambda: pair.ways(one) == pair.both(one), within=SOON)
    one.host.ip("address", "del", "192.168.99.1/24", "dev", "eth1")
    eventually(shows(one, "ecmp_link_missing"), within=SOON)
    one.host.ip("address", "add", "192.168.99.1/24", "dev", "eth1")
    eventually(lambda: "ecmp_link_missing" not in one.conditions, within=SOON)
    eventually(lambda: pair.ways(one) == pair.both(one), within=SOON)
    one.host.ip("route", "del", two.subnet)
    eventually(lambda: pair.ways(one) == pair.both(one), within=SOON)


def test_a_node_with_one_link_is_reached_by_it(pair: Pair, cluster: Cluster):
    """Further addresses are told by who has them; the others go on as they are, without a gap."""
    one, two = pair.nodes
    pair.start()
    two.end()
    with one.host.route_changes() as changes:
        two.start()
        eventually(lambda: pair.ways(one) == {(two.host.address, "eth0")}, within=SOON)
    assert [line.startswith("Deleted ") for line in changes if line.strip()][:1] == [False]
    assert "PublicIPs" not in cluster.leases()[two.subnet]
    assert pair.ways(two) == {(one.host.address, "eth0")}

"""IPv4 between containers over a link on which no host has an IPv4 address.

pod 10.77.a.2 -- node (fd50::a on eth0) -- switch -- node (fd50::b on eth0) -- pod 10.77.b.2
"""

import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from hostgw_cli.lab.netns import Namespace, veth
from support.daemon import Daemon
from support.daemon_fixtures import Cluster
from support.pod_site import source_seen
from support.site import Host
from support.waiting import eventually

pytestmark = pytest.mark.root

SOON = 5.0  # seconds
DEAF = (
    "add table ip6 deaf; add chain ip6 deaf in { type filter hook input priority 0; };"
    " add rule ip6 deaf in icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } drop"
)


def without_ipv4(cluster: Cluster) -> Host:
    """Make a host that has only an IPv6 address on the nodes' link, and forwards."""
    host = cluster.host()
    host.ip("-4", "address", "flush", "dev", "eth0")
    host.ip("address", "add", f"fd50::{host.number:x}/64", "dev", "eth0", "nodad")
    host.namespace.run("sysctl", "-qw", "net.ipv4.ip_forward=1")
    return host


def says(*nodes: Daemon) -> set[str]:
    """Give the states that others are in, as these nodes say."""
    return {state for node in nodes for state in node.peers().values()}


@pytest.fixture
def pod() -> Iterator[Callable[[Daemon], tuple[Namespace, str]]]:
    """Give a node's container behind its bridge, as a runtime makes it, with its address."""
    with ExitStack() as ends:

        def make(node: Daemon) -> tuple[Namespace, str]:
            made = Namespace.create(f"hgt-{secrets.token_hex(4)}")
            ends.callback(made.delete)
            start = node.subnet.removesuffix("0/24")
            inside = node.host.namespace
            inside.ip("link", "add", "cni0", "type", "bridge")
            inside.ip("address", "add", f"{start}1/24", "dev", "cni0")
            inside.ip("link", "set", "cni0", "up")
            veth(inside, "port", made, "eth0")
            inside.ip("link", "set", "port", "master", "cni0")
            made.ip("address", "add", f"{start}2/24", "dev", "eth0")
            made.ip("route", "add", "default", "via", f"{start}1")
            return made, f"{start}2"

        yield make


def test_containers_talk_ipv4_over_ipv6(
    cluster: Cluster, pod: Callable[[Daemon], tuple[Namespace, str]]
):
    """Each node tells its IPv6 address alone, and the pods see each other's own addresses."""
    one, two = (cluster.daemon(without_ipv4(cluster)) for _ in range(2))
    for node in (one, two):
        node.start("--ipv4-via-ipv6", "--iface=eth0", "--probe=true")
    for node, other in ((one, two), (two, one)):
        address = f"fd50::{other.host.number:x}"
        lease = cluster.leases()[other.subnet]
        assert (lease["PublicIP"], lease["PublicIPv6"]) == (None, address)
        eventually(lambda n=node, o=other, a=address: n.host.ours() == {o.subnet: a}, within=SOON)
        assert node.well
    (first, here), (second, there) = pod(one), pod(two)
    assert source_seen(first, second, there) == here
    assert source_seen(second, first, here) == there
    eventually(lambda: says(one, two) == {"ok"}, within=10.0)
    two.host.namespace.run("nft", DEAF)
    for node in (one, two):
        node.host.ip("-6", "neigh", "flush", "dev", "eth0")
    eventually(lambda: says(one) == {"unresolved"}, within=10.0)
    two.host.namespace.run("nft", "delete table ip6 deaf")
    eventually(lambda: says(one, two) == {"ok"}, within=15.0)


def test_a_peer_without_ipv6_is_reached_by_ipv4(cluster: Cluster):
    """A node of flannel's, say; and the option may come and go without a gap."""
    host = cluster.host()
    host.ip("address", "add", f"fd50::{host.number:x}/64", "dev", "eth0", "nodad")
    cluster.put(
        "subnets/10.77.9.0-24",
        {"PublicIP": "192.168.51.9", "PublicIPv6": "fd50::9", "BackendType": "host-gw"},
    )
    cluster.lease("10.77.10.0/24", "192.168.51.10")
    node = cluster.daemon(host).start()
    by_ipv4 = {"10.77.9.0/24": "192.168.51.9", "10.77.10.0/24": "192.168.51.10"}
    assert host.has(by_ipv4)
    for flags, routes in (
        (["--ipv4-via-ipv6", "--iface=eth0"], {**by_ipv4, "10.77.9.0/24": "fd50::9"}),
        ([], by_ipv4),
    ):
        node.end()
        with host.route_changes() as changes:
            node.start(*flags)
            eventually(lambda routes=routes: host.has(routes), within=SOON)
        assert [line.startswith("Deleted ") for line in changes] == [False, True]
        told = f"fd50::{host.number:x}" if flags else None
        eventually(
            lambda told=told: cluster.leases()[node.subnet]["PublicIPv6"] == told, within=SOON
        )


def test_a_host_without_ipv6_says_what_it_lacks(cluster: Cluster):
    """With the option an IPv6 address on the link is what the others need."""
    node = cluster.daemon().start("--ipv4-via-ipv6", "--iface=eth0", wait=False)
    eventually(lambda: "no IPv6 address" in node.conditions.get("no_uplink", ""))

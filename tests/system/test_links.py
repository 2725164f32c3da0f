"""The link of a real daemon: chosen, kept, followed through whatever happens to it."""

import ipaddress

import pytest

from support.daemon import Daemon, shows
from support.daemon_fixtures import Cluster, neighbours
from support.site import GATEWAY
from support.waiting import eventually

pytestmark = pytest.mark.root

SOON = 5.0  # seconds
HOME = neighbours(3)


@pytest.fixture(scope="module")
def node(shared: Cluster) -> Daemon:
    """A daemon with three peers."""
    shared.populate(HOME, SubnetMin="10.77.100.0")
    return shared.daemon().start()


@pytest.fixture
def steady(node: Daemon) -> Daemon:
    """The same, in the state in which a test may begin."""
    eventually(lambda: node.host.has(HOME) and node.well, within=3)
    return node


def test_a_peer_off_the_link_is_named_and_comes_when_it_is_on_it(shared: Cluster, steady: Daemon):
    """No route, a state of its own, all others well; an address on the link is all it takes."""
    shared.lease("10.77.31.0/24", "198.51.100.7")
    eventually(shows(steady, "gateways_off_link"), within=SOON)
    assert steady.peers() == {**dict.fromkeys(HOME, "ok"), "10.77.31.0/24": "off_subnet"}
    assert "10.77.31.0/24" in steady.conditions["gateways_off_link"]
    assert steady.host.ours() == HOME
    assert steady.ready
    steady.host.ip("address", "add", "198.51.100.1/24", "dev", "eth0")
    eventually(lambda: steady.host.ours().get("10.77.31.0/24") == "198.51.100.7", within=SOON)
    eventually(lambda: not steady.conditions, within=SOON)
    shared.delete("subnets/10.77.31.0-24")
    eventually(lambda: steady.host.has(HOME), within=SOON)
    steady.host.ip("address", "del", "198.51.100.1/24", "dev", "eth0")


def test_a_link_that_goes_down_and_comes_up(steady: Daemon):
    """The kernel drops the routes with the link; they are back with it, and the node stays ready.

    A default route does not come back by itself, and is not needed: the choice of the link stands.
    """
    steady.host.ip("link", "set", "eth0", "down")
    assert steady.host.ours() == {}
    eventually(shows(steady, "uplink_down"), within=SOON)
    steady.host.ip("link", "set", "eth0", "up")
    eventually(lambda: steady.host.has(HOME), within=SOON)
    eventually(lambda: not steady.conditions, within=SOON)
    steady.host.ip("route", "add", "default", "via", GATEWAY, "dev", "eth0")


def test_a_cable_that_is_pulled_changes_no_route(shared: Cluster, steady: Daemon):
    """Without a carrier the routes stay in the kernel, and so they do when it is back.

    That the link carries nothing is told of this host.
    """
    port = f"d{steady.host.number}"
    with steady.host.route_changes() as changes:
        shared.site.switch.ip("link", "set", port, "down")
        eventually(lambda: "NO-CARRIER" in steady.host.ip("link", "show", "eth0"))
        eventually(shows(steady, "uplink_down"), within=SOON)
        shared.site.switch.ip("link", "set", port, "up")
        eventually(lambda: "LOWER_UP" in steady.host.ip("link", "show", "eth0"))
        assert steady.host.ours() == HOME
    assert [line for line in changes if "10.77." in line and "Deleted" in line] == []
    assert steady.host.ours() == HOME
    eventually(lambda: not steady.conditions, within=SOON)


def test_another_mtu_is_told_to_the_containers(steady: Daemon):
    """The subnet file follows the link."""
    assert steady.subnet_env()["FLANNEL_MTU"] == "1500"
    for size in ("1400", "1500"):
        steady.host.ip("link", "set", "eth0", "mtu", size)
        eventually(lambda size=size: steady.subnet_env()["FLANNEL_MTU"] == size, within=5)
    assert steady.host.ours() == HOME


def test_another_address_is_told_to_the_others(shared: Cluster, steady: Daemon):
    """Own key, new PublicIP; another daemon moves its route, and nothing else of the lease.

    Not before a moment has shown that the old address is not just on its way to another link.
    """
    other = shared.daemon(node="other").start()
    subnet, key = steady.subnet, f"subnets/{steady.subnet.replace('/', '-')}"
    before = shared.key(key)
    eventually(lambda: other.host.ours().get(subnet) == steady.host.address)
    address = f"192.168.52.{steady.host.number}"
    # The default route goes with the old address, and is not needed: the choice of the link stands.
    steady.host.ip("address", "del", f"{steady.host.address}/20", "dev", "eth0")
    steady.host.ip("address", "add", f"{address}/20", "dev", "eth0")
    eventually(lambda: other.host.ours().get(subnet) == address, within=4)
    after = shared.key(key)
    assert (after["create_revision"], after["lease"]) == (
        before["create_revision"],
        before["lease"],
    )
    assert shared.leases()[subnet]["PublicIP"] == address
    eventually(lambda: other.subnet in steady.host.ours(), within=4)
    steady.host.ip("address", "flush", "dev", "eth0", "scope", "global")
    steady.host.ip("address", "add", f"{steady.host.address}/20", "dev", "eth0")
    steady.host.ip("route", "replace", "default", "via", GATEWAY, "dev", "eth0")
    eventually(lambda: other.host.ours().get(subnet) == steady.host.address, within=4)
    key = f"subnets/{other.subnet.replace('/', '-')}"
    assert other.end() == 0
    shared.delete(key)
    eventually(lambda: steady.host.has(HOME), within=4)


def test_a_link_made_again_and_a_link_renamed(cluster: Cluster):
    """Another index or another name: the routes go where the link is."""
    for subnet, gateway in HOME.items():
        cluster.lease(subnet, gateway)
    node = cluster.daemon().start()
    host, switch = node.host, cluster.site.switch
    subnet = node.subnet
    host.ip("link", "delete", "eth0")
    eventually(shows(node, "no_uplink"), within=SOON)
    assert node.ask("/readyz").status == 503
    port = f"d{host.number}"
    host.ip("link", "add", "filler0", "type", "bridge")  # takes the next index
    host.ip("link", "add", "eth0", "type", "veth", "peer", "name", port, "netns", switch.name)
    switch.ip("link", "set", port, "master", "br0")
    switch.ip("link", "set", port, "up")
    host.ip("link", "set", "eth0", "up")
    host.ip("address", "add", f"{host.address}/20", "dev", "eth0")
    host.ip("route", "add", "default", "via", GATEWAY, "dev", "eth0")
    eventually(lambda: host.has(HOME), within=5)
    eventually(lambda: node.ready, within=SOON)
    host.ip("link", "set", "eth0", "down")
    host.ip("link", "set", "eth0", "name", "lan0")
    host.ip("link", "set", "lan0", "up")
    host.ip("route", "add", "default", "via", GATEWAY, "dev", "lan0")
    eventually(lambda: host.has(HOME), within=5)
    eventually(lambda: node.ready and not node.conditions, within=SOON)
    assert node.status["uplink"]["interface"] == "lan0"
    assert node.subnet == subnet


def test_no_default_route_at_boot_is_waited_for(cluster: Cluster):
    """It says what it waits for, and goes on as soon as the route is there."""
    cluster.lease("10.77.9.0/24", "192.168.51.9")
    host = cluster.host(default=False)
    node = cluster.daemon(host).start(wait=False)
    eventually(shows(node, "no_uplink"))
    assert "default route" in node.conditions["no_uplink"]
    assert "no_uplink" in node.ask("/readyz").body
    assert node.ask("/livez").status == 200
    assert cluster.leases().keys() == {"10.77.9.0/24"}
    host.ip("route", "add", "default", "via", GATEWAY, "dev", "eth0")
    node.wait_ready(2)
    assert host.ours() == {"10.77.9.0/24": "192.168.51.9"}


def test_an_interface_that_was_named_is_waited_for(cluster: Cluster):
    """Another one is not taken instead; the one that was meant is, as soon as it is there."""
    cluster.lease("10.77.9.0/24", "192.0.2.9")
    node = cluster.daemon().start("--iface=late0", wait=False)
    eventually(shows(node, "no_uplink"))
    assert "late0" in node.conditions["no_uplink"]
    node.host.ip("link", "add", "late0", "type", "bridge")
    node.host.ip("link", "set", "late0", "up")
    assert not node.ready
    node.host.ip("address", "add", "192.0.2.1/24", "dev", "late0")
    node.wait_ready(2)
    assert node.host.ours() == {"10.77.9.0/24": "192.0.2.9"}
    assert cluster.leases()[node.subnet]["PublicIP"] == "192.0.2.1"


# -- which interface ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def crossroads(shared: Cluster) -> Daemon:
    """A daemon on a host with two addresses, and a worse default route by another link."""
    host = shared.host()
    host.ip("address", "add", f"192.168.52.{host.number}/20", "dev", "eth0")
    host.ip("route", "add", "default", "via", "172.31.0.1", "dev", "store0", "metric", "500")
    return shared.daemon(host, node="crossroads")


@pytest.mark.parametrize(
    ("flag", "which"),
    [
        ("", "first"),
        ("--iface=store0", "store"),
        ("--iface=no0,{second}", "second"),
        ("--iface-regex=^st.re", "store"),
        ("--iface-can-reach=172.31.0.1", "store"),
        ("--iface-cidr=172.31.0.0/16", "store"),
        ("--iface-skip=eth*", "store"),
        ("--public-ip={second}", "second"),
    ],
)
def test_the_interface_is_chosen_as_the_flags_say(
    shared: Cluster,
    crossroads: Daemon,
    request: pytest.FixtureRequest,
    flag: str,
    which: str,
):
    """By each way once: the link, the address in the lease, and the reason in the status."""
    daemon, host = crossroads, crossroads.host
    request.addfinalizer(daemon.kill)
    second = f"192.168.52.{host.number}"
    addresses = {"first": host.address, "second": second, "store": f"172.31.0.{host.number}"}
    daemon.start(*([flag.format(second=second)] if flag else []))
    uplink = daemon.status["uplink"]
    assert (uplink["interface"], uplink["addresses"]) == (
        "store0" if which == "store" else "eth0",
        [addresses[which]],
    )
    word = flag.partition("=")[0] or "default route"
    if word not in ("--iface-skip", "--public-ip"):
        assert word in uplink["reason"]
    assert shared.leases()[daemon.subnet]["PublicIP"] == addresses[which]
    network = ipaddress.ip_network("192.168.48.0/20")
    expected = HOME if ipaddress.ip_address(addresses[which]) in network else {}
    ours = {k: v for k, v in host.ours().items() if k in HOME}
    assert ours == expected

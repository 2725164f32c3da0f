"""What happens to a host under a running daemon: its link, its addresses, others' hands on routes.

Each change ends as it began: the routes stand, the lease in the store was never written, foreign
routes are as they were, and nothing is wrong. tests/system/test_links.py has the simpler changes of
the link, test_routes.py those of single routes. The table of all of them: docs/reliability.md.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from support.daemon import Daemon, shows
from support.daemon_fixtures import Cluster, neighbours
from support.site import GATEWAY, Host
from support.waiting import eventually

pytestmark = pytest.mark.root

SOON = 2.0  # seconds
HOME = neighbours(3)


@pytest.fixture
def peers(cluster: Cluster) -> Cluster:
    """A cluster with three peers."""
    for subnet, gateway in HOME.items():
        cluster.lease(subnet, gateway)
    return cluster


@contextmanager
def unharmed(node: Daemon, cluster: Cluster) -> Iterator[None]:
    """See that after the block all routes are there, the node is well and its lease unwritten."""
    key = f"subnets/{node.subnet.replace('/', '-')}"
    process, before = node.process, cluster.key(key)
    yield
    eventually(lambda: node.host.has(HOME), within=SOON)
    eventually(lambda: node.well, within=SOON)
    assert cluster.key(key) == before
    assert node.running
    assert node.process is process


def into_a_bridge(host: Host, *, default: bool) -> None:
    """Make eth0 a port of a new bridge and move its address there, as a person does it."""
    for command in (
        "link add lan0 type bridge stp_state 0 forward_delay 0",
        "link set lan0 up",
        "link set eth0 master lan0",
        f"address del {host.address}/20 dev eth0",
        f"address add {host.address}/20 dev lan0",
        *([f"route add default via {GATEWAY} dev lan0"] if default else []),
    ):
        host.ip(*command.split())


def devices(host: Host) -> set[str]:
    """Give the links over which our routes lead."""
    return {route["dev"] for route in host.namespace.ip_json("route", "show", "proto", "104")}


@pytest.mark.parametrize("flag", ["", "--iface=eth0"])
@pytest.mark.parametrize("default", [True, False])
def test_a_link_put_into_a_bridge(peers: Cluster, flag: str, *, default: bool):
    """The address moves to the bridge: the routes do too, and the others need not be told.

    Also where there is no default route to find the bridge by, and where the port was named. After
    a restart it is the same, and so it is on the way back.
    """
    node = peers.daemon().start(*([flag] if flag else []))
    host = node.host
    with unharmed(node, peers):
        into_a_bridge(host, default=default)
        eventually(lambda: devices(host) == {"lan0"}, within=SOON)
        assert node.status["uplink"]["interface"] == "lan0"
    if default or flag:
        node.end()
        with host.route_changes() as changes:
            node.start(*([flag] if flag else []))
        assert changes == []
    with unharmed(node, peers):
        host.ip("link", "delete", "lan0")
        eventually(shows(node, "no_uplink"), within=SOON)
        host.ip("address", "add", f"{host.address}/20", "dev", "eth0")
        host.ip("route", "add", "default", "via", GATEWAY, "dev", "eth0")
        eventually(lambda: devices(host) == {"eth0"}, within=SOON)


def test_an_address_that_goes_and_comes_again(peers: Cluster):
    """A lease of DHCP that lapsed and is had again: the condition says so while it lasts."""
    node = peers.daemon().start()
    host = node.host
    with unharmed(node, peers):
        host.ip("address", "del", f"{host.address}/20", "dev", "eth0")
        eventually(shows(node, "no_uplink"), within=SOON)
        assert host.ours() == {}  # the kernel takes them with the address
        host.ip("address", "add", f"{host.address}/20", "dev", "eth0")
        host.ip("route", "add", "default", "via", GATEWAY, "dev", "eth0")
    with unharmed(node, peers):
        host.ip("address", "flush", "dev", "eth0", "scope", "global")
        host.ip("address", "add", f"{host.address}/20", "dev", "eth0")

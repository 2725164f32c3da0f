"""Which subnet a real daemon chooses: reserved, adopted, the one it had, or another."""

import signal

import pytest

from support.daemon import Daemon, shows
from support.daemon_fixtures import Cluster, flannels
from support.waiting import eventually

pytestmark = pytest.mark.root

SOON = 5.0  # seconds


def own_key(daemon: Daemon) -> str:
    """Give the daemon's lease key, without the prefix."""
    return f"subnets/{daemon.subnet.replace('/', '-')}"


def test_a_reservation_is_kept_for_its_node(cluster: Cluster):
    """The one it names takes it; another node does not, even where nothing else is free."""
    cluster.configure(SubnetMin="10.77.50.0", SubnetMax="10.77.51.0")
    cluster.put("hostgw/reservations/10.77.51.0-24", {"Node": "meant"})
    cluster.lease("10.77.50.0/24", "192.168.51.50")
    other = cluster.daemon(node="other").start(wait=False)
    eventually(shows(other, "subnets_exhausted"))
    meant = cluster.daemon(node="meant").start()
    assert meant.subnet == "10.77.51.0/24"
    assert meant.status["claim"]["how"] == "reserved"
    cluster.delete("subnets/10.77.50.0-24")
    eventually(lambda: other.ready, within=3)
    assert other.subnet == "10.77.50.0/24"


def test_a_lease_without_an_end_stays_one_over_restarts(cluster: Cluster):
    """Flannel's reservation is a key without an etcd lease: whoever uses it must not give it one.

    Made of a lease that is in use, and of one that was written before the node ever came.
    """
    host = cluster.host()
    cluster.put("subnets/10.77.60.0-24", flannels(host.address))
    node = cluster.daemon(host).start()
    assert node.subnet == "10.77.60.0/24"
    for number in (signal.SIGTERM, signal.SIGKILL):
        assert "lease" not in cluster.key(own_key(node))
        node.end(number)
        node.start()
    assert node.subnet == "10.77.60.0/24"
    assert node.conditions == {}
    second = cluster.daemon().start()
    key = own_key(second)
    assert cluster.key(key)["lease"] != 0
    cluster.put(key, cluster.leases()[second.subnet])
    eventually(lambda: second.status["claim"]["etcd_lease"] == "", within=SOON)
    second.end()
    second.start()
    assert "lease" not in cluster.key(key)
    assert own_key(second) == key


def test_a_subnet_that_was_given_away_while_the_host_was_off(cluster: Cluster):
    """Its lease ran out and somebody took the subnet: another one, and a warning that says so."""
    node = cluster.daemon().start()
    subnet, key = node.subnet, own_key(node)
    node.end()
    cluster.ctl.run("lease", "revoke", f"{cluster.key(key)['lease']:x}")
    cluster.put(key, flannels("192.168.51.70"))
    taken = cluster.key(key)
    node.start()
    assert node.subnet not in ("", subnet)
    assert cluster.key(key) == taken
    eventually(shows(node, "subnet_moved"), within=SOON)
    assert subnet in node.conditions["subnet_moved"]
    assert node.host.ours() == {subnet: "192.168.51.70"}
    gateway = node.subnet.replace(".0/", ".1/")
    eventually(lambda: node.subnet_env()["FLANNEL_SUBNET"] == gateway, within=SOON)


def test_no_subnet_is_taken_that_overlaps_the_hosts_own_network(cluster: Cluster):
    """Of a pool of which all but one lie on this host's link, the one is taken."""
    cluster.configure(
        Network="192.168.32.0/19", SubnetLen=24, SubnetMin="192.168.47.0", SubnetMax="192.168.63.0"
    )
    node = cluster.daemon().start()
    assert node.subnet == "192.168.47.0/24"
    second = cluster.daemon().start(wait=False)
    eventually(shows(second, "subnets_exhausted"))
    assert second.host.ours() == {"192.168.47.0/24": node.host.address}

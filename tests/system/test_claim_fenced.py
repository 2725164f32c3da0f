"""Two nodes never hold one subnet: real daemons that race, freeze, die and come back.

What is held against them is the whole history of the store, revision by revision, as etcd gives it.
"""

import signal

import pytest

from support.daemon import shows
from support.daemon_fixtures import Cluster
from support.impatience import HASTY
from support.lease_history import assert_fenced, history
from support.waiting import eventually

pytestmark = pytest.mark.root

NODES = 30
CONFLICTS = "hostgw_lease_conflicts_total"


def revision(cluster: Cluster) -> int:
    """Give the store's revision."""
    return int(cluster.ctl("get", "nothing")["header"]["revision"])


def test_thirty_daemons_race_for_thirty_two_subnets(cluster: Cluster):
    """Some freeze, some are killed: each gets its own, and at no moment did two have one."""
    since = revision(cluster)
    cluster.delete("config")
    nodes = [cluster.daemon() for _ in range(NODES)]
    for node in nodes:
        node.start(wait=False)
    for node in nodes:
        eventually(shows(node, "no_config"), within=40)
    frozen, killed = nodes[:6], nodes[6:10]
    cluster.configure(SubnetMin="10.77.32.0", SubnetMax="10.77.63.0")  # and they are off
    for node in frozen:
        node.send(signal.SIGSTOP)
    for node in killed:
        node.end(signal.SIGKILL)
        node.start(wait=False)
    for node in nodes[10:]:
        node.wait_ready(40)
    for node in frozen:
        node.send(signal.SIGCONT)
    for node in (*frozen, *killed):
        node.wait_ready(40)

    gateways = {node.subnet: node.host.address for node in nodes}
    assert {k: v["PublicIP"] for k, v in cluster.leases().items()} == gateways
    assert len(gateways) == NODES
    assert gateways.keys() <= {f"10.77.{number}.0/24" for number in range(32, 64)}
    moments = history(cluster.ctl, cluster.prefix, since=since)
    assert_fenced(moments)
    assert len(moments) >= NODES
    # They did meet: a race in which nobody ever lost would have shown nothing.
    assert sum(node.metric(CONFLICTS) for node in nodes) > 0
    for node in nodes:
        others = {k: v for k, v in gateways.items() if k != node.subnet}
        eventually(lambda node=node, others=others: node.host.has(others), within=5)


def test_a_daemon_frozen_past_its_ttl_gives_way_to_the_daemon_that_has_its_subnet(
    cluster: Cluster,
):
    """It wakes, takes another one, and says so in the log, as a condition and in the file."""
    since = revision(cluster)
    cluster.configure(SubnetMin="10.77.1.0", SubnetMax="10.77.2.0")
    first = cluster.daemon(node="first").start("--lease-ttl=3s", instead=HASTY)
    lost = first.subnet
    (free,) = {"10.77.1.0/24", "10.77.2.0/24"} - {lost}
    cluster.lease(free, "192.168.51.201")
    second = cluster.daemon(node="second").start(wait=False)
    eventually(shows(second, "subnets_exhausted"))

    first.send(signal.SIGSTOP)
    second.wait_ready()
    assert second.subnet == lost
    taken = cluster.key(f"subnets/{lost.replace('/', '-')}")
    cluster.delete(f"subnets/{free.replace('/', '-')}")
    first.send(signal.SIGCONT)

    eventually(shows(first, "subnet_moved"))
    assert first.subnet == free
    assert lost in first.conditions["subnet_moved"]
    gateway = free.replace(".0/", ".1/")
    eventually(lambda: first.subnet_env()["FLANNEL_SUBNET"] == gateway, within=2)
    eventually(lambda: first.ready)
    warned = [line for line in first.lines() if line.get("condition") == "subnet_moved"]
    assert [line["level"] for line in warned] == ["warning"]
    assert cluster.key(f"subnets/{lost.replace('/', '-')}") == taken
    assert_fenced(history(cluster.ctl, cluster.prefix, since=since))
    for node, peer, subnet in ((first, second, lost), (second, first, free)):
        eventually(
            lambda node=node, routes={subnet: peer.host.address}: node.host.has(routes), within=5
        )

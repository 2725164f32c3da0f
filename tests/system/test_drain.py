"""A node that leaves on purpose, among two that have packets to carry."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from support.daemon import Daemon
from support.daemon_fixtures import Cluster
from support.hostgwctl import hostgwctl
from support.waiting import eventually

pytestmark = pytest.mark.root


@pytest.fixture
def nodes(cluster: Cluster) -> list[Daemon]:
    """Three daemons that route to each other, each with an address of its pods."""
    made = [cluster.daemon().start("--removal-grace=2s", "--removal-hold=5m") for _ in range(3)]
    for node in made:
        node.host.namespace.run("sysctl", "-qw", "net.ipv4.ip_forward=1")
        node.host.ip("addr", "add", pod_of(node) + "/32", "dev", "lo")
    eventually(lambda: all(len(node.host.ours()) == 2 for node in made))
    eventually(lambda: all(node.well for node in made))
    return made


def pod_of(node: Daemon) -> str:
    """Give an address of a node's subnet."""
    return node.subnet.replace(".0/24", ".7")


@contextmanager
def pinging(one: Daemon, other: Daemon) -> Iterator[list[str]]:
    """Let packets go from pods of one node to those of another; give what ping says in the end."""
    said: list[str] = []
    argv = ["ping", "-n", "-i", "0.02", "-I", pod_of(one), pod_of(other)]
    with one.host.namespace.enter():
        running = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
    try:
        yield said
    finally:
        running.send_signal(2)
        said += running.communicate(timeout=20)[0].splitlines()


def test_a_node_leaves_and_the_others_lose_nothing(cluster: Cluster, nodes: list[Daemon]):
    """Its lease and its presence go, their routes to it, and no packet; then it comes back."""
    one, other, leaving = nodes
    subnet, pod = leaving.subnet, pod_of(leaving)
    held = {node.subnet for node in nodes}
    with pinging(one, other) as there, pinging(other, one) as back:
        done = hostgwctl(leaving, "drain")
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.splitlines()[1].startswith("it has left")
        assert {*cluster.leases()} == held - {subnet}
        presences = cluster.ctl.values(f"{cluster.prefix}/hostgw/nodes/")
        assert len(presences) == 2
        eventually(lambda: all(subnet not in node.host.ours() for node in (one, other)))
        assert all(node.well for node in (one, other))
        assert one.metric('hostgw_holds{cause="many"}') == 0
    for said in (there, back):
        summary = next(line for line in said if "packets transmitted" in line)
        assert " 0% packet loss" in summary, summary

    # It says so, holds nothing of others back, and claims nothing, even if there is something.
    assert leaving.ask("/readyz").status == 503
    assert "drained" in leaving.conditions
    assert "drained" in leaving.ask("/readyz/conditions?verbose").body
    assert leaving.ask("/livez").status == 200
    cluster.put("config", {"Network": "10.77.0.0/16", "Backend": {"Type": "host-gw"}})
    hostgwctl(leaving, "resync")
    cluster.lease("10.77.250.0/24", "192.168.51.250")
    eventually(lambda: "10.77.250.0/24" in leaving.host.ours())
    cluster.delete("subnets/10.77.250.0-24")
    eventually(lambda: "10.77.250.0/24" not in leaving.host.ours())
    assert subnet not in cluster.leases()

    resumed = hostgwctl(leaving, "resume")
    assert (resumed.returncode, resumed.stdout) == (0, "a subnet is claimed again\n")
    eventually(lambda: leaving.well)
    assert (leaving.subnet, pod_of(leaving)) == (subnet, pod)
    eventually(lambda: all(subnet in node.host.ours() for node in (one, other)))


def test_a_restart_claims_again(cluster: Cluster, nodes: list[Daemon]):
    """Nothing of the drain is kept: whoever starts the daemon wants it to work."""
    leaving = nodes[2]
    subnet = leaving.subnet
    assert hostgwctl(leaving, "drain").returncode == 0
    leaving.end()
    leaving.start("--removal-grace=2s", "--removal-hold=5m")
    assert leaving.subnet == subnet


def test_without_the_store_it_goes_on_trying(cluster: Cluster, nodes: list[Daemon]):
    """The command says that it has not left yet, and the daemon leaves when it can."""
    leaving = nodes[2]
    subnet = leaving.subnet
    leaving.host.ip("link", "set", "store0", "down")
    done = hostgwctl(leaving, "drain", "--within=3s")
    assert done.returncode == 1
    assert "it has not left yet" in done.stderr
    leaving.host.ip("link", "set", "store0", "up")
    eventually(lambda: "drained" in leaving.conditions, within=60)
    assert subnet not in cluster.leases()

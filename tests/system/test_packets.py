"""What a whole daemon does to packets: the set of nodes, old connections, a host without nft."""

from __future__ import annotations

import re
import socket
from pathlib import Path

import pytest

from hostgw_cli.lab.netns import Namespace
from support.daemon import Daemon, shows
from support.daemon_fixtures import Cluster, flannels
from support.waiting import eventually

pytestmark = pytest.mark.root

PEER, GATEWAY, OTHER = "10.77.9.0/24", "192.168.51.200", "192.168.51.201"


def nodes(daemon: Daemon) -> set[str]:
    """Give what the set of nodes holds in the kernel."""
    command = ("nft", "list", "set", "ip", "hostgw", "nodes")
    shown = daemon.host.namespace.run(*command, check=False).stdout
    _, _, elements = shown.partition("elements = {")
    return set(elements.partition("}")[0].replace(",", " ").split())


def handles(daemon: Daemon) -> list[str]:
    """Give the rules of our table with their handles."""
    shown = daemon.host.namespace.run("nft", "-a", "list", "table", "ip", "hostgw").stdout
    return [line for line in shown.splitlines() if " handle " in line]


@pytest.fixture(scope="module")
def node(shared: Cluster) -> Daemon:
    """A daemon that masquerades, with one peer."""
    shared.configure(Network="10.77.0.0/16", SubnetMin="10.77.64.0")
    shared.lease(PEER, GATEWAY)
    daemon = shared.daemon().start("--ip-masq")
    eventually(lambda: daemon.host.ours() == {PEER: GATEWAY})
    return daemon


def test_the_set_of_nodes_follows_the_leases(shared: Cluster, node: Daemon):
    """Our own address and those of all peers on the link; the rules stay the very same."""
    ours = {node.host.address}
    eventually(lambda: nodes(node) == ours | {GATEWAY})
    before = handles(node)
    shared.lease("10.77.10.0/24", OTHER)
    shared.lease("10.77.11.0/24", "203.0.113.7")  # not on the link: it knows no way back
    eventually(lambda: nodes(node) == ours | {GATEWAY, OTHER})
    shared.delete("subnets/10.77.10.0-24", "subnets/10.77.11.0-24")
    eventually(lambda: nodes(node) == ours | {GATEWAY})
    assert handles(node) == before
    assert node.metric("hostgw_masq_drift_total") == 0


def test_the_set_of_nodes_is_whole_from_the_start_on(node: Daemon, tmp_path: Path):
    """A daemon that starts again writes its table with every node it remembers, in one step.

    With an empty set, what pods begin to send to nodes would be masqueraded for that moment.
    """
    eventually(lambda: nodes(node) == {node.host.address, GATEWAY})
    eventually(lambda: b"10.77.9.0-24" in (node.state_dir / "snapshot").read_bytes())
    inside, said = node.host.namespace, tmp_path / "monitor"
    with said.open("wb") as file, inside.popen(["nft", "monitor"], stdout=file) as monitor:
        try:
            eventually(lambda: _heard(inside, said, "before"))
            assert node.end() == 0
            node.start("--ip-masq")
            eventually(lambda: nodes(node) == {node.host.address, GATEWAY})
            eventually(lambda: _heard(inside, said, "after"))
        finally:
            monitor.terminate()
    steps = re.split("^# new generation .*$", said.read_text(), flags=re.MULTILINE)
    made = [step for step in steps if "add set ip hostgw nodes" in step]
    assert made
    for step in made:
        assert GATEWAY in step


def _heard(inside: Namespace, said: Path, mark: str) -> bool:
    """Change something else, and tell whether the monitor has seen it: then it has seen all."""
    for verb in ("add", "delete"):
        inside.run("nft", verb, "table", "ip", mark)
    return f"table ip {mark}" in said.read_text()


def test_connections_to_a_subnet_that_moved_are_forgotten(shared: Cluster, node: Daemon):
    """Once the subnet is another node's, and not when the same node only writes its lease anew."""
    name = "hostgw_conntrack_forgotten_total"
    with node.host.namespace.enter():
        mouth = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with mouth:
        mouth.sendto(b"?", ("10.77.9.9", 9))
        shared.put("subnets/10.77.9.0-24", flannels(GATEWAY, Node="named"))
        shared.lease("10.77.12.0/24", OTHER)
        eventually(lambda: "10.77.12.0/24" in node.host.ours())
        forgotten = node.metric(name)
        mouth.sendto(b"?", ("10.77.9.9", 9))
        shared.lease(PEER, OTHER)
        eventually(lambda: node.metric(name) == forgotten + 1)
    assert forgotten == 0
    shared.lease(PEER, GATEWAY)


def test_without_nft_routes_go_on(cluster: Cluster, tmp_path):
    """A condition with a sentence and its cure; leases, routes and files are as ever."""
    cluster.lease(PEER, GATEWAY)
    daemon = cluster.daemon().start("--ip-masq", wrapper=("env", f"PATH={tmp_path}"))
    eventually(shows(daemon, "masquerade_failing"))
    assert "install the package nftables" in daemon.conditions["masquerade_failing"]
    assert daemon.ready
    cluster.lease("10.77.10.0/24", OTHER)
    eventually(lambda: daemon.host.ours() == {PEER: GATEWAY, "10.77.10.0/24": OTHER})
    assert daemon.subnet_env()["FLANNEL_IPMASQ"] == "true"


def test_a_firewall_that_drops_is_a_condition_with_its_cure(cluster: Cluster):
    """Named with the commands; once they are run it is gone. The routes never noticed."""
    cluster.lease(PEER, GATEWAY)
    daemon = cluster.daemon()
    run = daemon.host.namespace.run
    chain = "type filter hook forward priority 0; policy drop;"
    run("nft", "-f", "-", input=f"table inet mine {{ chain f {{ {chain} }}; }}")
    daemon.start()
    eventually(shows(daemon, "forward_dropped"))
    cure = daemon.conditions["forward_dropped"].partition("drops them: ")[2]
    assert cure.startswith("nft insert rule inet mine f ip saddr 10.77.0.0/16 accept; nft ")
    assert daemon.ready
    assert daemon.host.ours() == {PEER: GATEWAY}
    for command in cure.split("; "):
        run(*command.split())
    eventually(lambda: "forward_dropped" not in daemon.conditions, within=30.0)

"""A node that leaves on purpose, among two that have packets to carry."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from support.daemon import Daemon
from support.daemon_fixtures import Cluster
from support.hostgwctl import Ctl, hostgwctl
from support.waiting import eventually

pytestmark = pytest.mark.root

FLAGS = ("--removal-grace=2s", "--removal-hold=5m")


@pytest.fixture
def nodes(cluster: Cluster) -> list[Daemon]:
    """Three daemons that route to each other, each with an address of its pods."""
    made = [cluster.daemon().start(*FLAGS) for _ in range(3)]
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


def begin(node: Daemon, *words: str) -> subprocess.Popen[str]:
    """Begin to drain a node."""
    ctl = Ctl("http://127.0.0.1:1", node.prefix, run_dir=str(node.run_dir))
    argv = ["setpriv", "--pdeathsig", "KILL", *ctl.argv("drain", *words)]
    out = subprocess.PIPE
    return subprocess.Popen(argv, env=ctl.environ, stdout=out, stderr=out, text=True)


def ended(drain: subprocess.Popen[str]) -> tuple[int, str, str]:
    """Wait for its end; give its status and what it said."""
    out, err = drain.communicate(timeout=60)
    return drain.returncode, out, err


def applied(cluster: Cluster) -> dict[str, int]:
    """Give the revision that each node says it routes by, as etcdctl has it."""
    values = cluster.ctl.values(f"{cluster.prefix}/hostgw/nodes/").values()
    return {said["Node"]: said["Applied"] for said in map(json.loads, values)}


def withdrawn(node: Daemon) -> bool:
    """Tell whether it waits until the others let go."""
    return "draining" in node.conditions


def test_a_node_leaves_and_the_others_lose_nothing(cluster: Cluster, nodes: list[Daemon]):
    """They say that they have let go; its lease, its presence, its routes, its file, no packet."""
    one, other, leaving = nodes
    subnet = leaving.subnet
    held = {node.subnet for node in nodes}
    cluster.lease("10.77.250.0/24", "192.168.51.250")  # flannel's: it cannot say anything
    with pinging(one, other) as there, pinging(other, one) as back:
        done = hostgwctl(leaving, "drain")
        assert (done.returncode, done.stderr) == (0, "")
        steps = done.stdout.splitlines()
        assert steps[0].startswith(f"{subnet} is withdrawn, at revision ")
        assert "2 of 2 nodes have let go; 192.168.51.250 cannot say" in steps
        assert steps[-1].startswith("it has left")
        revision = leaving.status["claim"]["withdrawal"]["revision"]
        said = applied(cluster)
        assert sorted(said) == [one.node, other.node]
        assert all(at >= revision for at in said.values())
        assert all(subnet not in node.host.ours() for node in (one, other))
        assert {*cluster.leases()} == (held - {subnet}) | {"10.77.250.0/24"}
        assert leaving.host.ours() == {}
        assert not leaving.subnet_file.exists()
        assert all(node.well for node in (one, other))
        assert one.metric('hostgw_holds{cause="many"}') == 0
    for lines in (there, back):
        summary = next(line for line in lines if "packets transmitted" in line)
        assert " 0% packet loss" in summary, summary


def test_a_drained_node_is_idle_and_comes_back(cluster: Cluster, nodes: list[Daemon]):
    """It says why, claims and writes nothing, even if there is something to write, and resumes."""
    one, other, leaving = nodes
    subnet = leaving.subnet
    assert hostgwctl(leaving, "drain").returncode == 0
    events = leaving.ask("/v1/events?since=0").json["events"]
    removed = [each for each in events if each["kind"] == "route_deleted"]
    assert {each["cause"] for each in removed} == {"this node has left on purpose"}
    kinds = {each["kind"] for each in events}
    assert "lease_left" in kinds
    assert "lease_lost" not in kinds

    assert leaving.ask("/readyz").status == 503
    assert "drained" in leaving.conditions
    assert "drained" in leaving.ask("/readyz/conditions?verbose").body
    assert leaving.ask("/livez").status == 200
    hostgwctl(leaving, "resync")
    cluster.lease("10.77.251.0/24", "192.168.51.251")
    eventually(lambda: "10.77.251.0/24" in one.host.ours())
    eventually(lambda: "10.77.251.0/24" in leaving.peers())
    leaving.subnet_file.write_text("FLANNEL_NETWORK=of another daemon\n")
    hostgwctl(leaving, "resync")
    assert hostgwctl(leaving, "plan").stdout == "nothing would change\n"
    assert leaving.host.ours() == {}
    assert subnet not in cluster.leases()
    assert leaving.subnet_file.read_text() == "FLANNEL_NETWORK=of another daemon\n"

    resumed = hostgwctl(leaving, "resume")
    assert (resumed.returncode, resumed.stdout) == (0, "a subnet is claimed again\n")
    eventually(lambda: leaving.ready)
    assert leaving.subnet == subnet
    eventually(lambda: leaving.subnet_env()["FLANNEL_SUBNET"] == subnet.replace(".0/24", ".1/24"))
    eventually(lambda: {one.subnet, other.subnet} <= {*leaving.host.ours()})
    eventually(lambda: all(subnet in node.host.ours() for node in (one, other)))


def test_nobody_gets_the_subnet_before_the_last_one_has_let_go(
    cluster: Cluster, nodes: list[Daemon]
):
    """One that hangs is waited for and named; who has it reserved comes too early."""
    _, hangs, leaving = nodes
    subnet = leaving.subnet
    hangs.send(signal.SIGSTOP)
    drain = begin(leaving, "--wait=50s")
    waits = f"1 of 2 nodes say that they let go, {hangs.node} not yet"
    eventually(lambda: waits in leaving.conditions.get("draining", ""))
    kept = f"hostgw/reservations/{subnet.replace('/', '-')}"
    cluster.put(kept, {"Node": "early"})
    assert cluster.daemon(node="early").start(*FLAGS).subnet != subnet
    assert cluster.leases()[subnet]["BackendType"] == "quarantine"
    assert drain.poll() is None
    hangs.send(signal.SIGCONT)
    status, out, err = ended(drain)
    assert (status, err) == (0, ""), out
    assert "3 of 3 nodes have let go" in out
    assert subnet not in hangs.host.ours()
    cluster.put(kept, {"Node": "late"})
    assert cluster.daemon(node="late").start(*FLAGS).subnet == subnet
    eventually(lambda: subnet in hangs.host.ours())


def test_who_does_not_let_go_is_named_and_waited_for_so_long(cluster: Cluster, nodes: list[Daemon]):
    """Then the node leaves all the same, with status 1; a program reads the same."""
    _, paused, leaving = nodes
    subnet = leaving.subnet
    assert hostgwctl(paused, "pause", "--for=5m").returncode == 0
    done = hostgwctl(leaving, "drain", "--wait=6s", "-o", "json")
    assert done.returncode == 1
    assert f"1 of 2 nodes have let go, {paused.node} not yet" in done.stderr
    assert "it has left, though not every node said that it let go" in done.stderr
    found = json.loads(done.stdout)
    assert (found["left"], found["stays"], found["attached"]) == (True, [], {})
    (network,) = found["networks"]
    assert (network["subnets"], network["let_go"], network["released"]) == ([subnet], 1, True)
    assert network["behind"] == {"count": 1, "first": [paused.node]}
    assert subnet not in cluster.leases()
    assert leaving.host.ours() == {}
    assert paused.node in leaving.conditions["drained"]
    assert any(paused.node in line.get("nodes", ()) for line in leaving.lines())
    assert subnet in paused.host.ours()


def test_a_crash_in_the_middle_is_a_change_of_mind(cluster: Cluster, nodes: list[Daemon]):
    """The command says that the daemon is gone; the next one takes its lease out of quarantine."""
    one, paused, leaving = nodes
    subnet = leaving.subnet
    hostgwctl(paused, "pause", "--for=5m")
    drain = begin(leaving, "--wait=50s")
    eventually(lambda: withdrawn(leaving))
    eventually(lambda: subnet not in one.host.ours())
    leaving.kill()
    status, _, err = ended(drain)
    assert (status, err.splitlines()[-1][:18]) == (3, "Error: the daemon "), err
    leaving.start(*FLAGS)
    assert leaving.subnet == subnet
    assert cluster.leases()[subnet]["BackendType"] == "host-gw"
    eventually(lambda: subnet in one.host.ours())
    eventually(lambda: leaving.well)


def test_the_store_goes_away_in_the_middle(cluster: Cluster, nodes: list[Daemon]):
    """The drain stands still, says why, and goes on where it was."""
    _, paused, leaving = nodes
    subnet = leaving.subnet
    hostgwctl(paused, "pause", "--for=5m")
    drain = begin(leaving, "--wait=80s")
    eventually(lambda: withdrawn(leaving))
    leaving.host.ip("link", "set", "store0", "down")
    eventually(lambda: "store_unavailable" in leaving.conditions, within=30)
    hostgwctl(paused, "resume")
    eventually(lambda: subnet not in paused.host.ours())
    assert drain.poll() is None
    assert leaving.host.ours() != {}
    leaving.host.ip("link", "set", "store0", "up")
    status, _, err = ended(drain)
    assert (status, err) == (0, "")
    assert subnet not in cluster.leases()
    assert leaving.host.ours() == {}


def test_without_the_store_it_goes_on_trying(cluster: Cluster, nodes: list[Daemon]):
    """The command says that it has not left yet, and the daemon leaves when it can."""
    leaving = nodes[2]
    subnet = leaving.subnet
    leaving.host.ip("link", "set", "store0", "down")
    done = hostgwctl(leaving, "drain", "--within=3s")
    assert done.returncode == 1
    assert "it has not left yet" in done.stderr
    assert len(leaving.host.ours()) == 2
    assert leaving.subnet_file.exists()
    leaving.host.ip("link", "set", "store0", "up")
    eventually(lambda: "drained" in leaving.conditions, within=60)
    assert subnet not in cluster.leases()
    eventually(lambda: leaving.host.ours() == {})


def test_a_restart_claims_again(nodes: list[Daemon]):
    """Nothing of the drain is kept: whoever starts the daemon wants it to work."""
    leaving = nodes[2]
    subnet = leaving.subnet
    assert hostgwctl(leaving, "drain").returncode == 0
    leaving.end()
    leaving.start(*FLAGS)
    assert leaving.subnet == subnet
    eventually(lambda: all(len(node.host.ours()) == 2 for node in nodes))

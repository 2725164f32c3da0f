"""What an operator orders of a real daemon: a pause, a look, a level; and what is told of it."""

from __future__ import annotations

import json

import pytest

from support.daemon import Daemon, shows
from support.daemon_fixtures import Cluster
from support.hostgwctl import hostgwctl as ctl
from support.waiting import eventually

pytestmark = pytest.mark.root

HOME = {"10.77.201.0/24": "192.168.51.201", "10.77.202.0/24": "192.168.51.202"}
NEW = {"10.77.203.0/24": "192.168.51.203"}


@pytest.fixture
def node(cluster: Cluster) -> Daemon:
    """A daemon with two peers."""
    for subnet, gateway in HOME.items():
        cluster.lease(subnet, gateway)
    made = cluster.daemon().start("--lease-ttl=60")
    eventually(lambda: made.host.has(HOME) and made.well)
    return made


def done(daemon: Daemon, *words: str) -> str:
    """Run a command that must go well; give what it prints."""
    found = ctl(daemon, *words)
    assert (found.returncode, found.stderr) == (0, "")
    return found.stdout


def planned(daemon: Daemon) -> set[tuple[str, ...]]:
    """Give what the command says would change: what, how, where and why."""
    found = ctl(daemon, "plan", "-o", "json")
    changes = json.loads(found.stdout)["changes"]
    assert (found.returncode, found.stderr) == (1 if changes else 0, "")
    return {(c["what"], c["action"], c["thing"].split()[0], c["cause"]) for c in changes}


def test_while_paused_nothing_is_written_and_everything_is_known(cluster: Cluster, node: Daemon):
    """A new lease, a deleted route, a deleted file and a lost lease wait; the node stays itself."""
    subnet = node.subnet
    assert done(node, "pause", "--for=1h").startswith("nothing is written until ")
    eventually(shows(node, "paused"))
    assert "by the wish of" in node.conditions["paused"]
    assert node.ready
    with node.host.route_changes() as changes:
        cluster.lease(*next(iter(NEW.items())))
        node.host.ip("route", "del", "10.77.201.0/24")
        node.subnet_file.unlink()
        cluster.delete(f"subnets/{subnet.replace('/', '-')}")
        eventually(lambda: subnet in cluster.leases())  # what is held in the store is kept
        done(node, "resync")
        eventually(lambda: {*node.peers()} == {*HOME, *NEW})
        cluster.delete("subnets/10.77.202.0-24")
        eventually(lambda: {*node.peers()} == {"10.77.201.0/24", *NEW})
        assert planned(node) == {
            ("route", "add", "10.77.201.0/24", "missing"),
            ("route", "add", "10.77.203.0/24", "new"),
            ("route", "remove", "10.77.202.0/24", "gone"),
        }
        assert node.ask("/livez").status == 200
    assert [line.split()[1] for line in changes] == ["10.77.201.0/24"]
    assert not node.subnet_file.exists()
    assert done(node, "resume") == "the pause is over\n"
    eventually(lambda: node.host.has({"10.77.201.0/24": "192.168.51.201", **NEW}))
    eventually(node.subnet_file.exists)
    eventually(lambda: node.well)
    assert planned(node) == set()
    assert node.subnet == subnet
    assert done(node, "resume") == "it was neither paused nor drained\n"


def test_a_pause_ends_by_itself_and_by_a_restart(cluster: Cluster, node: Daemon):
    """Nobody has to remember it."""
    done(node, "pause", "--for=2s")
    node.host.ip("route", "del", "10.77.201.0/24")
    eventually(lambda: node.host.has(HOME), within=15)
    eventually(lambda: node.well)
    done(node, "pause", "--for=24h")
    node.host.ip("route", "del", "10.77.201.0/24")
    node.end()
    node.start("--lease-ttl=60")
    eventually(lambda: node.host.has(HOME))
    eventually(lambda: node.well)


def test_the_log_is_louder_for_a_while(node: Daemon):
    """The change itself is in the log, with who asked for it."""
    assert done(node, "log-level", "error", "--for=1h").startswith("logs from level error on until")
    said = [line for line in node.lines() if line["event"] == "The log level changes"]
    assert [(line["to"], line["asked_by"].split(",")[0]) for line in said] == [("error", "uid 0")]


def test_versions_and_metrics(cluster: Cluster, node: Daemon):
    """Of all three, where they can be reached; what cannot is named, and the status says so."""
    with node.host.namespace.enter():
        found = ctl(node, "version", f"--etcd-endpoints={node.endpoints}", "-o", "json")
    assert (found.returncode, found.stderr) == (0, "")
    versions = json.loads(found.stdout)
    assert versions["hostgwctl"] == versions["hostgwd"] == node.status["version"]
    assert versions["etcd"][0].isdigit()
    assert versions["unreachable"] == {}
    assert done(node, "metrics", "--grep=^hostgw_ready") == "hostgw_ready 1.0\n"
    node.end()
    away = ctl(node, "version", "--etcd-endpoints=http://127.0.0.1:1", "--etcd-request-timeout=1s")
    assert away.returncode == 3
    assert away.stdout.count("not known: ") == 2

"""`hostgwctl check`: with a daemon its conditions, without one what one would need, for real."""

from __future__ import annotations

import json
from ipaddress import ip_network

import pytest

from support.daemon import Daemon
from support.daemon_fixtures import Cluster
from support.hostgwctl import hostgwctl
from support.waiting import eventually

pytestmark = pytest.mark.root


def preflight(daemon: Daemon, *flags: str) -> tuple[int, dict[str, str]]:
    """Let `hostgwctl check` look in the daemon's namespace; give status and lines by subject."""
    with daemon.host.namespace.enter():
        done = hostgwctl(daemon, "check", "--", *daemon.argv(*flags)[4:])
    found: dict[str, str] = {}
    subject = ""
    for line in done.stdout.splitlines():
        words = line.split()
        if words[0] in ("ok", "notice", "warning", "error"):
            subject = words[1]
            found[subject] = found.get(subject, "") + f"{words[0]} {' '.join(words[2:])}\n"
        elif words[0] == "Cure:":
            found[subject] += line.strip() + "\n"
    return done.returncode, found


@pytest.fixture
def node(cluster: Cluster) -> Daemon:
    """A daemon that does not run yet, on a host that forwards."""
    made = cluster.daemon()
    made.host.namespace.run("sysctl", "-qw", "net.ipv4.ip_forward=1")
    return made


def test_before_a_daemon_runs(cluster: Cluster, node: Daemon):
    """Where all is well each subject says so; nothing is made, and nothing written."""
    status, found = preflight(node)
    assert (status, {each.split()[0] for each in found.values()}) == (0, {"ok"}), found
    assert "routes of protocol 104 can be written; none are there" in found["kernel"]
    assert found["etcd"].split()[1][0].isdigit()
    assert f"10.77.0.0/16, at {cluster.prefix}/config" in found["network"]
    assert found["link"].startswith("ok eth0: has the default route")
    assert (node.host.ours(), cluster.leases(), node.folder.exists()) == ({}, {}, False)


def test_what_is_wrong_has_its_cure(cluster: Cluster, node: Daemon, monkeypatch):
    """No configuration, no forwarding, no plugin, no store: each named, and the rest looked at."""
    cluster.delete("config")
    node.host.namespace.run("sysctl", "-qw", "net.ipv4.ip_forward=0")
    flags = ("--cni-conf=/nowhere/10.conflist", "--cni-bin-dir=/nowhere")
    status, found = preflight(node, *flags)
    assert status == 1
    assert found["network"].startswith(
        f"error there is no configuration at {cluster.prefix}/config"
    )
    assert "Cure: write one with `hostgwctl config set`" in found["network"]
    assert found["cni"].startswith("warning there is no bridge and no host-local in /nowhere")
    assert "Cure: install containernetworking-plugins" in found["cni"]
    status, found = preflight(node, "--etcd-endpoints=http://127.0.0.1:1", "--iface=nowhere0")
    assert status == 1
    assert found["etcd"].startswith("error http://127.0.0.1:1: ")
    assert found["link"].startswith("error ")
    assert found["kernel"].startswith("ok ")
    cluster.configure()
    status, found = preflight(node)
    assert status == 1
    assert "forwarding_off" in found["host"]
    assert "Cure: sysctl -w net.ipv4.ip_forward=1" in found["host"]
    status, found = preflight(node, "--lease-ttl=5")
    assert (status, found) == (2, {})


def test_without_the_right_to_write_routes(node: Daemon):
    """The kernel itself says so: the deletion of a route that is not there is refused."""
    drop = ("setpriv", "--bounding-set=-net_admin", "--inh-caps=-net_admin")
    done = node.host.namespace.run(*drop, *node.argv("--check"), check=False, timeout=60)
    assert done.returncode == 1
    assert "protocol 104 cannot be written: Operation not permitted" in done.stdout
    assert "CAP_NET_ADMIN" in done.stdout


def test_a_daemon_that_runs_is_asked(cluster: Cluster, node: Daemon):
    """Its conditions are the findings; whoever looks with settings of his own is told of it."""
    node.start()
    eventually(lambda: node.well)
    done = hostgwctl(node, "check")
    assert (done.returncode, done.stderr) == (0, "")
    assert "is ready" in done.stdout
    status, found = preflight(node)
    assert (status, found["lock"].split()[0]) == (0, "notice")
    cluster.put("subnets/10.77.9.0-24", "nonsense")
    eventually(lambda: "records_refused" in node.conditions)
    done = hostgwctl(node, "check", "-o", "json")
    document = json.loads(done.stdout)
    (one,) = [each for each in document["findings"] if each["subject"] == "records_refused"]
    assert (done.returncode, document["asked"]) == (1, "daemon")
    assert one["severity"] == "warning"
    assert one["cure"]
    node.end()
    away = hostgwctl(node, "check", "-o", "json")
    assert "what a daemon would need is looked at instead" in away.stderr
    assert json.loads(away.stdout)["asked"] == "hostgwd --check"


def test_our_own_pods_are_no_strangers(node: Daemon):
    """The interface of the pods of a daemon that ran is where it must be."""
    node.start()
    eventually(lambda: node.well)
    subnet = ip_network(node.subnet)
    node.end()
    node.host.namespace.run("ip", "link", "add", "cni0", "type", "bridge")
    node.host.namespace.run("ip", "link", "set", "cni0", "up")
    node.host.namespace.run(
        "ip", "address", "add", f"{subnet[0] + 1}/{subnet.prefixlen}", "dev", "cni0"
    )
    status, found = preflight(node)
    assert (status, found["host"].split()[0]) == (0, "ok"), found

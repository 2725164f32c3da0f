"""What is wrong with the host, told by a whole daemon while it happens, and put right if asked."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from hostgw_cli.lab.netns import veth
from support.daemon import Daemon, shows
from support.daemon_fixtures import Cluster
from support.site import Host
from support.waiting import eventually

pytestmark = pytest.mark.root

SOON = 5.0  # seconds
PEER = {"10.77.31.0/24": "192.168.51.31"}
READ_ONLY = "mount --bind /proc/sys /proc/sys && mount -o remount,bind,ro /proc/sys && exec"


def sysctl(host: Host, words: str) -> None:
    """Write a sysctl of a host."""
    host.namespace.run("sysctl", "-qw", words)


def says(host: Host, path: str) -> str:
    """Read a sysctl of a host."""
    with host.namespace.enter():
        return Path("/proc/sys", path).read_text().strip()


def named(node: Daemon, code: str) -> dict[str, str]:
    """Give a condition as the status shows it."""
    (found,) = (each for each in node.status["conditions"] if each["code"] == code)
    return dict(found)


@pytest.fixture
def peered(cluster: Cluster) -> Cluster:
    """Have another node in the cluster."""
    for subnet, gateway in PEER.items():
        cluster.lease(subnet, gateway)
    return cluster


def test_a_healthy_host_is_not_complained_about(peered: Cluster):
    """Nothing is found, and what was looked at is measured."""
    node = peered.daemon().start()
    eventually(lambda: node.metric('hostgw_neighbor_gc_thresh3{family="ipv4"}') > 0, within=SOON)
    assert node.well
    assert node.metric('hostgw_neighbor_entries{family="ipv4"}') > 0


def test_forwarding_that_is_switched_off_is_told_at_once(peered: Cluster):
    """With the command; it is over as soon as it is on again, and nobody else switched it on."""
    node = peered.daemon().start()
    host = node.host
    sysctl(host, "net.ipv4.ip_forward=0")
    eventually(shows(node, "forwarding_off"), within=SOON)
    told = named(node, "forwarding_off")
    assert told["severity"] == "error"
    assert told["detail"].endswith("sysctl -w net.ipv4.ip_forward=1")
    assert "comes in by eth0" in told["detail"]
    assert node.metric('hostgw_condition{code="forwarding_off"}') == 1
    assert any(line.get("condition") == "forwarding_off" for line in node.lines())
    assert node.ready  # its runtime may be about to switch it on
    assert host.has(PEER)
    assert says(host, "net/ipv4/ip_forward") == "0"
    subprocess.run(
        host.namespace.argv(*told["detail"].rpartition(": ")[2].split()),
        check=True,
        stdout=subprocess.DEVNULL,
    )
    eventually(lambda: node.well, within=SOON)


def test_the_setting_puts_it_right_and_says_what_it_was(peered: Cluster):
    """At the start and ever after; nothing else is written."""
    host = peered.host()
    sysctl(host, "net.ipv4.ip_forward=0")
    node = peered.daemon(host).start("--fix-sysctls")
    for times in (1, 2):
        eventually(lambda: says(host, "net/ipv4/ip_forward") == "1", within=SOON)
        eventually(lambda: node.well, within=SOON)
        said = [line for line in node.lines() if line.get("event") == "Set a sysctl"]
        assert [line["sysctl"] for line in said] == ["net.ipv4.ip_forward=1"] * times
        assert [line["before"] for line in said] == [0] * times
        sysctl(host, "net.ipv4.ip_forward=0")


def test_what_it_may_not_write_stands_with_the_reason(peered: Cluster):
    """As in a container, and under systemd's ProtectKernelTunables."""
    host = peered.host()
    sysctl(host, "net.ipv4.ip_forward=0")
    wrapper = ["unshare", "--mount", "sh", "-c", f'{READ_ONLY} "$@"', "sh"]
    node = peered.daemon(host).start("--fix-sysctls", wrapper=wrapper)
    eventually(shows(node, "forwarding_off"), within=SOON)
    reason = "net.ipv4.ip_forward cannot be written (Read-only file system)"
    assert node.conditions["forwarding_off"].endswith(reason)
    assert host.has(PEER)


def test_a_network_that_overlaps_the_hosts_own_is_told_and_routes_work(peered: Cluster):
    """A link gets a network inside the cluster's; a route of somebody else goes into a subnet."""
    node = peered.daemon().start()
    host = node.host
    veth(host.namespace, "lan0", host.namespace, "lan1")
    host.ip("address", "add", "10.77.200.1/24", "dev", "lan0")
    eventually(shows(node, "network_overlap"), within=SOON)
    assert "the network 10.77.200.0/24 of lan0" in node.conditions["network_overlap"]
    host.ip("route", "add", "10.77.31.128/25", "via", "192.168.51.9", "proto", "static")
    cure = "ip route del 10.77.31.128/25 proto 4"
    eventually(lambda: cure in node.conditions["network_overlap"], within=SOON)
    assert node.ready
    assert host.has(PEER)
    peered.lease("10.77.32.0/24", "192.168.51.32")
    eventually(lambda: host.has({**PEER, "10.77.32.0/24": "192.168.51.32"}), within=SOON)
    host.ip(*cure.split()[1:])
    host.ip("link", "del", "lan0")
    eventually(lambda: node.well, within=SOON)

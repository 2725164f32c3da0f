"""From settings to the values that the parts are opened with."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from dataclasses import fields
from ipaddress import IPv4Address, IPv4Network, IPv6Address, ip_network
from pathlib import Path

import pytest

from hostgw_core.etcd import EtcdSettings
from hostgw_core.model import Subnets
from hostgw_core.settings import Listen
from hostgw_daemon import opening
from hostgw_daemon.rules.masquerade import AUDIT
from hostgw_daemon.settings import parse
from hostgw_daemon.told.endpoints import Reach
from hostgw_daemon.told.listen import Tcp, Unix


def _no_file(path):
    raise FileNotFoundError(2, "No such file or directory", path)


def settings_of(*argv):
    """Read flags as the daemon does."""
    return parse(argv, {}, _no_file)


def test_how_etcd_is_reached_is_what_the_flags_say():
    """Each flag that concerns etcd arrives under its own name, the password unmasked."""
    found = EtcdSettings.of(
        settings_of(
            "--etcd-endpoints=https://a:2379,https://b:2379",
            "--etcd-cafile=/ca",
            "--etcd-certfile=/cert",
            "--etcd-keyfile=/key",
            "--etcd-username=node",
            "--etcd-password=secret",
            "--etcd-request-timeout=7s",
        )
    )
    assert found.endpoints == ("https://a:2379", "https://b:2379")
    assert (found.ca, found.cert, found.key) == ("/ca", "/cert", "/key")
    assert (found.username, found.password) == ("node", "secret")
    assert found.timeout == 7.0
    assert not found.discovery_srv


def test_a_password_in_a_file_and_members_in_dns_arrive_too():
    """The other way to log in, and the other way to find members."""
    found = EtcdSettings.of(
        settings_of(
            "--etcd-discovery-srv=example.com",
            "--etcd-username=node",
            "--etcd-password-file=/secret",
        )
    )
    assert found.discovery_srv == "example.com"
    assert (found.username, found.password_file) == ("node", "/secret")


def test_every_way_to_choose_the_interface_arrives():
    """No field of the rule is left at its default when its flag is given."""
    rule = opening.uplink_rule(
        settings_of(
            *("--iface=eth0", "--iface=192.0.2.1", "--iface-regex=^eth", "--iface-skip=docker*"),
            *("--iface-can-reach=192.0.2.254", "--iface-cidr=192.0.2.0/24"),
            *("--public-ip=192.0.2.1", "--public-ipv6=2001:db8::1", "--ipv4-via-ipv6"),
        )
    )
    assert rule.ifaces == ("eth0", "192.0.2.1")
    assert (rule.regexes, rule.skip) == (("^eth",), ("docker*",))
    assert rule.can_reach == IPv4Address("192.0.2.254")
    assert rule.cidrs == (ip_network("192.0.2.0/24"),)
    assert rule.public_ip == IPv4Address("192.0.2.1")
    assert rule.public_ipv6 == IPv6Address("2001:db8::1")
    assert all(getattr(rule, each.name) for each in fields(rule))


@pytest.mark.parametrize(
    ("argv", "seconds"),
    [((), AUDIT), (("--iptables-resync=5",), 5.0), (("--iptables-resync=90",), 90.0)],
)
def test_rules_are_looked_at_as_often_as_somebody_asked(argv, seconds):
    """Flannel's flag counts where it is given, be it with its default; else our own period."""
    assert opening.rules_audit(settings_of(*argv)) == seconds


@pytest.mark.parametrize(
    ("argv", "tcp"),
    [
        ((), [Tcp(Listen("", 9745))]),
        (("--http-address=off",), []),
        (
            ("--healthz-port=8080", "--healthz-ip=127.0.0.1"),
            [Tcp(Listen("", 9745)), Tcp(Listen("127.0.0.1", 8080), Reach.HEALTH)],
        ),
    ],
)
def test_where_it_is_served(argv, tcp):
    """The socket always; HTTP unless it is turned off; flannel's health port where it is asked."""
    assert opening.places(settings_of("--run-dir=/run/here", *argv)) == (
        Unix(Path("/run/here/hostgwd.sock")),
        *tcp,
    )


def test_what_flannel_left_is_its_subnet(tmp_path):
    """The subnet file of a flanneld names the subnet that this host had."""
    path = tmp_path / "subnet.env"
    path.write_text("FLANNEL_NETWORK=10.5.0.0/16\nFLANNEL_SUBNET=10.5.7.1/24\nFLANNEL_MTU=1500\n")
    assert opening.left_by_flannel(path) == Subnets(IPv4Network("10.5.7.0/24"))


def test_no_file_or_none_that_can_be_read_leaves_nothing(tmp_path):
    """A folder in its place, an unreadable path, no file at all: no subnet, and no failure."""
    (tmp_path / "folder").mkdir()
    for name in ("none", "folder", "none/deeper"):
        assert opening.left_by_flannel(tmp_path / name) == Subnets()


def test_who_this_process_is():
    """What does not change: this boot, this process, a new instance each time."""
    settings = settings_of("--etcd-password=secret", "--etcd-username=node")
    one = opening.myself(settings, node="n1", node_id="id-1")
    other = opening.myself(settings, node="n1", node_id="id-1")
    assert (one.node, one.node_id, one.pid) == ("n1", "id-1", os.getpid())
    assert one.boot_id == Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    assert re.fullmatch(r"[0-9a-f]{32}", one.instance)
    assert one.instance != other.instance
    assert not any("secret" in setting.value for setting in one.settings)
    assert any(setting.name == "etcd-prefix" for setting in one.settings)


def test_moments_of_both_clocks_become_moments_of_the_wall():
    """A moment of the monotonic clock, or of the clock since boot, plus its epoch is now."""
    me = opening.myself(settings_of(), node="n1", node_id="id-1")
    assert me.epoch + time.monotonic() == pytest.approx(time.time(), abs=1)
    assert me.boot_epoch + opening.boottime() == pytest.approx(time.time(), abs=1)
    assert me.started == pytest.approx(time.time(), abs=1)


@pytest.mark.root
def test_the_clock_of_leases_counts_the_time_asleep():
    """On a machine that slept for a day it is a day ahead of the monotonic clock."""
    say = (
        "import time; from hostgw_daemon.opening import boottime as b; print(b(), time.monotonic())"
    )
    slept = ["unshare", "--time", "--boottime", "86400", "--fork", sys.executable, "-c", say]
    done = subprocess.run(slept, capture_output=True, check=True, text=True)
    boottime, monotonic = map(float, done.stdout.split())
    assert boottime - monotonic >= 86399

"""The services in a real systemd, restarted, killed, hung and stopped: no route is lost."""

from __future__ import annotations

import pytest

from support.debian_tree import ROOT
from support.service_site import PEERS, ServiceSite, no_route_lost
from support.waiting import eventually

pytestmark = pytest.mark.root


def test_a_restart_keeps_the_subnet_and_every_route(site: ServiceSite) -> None:
    """`systemctl restart` is no event for a packet, and for nobody else in the cluster."""
    site.start_etcd()
    site.start()
    subnet, before = site.subnet(), site.pid()
    leases = ("get", "--prefix", "/coreos.com/network/subnets/")
    written = site.etcdctl(*leases)
    with no_route_lost(site):
        site.machine.run("systemctl", "restart", "hostgwd")
    assert site.pid() != before
    assert site.routes() == PEERS
    assert site.subnet() == subnet
    assert site.etcdctl(*leases) == written


def test_a_killed_daemon_comes_back(site: ServiceSite) -> None:
    """After `kill -9` systemd starts it again; no route is lost meanwhile."""
    site.start_etcd()
    site.start()
    subnet, before = site.subnet(), site.pid()
    with no_route_lost(site):
        site.machine.run("kill", "-KILL", str(before))
        eventually(
            lambda: site.pid() not in {0, before} and site.state() == "active",
            within=30,
            what="another process",
        )
    assert site.routes() == PEERS
    assert site.subnet() == subnet
    assert site.machine.show("hostgwd", "NRestarts")["NRestarts"] == "1"


def test_a_hanging_daemon_is_started_again(site: ServiceSite) -> None:
    """The watchdog is fed, and a daemon that no longer feeds it is replaced; no route is lost."""
    site.machine.write(
        "/etc/systemd/system/hostgwd.service.d/quick.conf",
        "[Service]\nWatchdogSec=2\nTimeoutAbortSec=1\n",
    )
    site.machine.run("systemctl", "daemon-reload")
    site.start_etcd()
    site.start()
    before = site.pid()
    fed = site.machine.show("hostgwd", "WatchdogTimestampMonotonic")
    eventually(lambda: site.machine.show("hostgwd", "WatchdogTimestampMonotonic") != fed)
    with no_route_lost(site):
        site.machine.run("kill", "-STOP", str(before))
        eventually(
            lambda: site.pid() not in {0, before} and site.state() == "active",
            within=30,
            what="another process",
        )
    assert "Watchdog timeout" in site.machine.journal("hostgwd")
    assert site.routes() == PEERS


def test_a_stopped_daemon_leaves_the_routes(site: ServiceSite) -> None:
    """`systemctl stop` ends the process well, and leaves routes and subnet.env where they are."""
    site.start_etcd()
    site.start()
    subnet = site.subnet()
    site.machine.run("systemctl", "stop", "hostgwd")
    shown = site.machine.show("hostgwd", "ActiveState", "Result", "ExecMainStatus")
    assert shown == {"ActiveState": "inactive", "Result": "success", "ExecMainStatus": "0"}
    assert site.routes() == PEERS
    assert site.subnet() == subnet


def test_what_networkd_takes_is_put_back(site: ServiceSite) -> None:
    """A networkd that starts takes no route; one that configures the link anew takes all."""
    site.machine.write(
        "/etc/systemd/network/eth0.network",
        "[Match]\nName=eth0\n[Network]\nLinkLocalAddressing=no\n"
        "[Address]\nAddress=192.168.50.1/24\nBroadcast=no\n",
    )
    drop_in = ROOT / "systemd/networkd.conf.d/hostgw.conf"
    site.machine.write("/etc/systemd/networkd.conf.d/hostgw.conf", drop_in.read_text())
    site.start_etcd()
    site.start()
    with no_route_lost(site):
        for _ in range(2):
            site.machine.run("systemctl", "restart", "systemd-networkd")
            eventually(
                lambda: "(configured)" in site.machine.run("networkctl", "status", "eth0"),
                what="networkd to have configured the link",
            )
    assert site.routes() == PEERS
    # The address goes and comes, and with it every route through the link, untold.
    before = site.machine.journal("hostgwd").count("changed the routes")
    site.machine.run("networkctl", "reconfigure", "eth0")
    eventually(
        lambda: site.machine.journal("hostgwd").count("changed the routes") > before,
        what="a pass that puts them back",
    )
    eventually(lambda: site.routes() == PEERS, what="the routes to be back")

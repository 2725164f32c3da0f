"""What a real daemon leaves on a host, and what of it the command takes away."""

import sys

import pytest

from support.waiting import eventually

pytestmark = pytest.mark.root


def clean(host, *arguments, check=True):
    """Run the command on a host of the lab."""
    command = [sys.executable, "-P", "-m", "hostgw_cli", "cleanup"]
    paths = [f"--subnet-file={host.subnet_file}", f"--cni-conf={host.conflist_file}"]
    return host.run(*command, *paths, *arguments, check=check, timeout=60)


def ours(host):
    """Give the destinations of the routes of our protocol, in both families."""
    return {
        route["dst"]
        for family in ("-4", "-6")
        for route in host.ip_json(family, "route", "show", "table", "all", "proto", "104")
    }


def test_a_host_that_a_daemon_has_left_is_as_before_it_came(make_lab):
    """Routes, tables, rules, the link beside its containers and both files are gone.

    The forward policy is DROP, so that there are rules in iptables as well.
    """
    lab = make_lab(nodes=2, families=(4, 6), attachment="macvlan", daemons=False, containers=0)
    for host in lab.hosts:
        host.run("iptables-nft", "-P", "FORWARD", "DROP")
        host.run("ip6tables-nft", "-P", "FORWARD", "DROP")
    host = lab.hosts[0]
    before = [host.ip("-d", "address"), host.run("nft", "list", "ruleset").stdout]
    for each in lab.hosts:
        each.start_daemon("--ip-masq")
    eventually(lambda: len(ours(host)) == 2)
    for tool in ("iptables-nft", "ip6tables-nft"):
        eventually(lambda tool=tool: '"hostgw: ' in host.run(tool, "-S", "FORWARD").stdout)
    eventually(lambda: host.ip_json("link", "show", "group", "104"))

    refused = clean(host, check=False)
    assert refused.returncode == 1
    assert f"hostgwd runs here (process {host.daemon.pid})" in refused.stderr
    assert host.stop_daemon()
    assert len(ours(host)) == 2
    said = clean(host).stdout
    assert f"removes: rm {host.conflist_file}" in said
    assert f"removes: rm {host.subnet_file}" in said
    assert ours(host) == set()
    assert not host.subnet_file.exists()
    assert not host.conflist_file.exists()
    assert [host.ip("-d", "address"), host.run("nft", "list", "ruleset").stdout] == before
    assert clean(host).stdout == "nothing to remove\n"


def test_stale_routes_alone_go_and_no_packet_is_lost(make_lab):
    """The route to the host whose lease is gone goes; those to the living carry packets on."""
    lab = make_lab(nodes=4)
    one, two, *_, gone = lab.hosts
    eventually(lambda: len(ours(one)) == 3)
    dead, alive = str(gone.subnets()[4]), str(two.subnets()[4])
    with one.container(0).ping_steadily(two.container(0)) as steady:
        for host in (one, gone):
            assert host.stop_daemon()
        key = f"/coreos.com/network/subnets/{dead.replace('/', '-')}"
        assert lab.etcd.ctl("del", key).stdout.strip() == "1"
        said = clean(one, "--stale", f"--etcd-endpoints={lab.etcd.endpoints}").stdout
        one.container(0).ping(two.container(0), count=20)
    assert "no lease has this subnet" in said
    assert said.splitlines()[-1] == "1 removed"
    assert len(ours(one)) == 2
    assert dead not in ours(one)
    assert alive in ours(one)
    assert one.subnet_file.exists()
    assert steady.result.sent > 20
    assert steady.result.lost == 0


def test_an_emptied_store_makes_no_route_stale(make_lab):
    """Without any lease the store is doubted, and without an answer nothing is judged."""
    lab = make_lab(nodes=2, containers=0)
    host = lab.hosts[0]
    eventually(lambda: len(ours(host)) == 1)
    for each in lab.hosts:
        each.stop_daemon()
    lab.etcd.ctl("del", "--prefix", "/coreos.com/network/subnets/")
    at = f"--etcd-endpoints={lab.etcd.endpoints}"
    done = clean(host, "--stale", at, check=False)
    assert done.returncode == 1
    assert "no lease stands for 1 of 1 routes: is this the right store" in done.stderr
    lab.etcd.ctl("del", "--prefix", "/coreos.com/network/config")
    done = clean(host, "--stale", at, check=False)
    assert "there is no network under /coreos.com/network" in done.stderr
    lab.etcd.stop()
    done = clean(host, "--stale", at, "--etcd-request-timeout=1s", check=False)
    assert done.returncode == 3
    assert len(ours(host)) == 1

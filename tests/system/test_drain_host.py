"""What a drain leaves on a host: nothing, as those see it who know nothing of the program."""

from __future__ import annotations

import sys

import pytest

from support.hostgwctl import on
from support.waiting import eventually

pytestmark = pytest.mark.root


def leftovers(host):
    """Give what `hostgwctl cleanup` would take away: it knows things by their marks alone."""
    command = [sys.executable, "-P", "-m", "hostgw_cli", "cleanup", "--dry-run"]
    paths = [f"--subnet-file={host.subnet_file}", f"--cni-conf={host.conflist_file}"]
    return host.run(*command, *paths, timeout=60).stdout


def test_nothing_is_left_on_the_host_and_all_is_back_when_it_resumes(make_lab, tmp_path):
    """Routes, tables, rules, the link beside its containers, neighbours and both files.

    The forward policy is DROP, so that there are rules in iptables as well. A container that has
    its address still is said.
    """
    lab = make_lab(nodes=2, families=(4, 6), attachment="macvlan", daemons=False, containers=0)
    for host in lab.hosts:
        for tool in ("iptables-nft", "ip6tables-nft"):
            host.run(tool, "-P", "FORWARD", "DROP")
    host = lab.hosts[0]
    before = [host.ip("-d", "address"), host.run("nft", "list", "ruleset").stdout]
    for each in lab.hosts:
        each.start_daemon("--ip-masq", "--unassigned-route=unreachable")

    def parts():
        kinds = ("cleanup", "route delete", "neigh", "iptables", "nft delete", "link delete", "rm ")
        said = leftovers(host)
        return {kind for kind in kinds[1:] if kind in said}

    full = eventually(lambda: len(parts()) >= 5 and parts(), within=30, what="something to remove")
    assert {"route delete", "iptables", "nft delete", "link delete", "rm "} <= full
    subnet = str(host.subnets()[4])
    noted = tmp_path / "hostgw"
    noted.mkdir()
    for name in (subnet.replace("0/24", "7"), subnet.replace("0/24", "9"), "10.9.9.9", "lock"):
        (noted / name).touch()

    done = on(lab, host.name, "drain", f"--host-local={tmp_path}")
    assert (done.returncode, done.stderr) == (0, "")
    assert f"containers here use 2 of the addresses of {subnet}: they are cut off" in done.stdout
    assert leftovers(host) == "nothing to remove\n"
    assert host.ip_json("route", "show", "table", "all", "proto", "104") == []
    assert not host.subnet_file.exists()
    assert not host.conflist_file.exists()
    assert [host.ip("-d", "address"), host.run("nft", "list", "ruleset").stdout] == before

    assert on(lab, host.name, "resume").returncode == 0
    eventually(lambda: parts() == full, within=30, what="everything is there again")
    assert host.subnet_file.exists()
    assert host.conflist_file.exists()


def test_a_paused_host_keeps_what_it_has_until_the_pause_is_over(make_lab):
    """The node leaves, and the command says what is still on its host, and why."""
    lab = make_lab(nodes=2)
    host = lab.hosts[0]
    assert on(lab, host.name, "pause", "--for=5m").returncode == 0
    done = on(lab, host.name, "drain", "--within=12s")
    assert done.returncode == 1
    assert "it has not left yet: paused until" in done.stderr
    assert "is released" in done.stdout
    assert host.subnet_file.exists()
    plan = on(lab, host.name, "plan")
    assert plan.returncode == 1
    assert "this node has left on purpose" in plan.stdout
    assert str(host.subnet_file) in plan.stdout

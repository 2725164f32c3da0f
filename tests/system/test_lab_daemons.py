"""The lab with its daemons, as a person uses it."""

import json
import re
import signal
import subprocess
import sys

import pytest

from hostgw_cli.lab.build import Lab, take_down
from support.lab_fixtures import lab_name, left_behind
from support.waiting import eventually

pytestmark = pytest.mark.root


def ctl(*arguments, check=True):
    """Run `hostgwctl lab` in a process of its own."""
    return subprocess.run(
        [sys.executable, "-P", "-m", "hostgw_cli", "lab", *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=check,
    )


def test_a_person_makes_a_lab_looks_at_it_and_hears_of_what_is_amiss():
    """`up`, `ping` and `status` agree that all is well, until a daemon is gone."""
    name = lab_name()
    try:
        ctl("up", "--name", name, "--nodes=2", "--containers=2", "--", "--log-format=json")
        pairs = ctl("ping", "--name", name, "--count=1").stdout.splitlines()
        assert len(pairs) == 12
        assert all("1 of 1 answered" in each for each in pairs)
        rows = [line.split() for line in ctl("status", "--name", name).stdout.splitlines()[1:]]
        assert [row[0] for row in rows] == ["etcd1", "n1", "n2"]
        for row in rows[1:]:
            assert row[2] == "ready"
            assert re.fullmatch(r"10\.244\.\d+\.1/24", row[3])
            assert row[4] == "1"  # a route to the other
        lab = Lab.find(name)
        assert json.loads(lab.hosts[0].log.read_text().splitlines()[0])  # the flag has arrived
        lab.hosts[1].kill_daemon()
        status = ctl("status", "--name", name, check=False)
        assert status.returncode == 1
        assert re.search(r"n2 .* stopped ", status.stdout)
        # The routes are still there: packets do not ask for the daemon.
        assert ctl("ping", "--name", name, "--count=1").returncode == 0
        lab.hosts[1].unplug()
        lost = ctl("ping", "--name", name, "--count=1", check=False)
        assert lost.returncode == 1
        assert "0 of 1 answered" in lost.stdout
    finally:
        take_down(name)
    assert left_behind(name) == []


@pytest.mark.parametrize(
    ("families", "subnets", "addresses", "routes"),
    [
        ("46", [r"10\.244\.\d+\.1/24", r"fd00:10:244:[0-9a-f]+::1/64"], 2, "2"),
        ("6", [r"fd00:10:244:[0-9a-f]+::1/64"], 1, "1"),
    ],
)
def test_a_lab_with_ipv6_is_pinged_and_shown_in_every_family(families, subnets, addresses, routes):
    """With IPv6 alone, and with both, every pair answers in each family and `status` shows all."""
    name = lab_name()
    try:
        ctl("up", "--name", name, "--nodes=2", "--families", families)
        pairs = ctl("ping", "--name", name, "--count=1").stdout.splitlines()
        assert len(pairs) == 2 * addresses
        assert sum("-> n2/c1 (fd00:10:244:" in each for each in pairs) == 1
        assert all("1 of 1 answered" in each for each in pairs)
        rows = [line.split() for line in ctl("status", "--name", name).stdout.splitlines()[1:]]
        for row in rows[1:]:
            _, *underlay = row[: 1 + addresses]
            assert underlay[-1] == f"2001:2::{row[0].removeprefix('n')}"
            assert row[1 + addresses] == "ready"
            for text, subnet in zip(row[2 + addresses :], subnets, strict=False):
                assert re.fullmatch(subnet, text)
            assert row[2 + 2 * addresses] == routes
        inside = ctl("exec", "--name", name, "n1", "--", "ip", "-4", "-o", "address", "show")
        assert ("198.18.0.1" in inside.stdout) == ("4" in families)
        assert "n1 " in ctl("exec", "--name", name, "n1", "hostgwctl", "status").stdout
        assert "n2" in ctl("exec", "--name", name, "n1", "hostgwctl", "nodes").stdout
    finally:
        take_down(name)
    assert left_behind(name) == []


def test_a_daemon_that_cannot_start_is_said_with_its_last_words():
    """A wrong flag ends `up` with what the daemon said, and nothing of the lab is left."""
    name = lab_name()
    done = ctl("up", "--name", name, "--nodes=1", "--", "--no-such-flag", check=False)
    assert done.returncode == 1
    assert "the daemon of n1 has ended" in done.stderr
    assert "no-such-flag" in done.stderr
    assert left_behind(name) == []


def test_a_daemon_is_stopped_killed_and_started_again(make_lab):
    """Each way to end a daemon ends it, and it is ready again with the subnet it had."""
    host = make_lab(nodes=1).hosts[0]
    subnet = host.subnet_env()["FLANNEL_SUBNET"]
    first = host.daemon
    assert host.stop_daemon(signal.SIGTERM)
    assert not host.running
    host.start_daemon()
    assert host.daemon != first
    host.kill_daemon()
    assert not host.running
    host.start_daemon()
    assert host.http("/readyz")[0] == 200
    assert host.subnet_env()["FLANNEL_SUBNET"] == subnet
    assert f"{host.container(0).address}/24" == subnet.replace(".1/", ".2/")


def test_containers_move_to_the_subnet_that_the_daemon_now_has(make_lab):
    """Attached again after the lease has moved, they have addresses of the new subnet, and reach.

    The list is waited for: the daemon writes it after subnet.env.
    """
    lab = make_lab(nodes=2, containers=2)
    host, other = lab.hosts
    former = host.subnets()[4]
    host.stop_daemon()
    key = f"/coreos.com/network/subnets/{str(former).replace('/', '-')}"
    value = {"PublicIP": "198.18.0.99", "PublicIPv6": None, "BackendType": "host-gw"}
    lab.etcd.ctl("put", key, "--", json.dumps(value))
    host.start_daemon()
    eventually(lambda: host.subnets()[4] != former)
    host.attach_containers()
    assert {each.address in host.subnets()[4] for each in host.containers} == {True}
    assert host.container(0).ping(host.container(1))
    eventually(lambda: host.container(0).ping(other.container(0), within=0.5))

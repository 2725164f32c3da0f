"""The demonstration is what a newcomer sees first: whatever it claims must be so."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from hostgw_cli.lab.build import take_down
from hostgw_cli.lab.topology import LabSpec
from support.lab_fixtures import lab_name, left_behind
from support.waiting import eventually

pytestmark = pytest.mark.root

DEMO = [sys.executable, "-P", "-m", "hostgw_cli", "lab", "demo"]


def run(*arguments):
    """Run the demonstration in a pipe."""
    return subprocess.run(
        [*DEMO, *arguments], capture_output=True, text=True, timeout=180, check=False
    )


@pytest.fixture(scope="module")
def shown():
    """Give what one whole run printed, after a look at its exit status and what it left."""
    name = lab_name()
    done = run("--name", name)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    assert left_behind(name) == []
    return done.stdout


def test_every_claim_holds_and_the_pipe_gets_plain_text(shown):
    """No claim is false, and there is neither colour nor a spinner in a pipe."""
    assert "NOT SO" not in shown
    assert shown.count("   ok: ") >= 10
    assert "\x1b" not in shown
    assert "\r" not in shown
    assert shown.isascii()


def test_the_containers_are_attached_by_cni(shown):
    """It says by which plugins, and whose list they were told by."""
    words = "attached by real CNI plugins (bridge), told by the list that hostgwd wrote"
    assert f"ok: 3 containers are {words}" in shown
    assert "3 containers attached by CNI: bridge" in shown


def test_the_pings_cross_hosts(shown):
    """Each of three containers reaches the two others, all on different hosts."""
    assert "6 of 6 pairs reach each other, 6 of them across hosts" in shown
    assert len(re.findall(r"n\d/c1 \(10\.244\.\d+\.2\) -> n\d/c1 .*: 2 of 2 answered", shown)) >= 6


def test_the_leases_are_shown_as_etcdctl_shows_them(shown):
    """Keys and values are flannel's own, in plain text."""
    leases = re.findall(r"/coreos\.com/network/subnets/10\.244\.\d+\.0-24\n\s+(\{.*\})\n", shown)
    records = [json.loads(each) for each in leases]
    assert sorted(each["PublicIP"] for each in records) == [
        "198.18.0.1",
        "198.18.0.2",
        "198.18.0.3",
    ]
    assert {each["BackendType"] for each in records} == {"host-gw"}


def test_the_routes_are_shown_as_ip_route_shows_them(shown):
    """The first host has a route through each of the others."""
    for gateway in ("198.18.0.2", "198.18.0.3"):
        assert re.search(rf"10\.244\.\d+\.0/24 via {re.escape(gateway)} dev eth0 proto 104", shown)


def test_no_packet_is_lost_while_a_daemon_stops_or_a_host_dies(shown):
    """Both steady pings sent something and lost nothing."""
    counts = re.findall(r"(\d+) sent, (\d+) lost", shown)
    assert len(counts) == 2
    assert all(int(sent) > 20 and int(lost) == 0 for sent, lost in counts)


def test_a_deleted_route_is_back_in_measured_time(shown):
    """The number is a measurement of five deletions."""
    away = re.search(r"saw it again: ([\d., ]+) ms", shown)
    assert away
    assert len(away[1].split(", ")) == 5
    assert re.search(r"it was back each time, after [\d.]+ ms \(median\)", shown)


@pytest.mark.parametrize(("families", "pairs"), [("46", 4), ("6", 2)])
def test_every_claim_holds_in_the_other_families(families, pairs):
    """With both families, and with IPv6 alone, all that is shown is so in each of them."""
    name = lab_name()
    done = run("--name", name, "--nodes=2", "--families", families)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "NOT SO" not in done.stdout
    assert f"{pairs} of {pairs} pairs reach each other" in done.stdout
    assert "2 hosts hold 2 IPv6 subnets" in done.stdout
    assert re.search(r"fd00:10:244:\w+::/64 via 2001:2::2 dev eth0 proto 104", done.stdout)
    assert "$ ip -6 route delete fd00:10:244:" in done.stdout
    assert left_behind(name) == []


def test_what_is_kept_stands_and_can_be_taken_down():
    """With --keep the lab stands at the end, and the words it ends with take it down."""
    name = lab_name()
    try:
        done = run("--name", name, "--keep", "--nodes=2")
        assert done.returncode == 0, done.stdout + done.stderr
        assert f"hostgwctl lab down --name {name}" in done.stdout
        status = [sys.executable, "-P", "-m", "hostgw_cli", "lab", "status", "--name", name]
        subprocess.run(status, check=True, stdout=subprocess.DEVNULL, timeout=30)
    finally:
        assert take_down(name)
    assert left_behind(name) == []


def test_a_false_claim_is_said_and_is_the_exit_status():
    """With its daemon dead a route does not come back: the demonstration says so and fails."""
    name = lab_name()
    code = (
        "from hostgw_cli.lab import demo\n"
        "from hostgw_cli.lab.screen import Screen\n"
        "from hostgw_cli.lab.topology import LabSpec\n"
        "demo.BACK_WITHIN = 0.3\n"
        "from hostgw_cli.lab.waiting import wait_for\n"
        "def sabotage(lab, screen):\n"
        "    host = lab.hosts[0]\n"
        "    ours = lambda: host.namespace.ip_json('route', 'show', 'proto', '104')\n"
        "    wait_for(ours, what='a route to delete', within=10.0)\n"
        "    host.kill_daemon()\n"
        "demo.PARTS = (sabotage, demo.a_deleted_route_comes_back)\n"
        f"spec = LabSpec(name={name!r}, nodes=2)\n"
        "raise SystemExit(demo.run(spec, keep=False, screen=Screen()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert "NOT SO: the deleted route came back within 0.3 s" in done.stdout
    assert "This did not hold: the deleted route" in done.stdout
    assert left_behind(name) == []


def test_ctrl_c_in_the_middle_leaves_nothing_behind():
    """An interrupt while packets are on their way ends with the shell's status for it."""
    name = lab_name()
    command = [*DEMO, "--name", name]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        marker = LabSpec(name=name).prefix
        eventually(lambda: any("ping" in line for line in _commands(marker)), within=60)
        os.killpg(process.pid, signal.SIGINT)
        _, complaint = process.communicate(timeout=30)
    left = left_behind(name)
    take_down(name)
    assert process.returncode == 130
    assert "nothing is left behind" in complaint
    assert left == []


def _commands(marker):
    """Give what runs in the namespaces of a lab."""
    done = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=True)
    names = [line.split()[0] for line in done.stdout.splitlines() if line.startswith(marker)]
    found = []
    for name in names:
        pids = subprocess.run(["ip", "netns", "pids", name], capture_output=True, text=True)  # noqa: PLW1510 - it may be gone
        for pid in pids.stdout.split():
            try:
                found.append(Path(f"/proc/{pid}/cmdline").read_bytes().decode())
            except OSError:
                continue
    return found

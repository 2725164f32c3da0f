"""A host that starts while etcd is away: it routes by what it remembers, and takes nothing away."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path

import pytest

from support.daemon import Daemon, shows
from support.ear import Ear
from support.frail_fixtures import LEASED, Frail, reboot, remembers, settled
from support.impatience import HASTY
from support.waiting import eventually

pytestmark = pytest.mark.root

SOON = 5.0  # seconds
WIDE = "10.64.0.0/12"  # a network with room for thousands
GONE = "10.77.3.0/24"


@pytest.fixture
def ear(tmp_path: Path):
    """Listen as systemd does."""
    made = Ear(tmp_path)
    yield made
    made.close()


def rebooted(frail: Frail, *flags: str, count: int = 4, instead: str = "") -> Daemon:
    """Let a node hold a lease and remember so many; then etcd and the whole host go down."""
    node = frail.daemon().start(*flags, instead=instead)
    settled(node, count)
    assert node.end() == 0
    frail.lose_store()
    reboot(node)
    assert node.host.ours() == {}
    return node


def starts(node: Daemon, routes: dict[str, str], *flags: str, **how) -> float:
    """Start a daemon; give the seconds until the kernel has these routes."""
    began = time.monotonic()
    node.start(*flags, wait=False, **how)
    eventually(lambda: node.host.has(routes), within=10)
    return time.monotonic() - began


def test_a_host_that_reboots_without_a_store_is_there_for_its_containers(
    frail: Frail, ear: Ear, record_property
):
    """It routes, is ready, has its subnet file, and says everywhere that it goes by memory."""
    node = rebooted(frail)
    environment = {"NOTIFY_SOCKET": str(ear.path)}
    seconds = starts(node, LEASED, environment=environment)
    record_property("seconds", seconds)
    node.wait_ready()
    eventually(lambda: ear.said("READY") == ["1"])
    status = node.status
    own = status["claim"]["subnets"][0]
    assert (status["claim"]["phase"], status["claim"]["held"]) == ("headless", False)
    assert node.subnet_env()["FLANNEL_SUBNET"] == own.replace(".0/24", ".1/24")
    assert f"our subnet is {own}" in node.conditions["headless"]
    assert "4 leases are remembered of 20" in node.conditions["headless"]
    assert node.metric('hostgw_condition{code="headless"}') == 1
    eventually(lambda: "headless" in ear.said("STATUS")[-1], within=SOON)
    assert ear.said("STATUS")[-1].startswith(f"{own} headless; 3 routes to 3 peers")


def test_a_headless_node_writes_nothing_and_loses_nothing_when_the_store_is_back(frail: Frail):
    """Not one revision is its doing; what still holds is not touched; the lease is the same."""
    node = frail.daemon().start()
    own = settled(node, 4)["claim"]
    assert node.end() == 0
    key = frail.key(f"subnets/{own['subnets'][0].replace('/', '-')}")
    revision = frail.revision()
    frail.lose_store()
    reboot(node)
    starts(node, LEASED)
    node.wait_ready()
    node.send(signal.SIGSTOP)
    frail.bring_store_back()
    assert frail.revision() == revision
    with node.host.route_changes() as changes:
        node.send(signal.SIGCONT)
        eventually(lambda: node.status["claim"]["phase"] == "held", within=20)
        eventually(lambda: node.well, within=20)
    assert changes == []
    assert frail.key(f"subnets/{own['subnets'][0].replace('/', '-')}") == key
    assert node.status["claim"]["subnets"] == own["subnets"]


def test_what_went_while_a_node_was_away_goes_when_the_store_is_back(frail: Frail):
    """That one route, and no other for a moment."""
    node = frail.daemon().start()
    settled(node, 4)
    assert node.end() == 0
    frail.delete(f"subnets/{GONE.replace('/', '-')}")
    frail.lose_store()
    reboot(node)
    starts(node, LEASED)
    eventually(shows(node, "headless"))
    with node.host.route_changes() as changes:
        frail.bring_store_back()
        eventually(lambda: node.host.has({k: v for k, v in LEASED.items() if k != GONE}), within=20)
    assert [line.split()[:2] for line in changes] == [["Deleted", GONE]]


def test_a_subnet_whose_time_has_run_out_is_nobodys(frail: Frail):
    """The routes are there; the node is not ready, and tells no container a subnet."""
    ttl = 4
    node = rebooted(frail, f"--lease-ttl={ttl}s", instead=HASTY)
    renewal = json.loads((node.state_dir / "state.json").read_text())["memory"]["renewal"]
    assert renewal["ttl"] == ttl
    eventually(lambda: time.time() > renewal["at"]["wall"] + ttl, within=ttl + 1)
    starts(node, LEASED, f"--lease-ttl={ttl}s", instead=HASTY)
    eventually(shows(node, "headless"))
    assert "we have no subnet" in node.conditions["headless"]
    assert not node.ready
    assert not node.subnet_file.exists()
    assert node.status["claim"]["subnets"] == []


def test_a_lease_that_runs_out_meanwhile_ends_no_route(frail: Frail):
    """The file stays as it is, for containers run by it; the node is not ready any more."""
    ttl = 6
    flags = (f"--lease-ttl={ttl}s",)
    node = rebooted(frail, *flags, instead=HASTY)
    starts(node, LEASED, *flags, instead=HASTY)
    node.wait_ready()
    written = node.subnet_file.read_bytes()
    eventually(lambda: not node.ready, within=ttl + 2)
    assert node.subnet_file.read_bytes() == written
    assert node.host.ours() == LEASED


def test_routes_that_say_something_else_are_left_alone(frail: Frail):
    """A headless node adds; whose word counts is known when the store is back."""
    node = frail.daemon().start()
    settled(node, 4)
    metric = str(node.host.metric("10.77.1.0/24"))
    assert node.end() == 0
    frail.lose_store()
    reboot(node)
    ip = node.host.ip
    ip(
        "route",
        "add",
        "10.77.1.0/24",
        "via",
        "192.168.51.77",
        "proto",
        "104",
        "metric",
        str(metric),
    )
    ip("route", "add", "10.77.99.0/24", "via", "192.168.51.99", "proto", "104", "metric", "1500")
    before = {"10.77.1.0/24": "192.168.51.77", "10.77.99.0/24": "192.168.51.99"}
    starts(node, {**LEASED, **before})
    node.wait_ready()
    eventually(lambda: node.status["routes"]["last_full_pass"] is not None)
    assert node.host.ours() == {**LEASED, **before}
    frail.bring_store_back()
    eventually(lambda: node.host.has(LEASED), within=20)


def test_a_host_that_was_stopped_without_a_word_remembers(frail: Frail):
    """Nothing is written on the way down: whatever is known is on the disk already."""
    node = frail.daemon().start()
    settled(node, 4)
    frail.lease("10.77.4.0/24", "192.168.51.4")
    eventually(lambda: remembers(node, 5))
    node.kill()
    frail.lose_store()
    reboot(node)
    starts(node, {**LEASED, "10.77.4.0/24": "192.168.51.4"})


def test_a_thousand_routes_come_as_quickly(frail: Frail, record_property):
    """What is counted is that all are there; how long it took is noted."""
    frail.configure(Network=WIDE)
    leases = {
        f"10.{64 + (n >> 8)}.{n & 255}.0/24": f"192.168.{52 + (n >> 8)}.{n & 255}"
        for n in range(1, 1001)
    }
    frail.lease_all(leases)
    node = rebooted(frail, count=len(leases) + len(LEASED) + 1)
    seconds = starts(node, {**leases, **LEASED})
    record_property("seconds", seconds)
    assert frail.site.etcd.process is None

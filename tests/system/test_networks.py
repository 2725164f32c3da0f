"""Several networks in one daemon: a lease of each, one routing table, and troubles kept apart.

Three hosts: `one` and `two` are members of the network at the cluster's prefix and of `blue`, which
lies under that prefix; `three` is a member of the first alone.
"""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any, NamedTuple

import pytest

from support.daemon import Daemon
from support.daemon_fixtures import Cluster, flannels
from support.frail_fixtures import remembers
from support.site import Site
from support.waiting import eventually

pytestmark = pytest.mark.root

BLUE = {"Network": "10.78.0.0/16", "Backend": {"Type": "host-gw"}}
SOON = 8.0  # seconds


class Three(NamedTuple):
    """The hosts' daemons."""

    one: Daemon
    two: Daemon
    three: Daemon


@pytest.fixture(scope="module")
def own_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site whose store is these tests' own."""
    with Site.build(tmp_path_factory.mktemp("networks")) as made:
        yield made


@pytest.fixture
def cluster(own_site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster on it, both networks configured."""
    with ExitStack() as ends:
        made = Cluster(own_site, tmp_path_factory.mktemp("n"), ends)
        made.configure()
        made.put("blue/config", BLUE)
        yield made


@pytest.fixture
def hosts(cluster: Cluster) -> Three:
    """All three, started."""
    made = Three(*(cluster.daemon(node=name) for name in Three._fields))
    for daemon in made:
        daemon.start(*flags(daemon), wait=False)
    for daemon in made:
        daemon.wait_ready()
    eventually(lambda: all(routed(daemon, made) for daemon in made), within=SOON)
    return made


def flags(daemon: Daemon) -> tuple[str, ...]:
    """Say of which networks a daemon is a member."""
    return () if daemon.node == "three" else ("--networks=blue",)


def blue_env(daemon: Daemon) -> dict[str, str]:
    """Read the subnet file of the further network. An AssertionError while there is none."""
    path = daemon.subnet_file.parent / "networks" / "blue.env"
    assert path.exists()
    return dict(line.split("=", 1) for line in path.read_text().splitlines())


def leases(cluster: Cluster, network: str = "") -> dict[str, str]:
    """Give subnet and address of every lease in a network, as they stand in the store."""
    below = f"{cluster.prefix}{network}/subnets/"
    values: dict[str, str] = cluster.ctl.values(below)
    return {
        key.removeprefix(below).replace("-", "/"): str(json.loads(value)["PublicIP"])
        for key, value in values.items()
    }


def routed(daemon: Daemon, hosts: Three) -> bool:
    """Tell whether a host routes to all others of its networks, by their own word, and no more."""
    others = [each for each in hosts if each is not daemon]
    routes = {each.subnet: each.host.address for each in others}
    if daemon.node != "three":
        for each in others:
            if each.node != "three":
                routes[network_of(blue_env(each)["FLANNEL_SUBNET"])] = each.host.address
    return daemon.host.has(routes)


def network_of(first: str) -> str:
    """Give the /24 of its first address: 10.78.4.1/24 is of 10.78.4.0/24."""
    return first.rpartition(".")[0] + ".0/24"


def shown(daemon: Daemon) -> dict[str, Any]:
    """Give the conditions, the detail of each by its code."""
    return daemon.conditions


# -- what there is ------------------------------------------------------------------------------


def test_a_lease_of_each_network_and_the_routes_of_both(cluster: Cluster, hosts: Three):
    """Own lease, own subnet file, own state; the files of the first network are as ever."""
    first, blue = leases(cluster), leases(cluster, "/blue")
    assert sorted(first.values()) == sorted(each.host.address for each in hosts)
    assert sorted(blue.values()) == sorted(each.host.address for each in (hosts.one, hosts.two))
    for daemon in (hosts.one, hosts.two):
        env = blue_env(daemon)
        assert env["FLANNEL_NETWORK"] == "10.78.0.0/16"
        assert blue[network_of(env["FLANNEL_SUBNET"])] == daemon.host.address
        assert daemon.subnet_env()["FLANNEL_NETWORK"] == "10.77.0.0/16"
        assert first[daemon.subnet] == daemon.host.address
        below = daemon.state_dir / "networks" / "blue"
        assert {each.name for each in below.iterdir()} >= {"state.json"}
        assert not (below / "node-id").exists()  # a node is one, whatever it is a member of
        node_id = daemon.status["node_id"]
        for prefix in ("", "/blue"):
            keys = cluster.ctl.values(f"{cluster.prefix}{prefix}/hostgw/nodes/")
            assert f"{cluster.prefix}{prefix}/hostgw/nodes/{node_id}" in keys
    assert not (hosts.three.subnet_file.parent / "networks").exists()
    assert all(each.well for each in hosts)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_restart_leaves_the_routes_of_both(
    cluster: Cluster, hosts: Three, number: signal.Signals
):
    """Whatever way it ends: not one route goes, and both leases are the same again."""
    daemon = hosts.one
    before, first, blue = daemon.host.ours(), leases(cluster), leases(cluster, "/blue")
    eventually(lambda: remembers(daemon, 2, network="blue"), within=SOON)
    with daemon.host.route_changes() as changes:
        if number == signal.SIGKILL:
            daemon.kill()
        else:
            assert daemon.end(number) == 0
        assert daemon.host.ours() == before
        daemon.start(*flags(daemon))
        eventually(lambda: daemon.status["routes"]["last_full_pass"] is not None)
        assert routed(daemon, hosts)
    assert [each for each in changes if "10.7" in each] == []
    assert (leases(cluster), leases(cluster, "/blue")) == (first, blue)


def test_a_store_that_is_away_at_the_start_spoils_no_network(cluster: Cluster, hosts: Three):
    """Both are remembered: their routes, their subnets and files are there without the store."""
    daemon = hosts.one
    eventually(lambda: remembers(daemon, 3), within=SOON)
    eventually(lambda: remembers(daemon, 2, network="blue"), within=SOON)
    before, own = daemon.host.ours(), blue_env(daemon)
    assert daemon.end() == 0
    for each in before:
        daemon.host.ip("route", "del", each, "proto", "104")
    (daemon.subnet_file.parent / "networks" / "blue.env").unlink()
    cluster.site.etcd.kill()
    try:
        daemon.start(*flags(daemon))
        eventually(lambda: daemon.host.has(before), within=SOON)
        eventually(lambda: blue_env(daemon) == own, within=SOON)
    finally:
        cluster.site.start_etcd()
    eventually(lambda: daemon.well and routed(daemon, hosts), within=20)


# -- one network's trouble ----------------------------------------------------------------------


def test_a_configuration_that_goes_spoils_nothing_of_the_other(cluster: Cluster, hosts: Three):
    """The last good one is in force there; leases come and go in the other as ever."""
    before = hosts.one.host.ours()
    cluster.delete("blue/config")
    eventually(lambda: "bad_config" in shown(hosts.one), within=SOON)
    assert "blue" in shown(hosts.one)["bad_config"]
    assert hosts.one.ready
    cluster.lease("10.77.250.0/24", "192.168.51.9")
    eventually(
        lambda: hosts.one.host.has({**before, "10.77.250.0/24": "192.168.51.9"}), within=SOON
    )
    cluster.delete("subnets/10.77.250.0-24")
    eventually(lambda: hosts.one.host.has(before), within=SOON)
    cluster.put("blue/config", BLUE)
    eventually(lambda: hosts.one.well, within=SOON)


def test_a_network_without_a_configuration_is_waited_for_by_itself(cluster: Cluster):
    """The first is ready without it, removals and all; when it comes, its lease does too."""
    cluster.delete("blue/config")
    cluster.lease("10.77.250.0/24", "192.168.51.9")
    daemon = cluster.daemon(node="one").start("--networks=blue")
    eventually(lambda: daemon.host.has({"10.77.250.0/24": "192.168.51.9"}), within=SOON)
    eventually(lambda: "blue" in shown(daemon).get("no_config", ""), within=SOON)
    assert daemon.ready
    cluster.delete("subnets/10.77.250.0-24")
    eventually(lambda: daemon.host.has({}), within=SOON)
    cluster.put("blue/config", BLUE)
    eventually(lambda: len(leases(cluster, "/blue")) == 1, within=20)
    eventually(lambda: daemon.well, within=SOON)


def test_a_wiped_prefix_is_held_by_the_guard_of_that_network_alone(cluster: Cluster):
    """What goes from one network as if by accident is held; in the other, one that goes may go."""
    for number in range(201, 211):
        cluster.lease(f"10.77.{number}.0/24", f"192.168.51.{number}")
        gateway = flannels(f"192.168.51.{number}")
        cluster.put(f"blue/subnets/10.78.{number}.0-24", gateway)
    daemon = cluster.daemon(node="one")
    daemon.start("--networks=blue", "--removal-grace=0s", "--removal-hold=5m")
    full = {f"10.{net}.{n}.0/24": f"192.168.51.{n}" for net in (77, 78) for n in range(201, 211)}
    eventually(lambda: daemon.host.has(full), within=SOON)
    cluster.ctl.run("del", "--prefix", f"{cluster.prefix}/blue/subnets/")
    cluster.delete("subnets/10.77.201.0-24")
    del full["10.77.201.0/24"]
    eventually(lambda: daemon.host.has(full), within=SOON)
    eventually(lambda: "removals_held" in shown(daemon), within=SOON)
    assert "blue" in shown(daemon)["removals_held"]
    # Our own lease there is back at once, and the first network goes on as ever.
    eventually(lambda: len(leases(cluster, "/blue")) == 1, within=SOON)
    cluster.lease("10.77.250.0/24", "192.168.51.9")
    eventually(lambda: daemon.host.has({**full, "10.77.250.0/24": "192.168.51.9"}), within=SOON)
    assert daemon.ready


def test_a_network_that_overlaps_the_first_is_refused(cluster: Cluster):
    """The first goes on; the other has no lease and no route here, until there is room for it."""
    cluster.put("blue/config", {**BLUE, "Network": "10.77.128.0/17"})
    cluster.put("blue/subnets/10.77.200.0-24", flannels("192.168.51.200"))
    cluster.lease("10.77.9.0/24", "192.168.51.9")
    daemon = cluster.daemon(node="one").start("--networks=blue")
    eventually(lambda: "networks_overlap" in shown(daemon), within=SOON)
    why = shown(daemon)["networks_overlap"]
    assert "blue" in why
    assert "10.77.128.0/17 overlaps 10.77.0.0/16" in why
    assert daemon.host.has({"10.77.9.0/24": "192.168.51.9"})
    assert daemon.ready
    assert leases(cluster, "/blue") == {"10.77.200.0/24": "192.168.51.200"}
    cluster.put("blue/config", BLUE)
    eventually(lambda: len(leases(cluster, "/blue")) == 2, within=20)
    assert "networks_overlap" not in shown(daemon)
    # What is in force stays: the first is refused what the other has now.
    cluster.configure(Network="10.78.0.0/15")
    eventually(lambda: "networks_overlap" in shown(daemon), within=SOON)
    assert daemon.host.has({"10.77.9.0/24": "192.168.51.9"})
    assert daemon.ready
    cluster.configure()
    eventually(lambda: "networks_overlap" not in shown(daemon), within=SOON)

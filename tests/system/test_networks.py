"""Several networks in one daemon: a lease of each, and one routing table, whatever restarts."""

from __future__ import annotations

import signal

import pytest

from support.daemon_fixtures import Cluster
from support.frail_fixtures import remembers
from support.networks_fixtures import SOON, Three, blue_env, flags, leases, network_of, routed
from support.waiting import eventually

pytestmark = pytest.mark.root


def test_a_lease_of_each_network_and_the_routes_of_both(twofold: Cluster, three: Three):
    """Own lease, own subnet file, own state; the files of the first network are as ever."""
    first, blue = leases(twofold), leases(twofold, "/blue")
    assert sorted(first.values()) == sorted(each.host.address for each in three)
    assert sorted(blue.values()) == sorted(each.host.address for each in (three.one, three.two))
    for daemon in (three.one, three.two):
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
            keys = twofold.ctl.values(f"{twofold.prefix}{prefix}/hostgw/nodes/")
            assert f"{twofold.prefix}{prefix}/hostgw/nodes/{node_id}" in keys
    assert not (three.three.subnet_file.parent / "networks").exists()
    assert all(each.well for each in three)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_restart_leaves_the_routes_of_both(
    twofold: Cluster, three: Three, number: signal.Signals
):
    """Whatever way it ends: not one route goes, and both leases are the same again."""
    daemon = three.one
    before, first, blue = (
        daemon.host.ours(),
        leases(twofold),
        leases(twofold, "/blue"),
    )
    eventually(lambda: remembers(daemon, 2, network="blue"), within=SOON)
    with daemon.host.route_changes() as changes:
        if number == signal.SIGKILL:
            daemon.kill()
        else:
            assert daemon.end(number) == 0
        assert daemon.host.ours() == before
        daemon.start(*flags(daemon))
        eventually(lambda: daemon.status["routes"]["last_full_pass"] is not None)
        assert routed(daemon, three)
    assert [each for each in changes if "10.7" in each] == []
    assert (leases(twofold), leases(twofold, "/blue")) == (first, blue)


def test_a_store_that_is_away_at_the_start_spoils_no_network(twofold: Cluster, three: Three):
    """Both are remembered: their routes, their subnets and files are there without the store."""
    daemon = three.one
    eventually(lambda: remembers(daemon, 3), within=SOON)
    eventually(lambda: remembers(daemon, 2, network="blue"), within=SOON)
    before, own = daemon.host.ours(), blue_env(daemon)
    assert daemon.end() == 0
    for each in before:
        daemon.host.ip("route", "del", each, "proto", "104")
    (daemon.subnet_file.parent / "networks" / "blue.env").unlink()
    twofold.site.etcd.kill()
    try:
        daemon.start(*flags(daemon))
        eventually(lambda: daemon.host.has(before), within=SOON)
        eventually(lambda: blue_env(daemon) == own, within=SOON)
    finally:
        twofold.site.start_etcd()
    eventually(lambda: daemon.well and routed(daemon, three), within=20)


def test_each_is_shown_by_its_name(three: Three):
    """In the status, its documents and the metrics; without a name the first is meant, as ever."""
    node, blue = three.one, network_of(blue_env(three.one)["FLANNEL_SUBNET"])
    status = node.status
    assert [(each["name"], each["ready"]) for each in status["networks"]] == [
        ("default", True),
        ("blue", True),
    ]
    assert status["networks"][0]["claim"] == status["claim"]
    assert status["networks"][1]["claim"]["subnets"] == [blue]
    assert len(node.ask("/v1/peers").json) == 2
    (peer,) = node.ask("/v1/peers?network=blue").json
    assert (peer["node"], peer["state"]) == ("two", "ok")
    assert len(node.ask("/v1/leases?network=blue").json) == 2
    assert node.ask("/v1/config?network=blue").json["ipv4"]["network"] == "10.78.0.0/16"
    assert node.ask("/v1/peers?network=red").status == 404
    assert node.metric('hostgw_network_peers{network="default"}') == 2
    assert node.metric('hostgw_network_peers{network="blue"}') == 1
    assert node.metric('hostgw_network_lease_held{network="blue"}') == 1
    assert three.three.metric('hostgw_network_peers{network="default"}') == 2
    assert [each["name"] for each in three.three.status["networks"]] == ["default"]


def test_a_network_that_is_named_no_more_loses_its_routes(twofold: Cluster, three: Three):
    """At the next start, once the others were read; nothing of theirs is touched."""
    node = three.one
    blue = network_of(blue_env(three.two)["FLANNEL_SUBNET"])
    left = {subnet: gateway for subnet, gateway in node.host.ours().items() if subnet != blue}
    assert node.end() == 0
    with node.host.route_changes() as changes:
        node.start()
        eventually(lambda: node.host.has(left), within=SOON)
    assert all(blue in each for each in changes if "10.7" in each), changes
    assert len(leases(twofold, "/blue")) == 2  # its own ends with its time

"""Where a real daemon's routes go, and what becomes of them when the settings are others."""

import re

import pytest

from support.daemon import Daemon, shows
from support.daemon_fixtures import Cluster
from support.netns_fixtures import offers_vrf
from support.waiting import eventually

pytestmark = pytest.mark.root

PEERS = {f"10.77.{number}.0/24": f"192.168.51.{number}" for number in range(201, 206)}
SOON = 5.0  # seconds


@pytest.fixture
def node(cluster: Cluster) -> Daemon:
    """A daemon that was not started yet, and five peers."""
    for subnet, gateway in PEERS.items():
        cluster.lease(subnet, gateway)
    return cluster.daemon()


def routes(daemon: Daemon) -> set[tuple[object, ...]]:
    """Give table, destination, gateway, source and MTU of all routes of protocol 104."""
    shown = daemon.host.namespace.ip_json("route", "show", "table", "all", "proto", "104")
    return {
        (
            route.get("table", "main"),
            route["dst"],
            route.get("gateway", ""),
            route.get("prefsrc", ""),
            next((metric["mtu"] for metric in route.get("metrics", [])), 0),
        )
        for route in shown
    }


def expected(*, table: str = "main", source: str = "", mtu: int = 0) -> set[tuple[object, ...]]:
    """Give what there should be."""
    return {(table, subnet, gateway, source, mtu) for subnet, gateway in PEERS.items()}


@pytest.mark.parametrize("table", ["100", "4294967295"])
def test_other_settings_are_taken_up_without_a_gap(node: Daemon, table: str):
    """Every new route stands before the first old one goes, there and back again."""
    node.start()
    assert routes(node) == expected()
    source = node.host.address
    for flags, should in (
        ([f"--route-table={table}"], expected(table=table)),
        (["--route-mtu=1400"], expected(mtu=1400)),
        (["--route-mtu=1400", f"--route-src={source}"], expected(mtu=1400, source=source)),
        ([], expected()),
    ):
        node.end()
        with node.host.route_changes() as changes:
            node.start(*flags)
            # Where the store is slow to answer it goes by what it remembers first, and moves none.
            eventually(lambda should=should: routes(node) == should, within=SOON)
        assert [line.startswith("Deleted ") for line in changes] == [False] * 5 + [True] * 5


def test_a_stranger_in_our_table_is_named_with_its_cure(node: Daemon):
    """In the table of --route-table, and not in the main one, where it is nothing to us."""
    node.start("--route-table=100")
    subnet, gateway = next(iter(PEERS.items()))
    stranger = ("route", "add", subnet, "via", gateway, "proto", "static", "metric", "5")
    node.host.ip(*stranger)
    node.host.ip(*stranger, "table", "100")
    eventually(shows(node, "shadowed"), within=SOON)
    command = re.search(r"ip (route del [^;]+)", node.conditions["shadowed"])
    assert command, node.conditions
    node.host.ip(*command[1].split())
    eventually(lambda: node.well, within=SOON)
    assert len(node.host.ip("route", "show", subnet, "table", "main").splitlines()) == 1


def test_routes_of_our_protocol_are_ours_in_every_table(node: Daemon):
    """What another life left in another table goes, whoever uses that table otherwise."""
    node.host.ip("route", "add", "10.77.9.0/24", "via", "192.168.51.250", "table", "7",
                 "proto", "104")  # fmt: skip
    node.host.ip("route", "add", "192.0.2.0/24", "via", "192.168.51.250", "table", "7")
    node.start()
    assert routes(node) == expected()
    assert "192.0.2.0/24" in node.host.ip("route", "show", "table", "7")


def test_a_source_that_comes_and_goes(node: Daemon):
    """Routes are written without an address that is not there, and with it once it is."""
    node.start("--route-src=10.99.0.1")
    assert node.conditions["route_src_missing"] == "10.99.0.1"
    assert routes(node) == expected()
    node.host.ip("address", "add", "10.99.0.1/32", "dev", "lo")
    eventually(lambda: routes(node) == expected(source="10.99.0.1"), within=SOON)
    eventually(lambda: node.well, within=SOON)
    node.host.ip("address", "del", "10.99.0.1/32", "dev", "lo")
    eventually(lambda: routes(node) == expected(), within=SOON)
    assert node.conditions["route_src_missing"] == "10.99.0.1"


def test_an_mtu_that_the_link_does_not_carry_is_left_out_until_it_does(node: Daemon):
    """With it in the routes every large packet would be lost; a condition says what is so."""
    node.start("--route-mtu=4000")
    assert "eth0 carries 1500 at most" in node.conditions["route_mtu_impossible"]
    assert routes(node) == expected()
    node.host.ip("link", "set", "eth0", "mtu", "9000")
    eventually(lambda: routes(node) == expected(mtu=4000), within=SOON)
    eventually(lambda: node.well, within=SOON)


def test_without_its_vrf_it_writes_nothing_and_says_so(node: Daemon):
    """Not in the main table either; the sentence is another where the kernel has no such thing."""
    node.start("--vrf=blue", wait=False)
    eventually(shows(node, "no_vrf"))
    with node.host.namespace.enter():
        offered = offers_vrf()
    why = "there is no device blue" if offered else "this kernel has no VRF devices"
    assert why in node.conditions["no_vrf"]
    assert not node.ready
    assert routes(node) == set()


def test_the_table_of_a_vrf_is_followed(node: Daemon):
    """Routes go where the VRF's table is, also when it is made again with another one."""
    host = node.host
    with host.namespace.enter():
        if not offers_vrf():
            pytest.skip("this kernel has no VRF devices (CONFIG_NET_VRF)")
    node.start("--vrf=blue", "--iface=eth0", wait=False)
    for table in ("1000", "2000"):
        host.ip("link", "add", "blue", "type", "vrf", "table", table)
        host.ip("link", "set", "blue", "up")
        eventually(shows(node, "uplink_outside_vrf"), within=SOON)
        host.ip("link", "set", "eth0", "master", "blue")
        eventually(lambda table=table: routes(node) == expected(table=table), within=SOON)
        eventually(lambda: node.well, within=SOON)
        host.ip("link", "del", "blue")
        eventually(shows(node, "no_vrf"), within=SOON)

"""Clusters of both address families, and of IPv6 alone: real daemons, etcd, plugins and kernel."""

from __future__ import annotations

import json
import re
import signal

import pytest

from hostgw_cli.lab.pairs import ping_all
from support.families import LEASES, LEASES6, SOON, conditions, ours, settled, unanswered, values
from support.pod_site import source_seen
from support.waiting import eventually

pytestmark = pytest.mark.root


def test_two_families_are_one_lease_and_two_routes(make_lab):
    """One key in flannel's spelling, both subnets of one number, both routes, both ways to ping."""
    lab = make_lab(nodes=3, families=(4, 6))
    settled(lab)
    assert unanswered(lab) == []
    assert len(ping_all(lab.containers, count=1)) == 12
    records = values(lab, LEASES)
    assert len(records) == 3
    for name, value in records.items():
        match = re.fullmatch(r"10\.244\.(\d+)\.0-24&fd00:10:244:([0-9a-f]+)::-64", name)
        assert match
        assert int(match[1]) == int(match[2], 16)
        number = value["Node"].removeprefix("n")
        assert (value["PublicIP"], value["PublicIPv6"]) == (
            f"198.18.0.{number}",
            f"2001:2::{number}",
        )
    env = lab.hosts[0].subnet_env()
    assert list(env) == [
        "FLANNEL_NETWORK",
        "FLANNEL_SUBNET",
        "FLANNEL_IPV6_NETWORK",
        "FLANNEL_IPV6_SUBNET",
        "FLANNEL_MTU",
        "FLANNEL_IPMASQ",
    ]
    assert env["FLANNEL_IPV6_NETWORK"] == "fd00:10:244::/48"
    assert re.fullmatch(r"fd00:10:244:[0-9a-f]+::1/64", env["FLANNEL_IPV6_SUBNET"])
    assert lab.etcd.keys(LEASES6) == []


def test_ipv6_alone_lies_where_flannel_never_looks(make_lab):
    """No key below subnets/, none of IPv4 anywhere, and everything else as with IPv4."""
    lab = make_lab(nodes=2, families=(6,))
    settled(lab)
    assert unanswered(lab) == []
    assert lab.etcd.keys(LEASES) == []
    records = values(lab, LEASES6)
    assert {value["PublicIPv6"] for value in records.values()} == {"2001:2::1", "2001:2::2"}
    assert {value["PublicIP"] for value in records.values()} == {None}
    assert set(lab.hosts[0].subnet_env()) == {
        "FLANNEL_IPV6_NETWORK",
        "FLANNEL_IPV6_SUBNET",
        "FLANNEL_MTU",
        "FLANNEL_IPMASQ",
    }


@pytest.mark.parametrize("families", [(4, 6), (6,)])
def test_no_packet_is_lost_when_a_daemon_ends_and_the_store_is_away(make_lab, families):
    """SIGTERM, kill -9, and a start without a store: the same subnets, every ping answered."""
    lab = make_lab(nodes=2, families=families)
    settled(lab)
    host, other = lab.hosts
    before, routes = host.subnet_env(), ours(host)
    source, target = host.container(0), other.container(0)
    for family in families:
        source.ping(target.address_in(family), count=1)
    with source.ping_steadily(target.address_in(6)) as steady:
        assert host.stop_daemon(signal.SIGTERM)
        assert ours(host) == routes
        host.start_daemon()
        host.kill_daemon()
        assert ours(host) == routes
        host.start_daemon()
        host.kill_daemon()
        lab.etcd.stop()
        for destination, gateway in routes:
            host.ip("route", "del", destination, "via", gateway)
            break
        host.start_daemon()
        eventually(lambda: ours(host) == routes, within=SOON)
        assert "headless" in conditions(host)
        lab.etcd.start()
        eventually(lambda: conditions(host) == {}, within=SOON)
    assert host.subnet_env() == before
    assert steady.result.sent > 20
    # Only the one that was deleted by hand, and only until the daemon was started.
    assert unanswered(lab) == []


def test_a_network_gets_ipv6_and_loses_it_and_ipv4_never_stops(make_lab):
    """Each lease takes its IPv6 subnet beside its IPv4 one; back again nothing is taken away."""
    lab = make_lab(nodes=3, families=(4, 6), daemons=False)
    lab.configure(EnableIPv6=False)
    one, two, late = lab.hosts
    for host in (one, two):
        host.start_daemon()
        host.attach_containers()
    settled(lab, [one, two])
    ipv4 = {host.name: host.subnets()[4] for host in (one, two)}
    source, target = one.container(0), two.container(0).address_in(4)
    with source.ping_steadily(target) as steady:
        lab.configure()
        eventually(lambda: all(6 in host.subnets() for host in (one, two)), within=SOON)
        settled(lab, [one, two])
        assert {host.name: host.subnets()[4] for host in (one, two)} == ipv4
        assert [conditions(host) for host in (one, two)] == [{}, {}]
        keys = lab.etcd.keys(LEASES)
        assert len(keys) == 2
        assert all("&fd00:10:244:" in each for each in keys)
        lab.configure(EnableIPv6=False)
        eventually(lambda: "outside_config" in conditions(one), within=SOON)
        assert lab.etcd.keys(LEASES) == keys
        assert len(ours(one)) == 2
        # Who joins now has heard of no IPv6: it routes to the IPv4 half of those leases.
        late.start_daemon()
        late.attach_containers()
        eventually(lambda: len(ours(late)) == 2, within=SOON)
        assert {dst for dst, _ in ours(late)} == {str(each) for each in ipv4.values()}
        assert late.container(0).ping(target, count=2)
        lab.configure()
        eventually(lambda: 6 in late.subnets(), within=SOON)
        settled(lab)
    assert steady.result.sent > 20
    assert steady.result.lost == 0
    for host in lab.hosts:
        host.attach_containers()
    assert unanswered(lab) == []
    assert [conditions(host) for host in lab.hosts] == [{}, {}, {}]


def test_the_public_ipv6_address_is_the_one_that_was_set(make_lab):
    """Of several on the link the others are told that one, also where it is not the first."""
    lab = make_lab(nodes=1, families=(4, 6), daemons=False)
    (host,) = lab.hosts
    host.ip("address", "add", "2001:2::beef/64", "dev", "eth0")
    host.start_daemon("--public-ipv6=2001:2::beef")
    (value,) = values(lab, LEASES).values()
    assert (value["PublicIP"], value["PublicIPv6"]) == ("198.18.0.1", "2001:2::beef")


def test_a_gateway_of_link_scope_is_refused_in_a_sentence(make_lab):
    """fe80::9 is on every link: whose it is nobody can tell."""
    lab = make_lab(nodes=1, families=(6,))
    (host,) = lab.hosts
    value = {"PublicIP": None, "PublicIPv6": "fe80::9", "BackendType": "host-gw"}
    lab.etcd.ctl("put", f"{LEASES6}fd00:10:244:9::-64", "--", json.dumps(value))
    eventually(lambda: "records_refused" in conditions(host), within=SOON)
    assert conditions(host)["records_refused"] == "1 bad_address"
    assert ours(host) == set()


def test_what_pods_send_out_by_ipv6_has_the_hosts_address(make_lab):
    """With --ip-masq: to the outside the host's address; to a pod, the pod's own."""
    lab = make_lab(nodes=2, families=(4, 6), daemon_args=("--ip-masq",))
    settled(lab)
    host, other = lab.hosts
    pod, elsewhere = host.container(0), other.container(0)
    gateway = str(lab.topology.gateways[1].ip)
    assert pod.ping(lab.topology.gateways[1].ip, count=2)
    assert source_seen(pod.namespace, lab.switch, gateway) == "2001:2::1"
    there = str(elsewhere.address_in(6))
    assert source_seen(pod.namespace, elsewhere.namespace, there) == str(pod.address_in(6))

"""Every rule, judged by the packet that it is for: by the source address its receiver sees."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network

import pytest

from hostgw_daemon.rules.nftables import amendment
from hostgw_daemon.rules.ruleset import desired
from support.pod_packets import (
    FIRST,
    FIRST6,
    OUTSIDER,
    OUTSIDER6,
    POD,
    POD6,
    POD6_ELSEWHERE,
    POD_ELSEWHERE,
    RIGHT,
    RIGHT6,
    SECOND,
    SECOND6,
    UNTOUCHED,
    UNTOUCHED6,
    all_packets,
    all_packets6,
)
from support.pod_site import GROUP, GROUP6, flow, source_seen, spec

pytestmark = pytest.mark.root


@pytest.mark.usefixtures("in_force")
async def test_each_receiver_sees_the_right_address(site):
    """Pods see pods and clients as they are; the outside sees the host."""
    assert all_packets(site) == RIGHT


@pytest.mark.usefixtures("in_force")
async def test_each_receiver_sees_the_right_ipv6_address(site):
    """The same in IPv6."""
    site.wait_for_ipv6()
    assert all_packets6(site) == RIGHT6


async def test_nodes_can_be_masqueraded_as_all_others(site, firewall):
    """--ip-masq-nodes, as flannel does: a node sees the pod's host."""
    site.wait_for_ipv6()
    await firewall.write(desired(spec(nodes=None)), ())
    assert all_packets(site) == RIGHT | {"pod to node": FIRST}
    assert all_packets6(site) == RIGHT6 | {"pod to node": FIRST6}


async def test_the_nodes_follow_without_a_new_table(site, firewall, in_force):
    """An outsider that becomes a node sees the pod, and a node that leaves sees the host."""
    before = await firewall.read()
    wanted = {4: frozenset({FIRST, OUTSIDER}), 6: frozenset({FIRST6, OUTSIDER6})}
    await firewall.amend(amendment(before.elements, wanted))
    after = await firewall.read()
    assert after == replace(before, elements=wanted)
    assert source_seen(site.pod, site.outsider, OUTSIDER) == POD
    assert source_seen(site.pod, site.second, SECOND) == FIRST
    site.wait_for_ipv6()
    assert source_seen(site.pod, site.outsider, OUTSIDER6) == POD6
    assert source_seen(site.pod, site.second, SECOND6) == FIRST6


async def test_networks_that_are_not_masqueraded_see_the_pod(site, firewall):
    """--non-masquerade-cidr, in both families; part of a network in another is no hindrance."""
    named = ("192.168.50.3/32", "192.168.50.2/31", "fd50::3/128")
    await firewall.write(desired(spec(unmasqueraded=tuple(map(ip_network, named)))), ())
    site.wait_for_ipv6()
    assert all_packets(site) == RIGHT | {"pod to outsider": POD}
    assert all_packets6(site) == RIGHT6 | {"pod to outsider": POD6}


ELSEWHERE = [("198.51.100.1/32", POD_ELSEWHERE, FIRST), ("fd99::1/128", POD6_ELSEWHERE, FIRST6)]


@pytest.mark.usefixtures("in_force")
@pytest.mark.parametrize(("address", "destination", "seen"), ELSEWHERE, ids=["IPv4", "IPv6"])
async def test_a_host_with_another_address_reaches_pods_elsewhere(site, address, destination, seen):
    """A process bound to an address that the other host cannot answer takes the link's address."""
    site.first.ip("address", "add", address, "dev", "lo")
    site.wait_for_ipv6()
    source = address.partition("/")[0]
    assert source_seen(site.first, site.pod_elsewhere, destination, source=source) == seen


@pytest.mark.usefixtures("in_force")
@pytest.mark.parametrize(
    ("gateway", "destination", "host"),
    [("10.5.1.1", OUTSIDER, FIRST), ("fd00:5:0:1::1", OUTSIDER6, FIRST6)],
    ids=["IPv4", "IPv6"],
)
async def test_a_marked_packet_is_left_to_kube_proxy(site, gateway, destination, host):
    """Without kube-proxy's own chain nobody masquerades it; other marks change nothing."""
    site.wait_for_ipv6()
    send = {"source": gateway}
    assert source_seen(site.first, site.outsider, destination, **send) == host
    assert source_seen(site.first, site.outsider, destination, **send, mark=0x4000) == gateway
    assert source_seen(site.first, site.outsider, destination, **send, mark=0x14000) == gateway
    assert source_seen(site.first, site.outsider, destination, **send, mark=0x8000) == host


@pytest.mark.usefixtures("in_force")
@pytest.mark.parametrize(
    ("group", "source"), [(GROUP, "10.5.1.1"), (GROUP6, "fd00:5:0:1::1")], ids=["IPv4", "IPv6"]
)
async def test_multicast_keeps_its_source(site, group, source):
    """A group's members see who sent: nothing that they answer could come back through NAT."""
    site.wait_for_ipv6()
    assert source_seen(site.first, site.outsider, group, source=source) == source


async def test_without_masquerade_the_outside_sees_the_pod(site, firewall):
    """--ip-masq=false: no packet changes its source."""
    await firewall.write(desired(spec(masquerade=False)), ())
    assert all_packets(site) == UNTOUCHED
    site.wait_for_ipv6()
    assert all_packets6(site) == UNTOUCHED6


async def test_switching_off_is_in_force_at_once(site, firewall, in_force):
    """Masquerade removed while it was in force: new connections keep the pod's address."""
    await firewall.write(desired(spec(masquerade=False, forward_rules=False)), (4, 6))
    assert all_packets(site) == UNTOUCHED
    assert (await firewall.read()).tables == {}
    assert site.run("nft list ruleset") == ""


@pytest.mark.parametrize(
    ("destination", "host"), [(OUTSIDER, FIRST), (OUTSIDER6, FIRST6)], ids=["IPv4", "IPv6"]
)
async def test_ports_are_random_unless_that_is_switched_off(site, firewall, destination, host):
    """Ten connections with the ports they had, or with ten that were drawn."""
    site.wait_for_ipv6()

    def kept():
        """Count the connections that the receiver sees with their own port."""
        count = 0
        for _ in range(10):
            with flow(site.pod, site.outsider, destination) as seen:
                address, port = seen()
                assert address == host
                count += port == seen.port
        return count

    await firewall.write(desired(spec()), ())
    assert kept() < 5  # each with a chance of one in sixty thousand
    await firewall.write(desired(spec(random_fully=False)), (4, 6))
    assert kept() == 10


async def test_the_kernel_shows_whether_ports_are_random(site, firewall):
    """Both rules that masquerade, in each family."""
    await firewall.write(desired(spec()), ())
    assert site.run("nft list table ip hostgw").count("masquerade fully-random") == 2
    await firewall.write(desired(spec(random_fully=False)), (4, 6))
    shown = site.run("nft list table ip hostgw")
    assert "fully-random" not in shown
    assert shown.count("masquerade comment") == 2
    assert source_seen(site.pod, site.outsider, OUTSIDER) == FIRST

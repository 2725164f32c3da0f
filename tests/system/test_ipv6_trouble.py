"""IPv6 switched off, late, moved and down, in clusters of both families: IPv4 goes on."""

from __future__ import annotations

import pytest

from support.families import LEASES, SOON, conditions, ours, settled, unanswered, values
from support.waiting import eventually

pytestmark = pytest.mark.root


def test_a_host_whose_ipv6_is_switched_off_goes_on_with_ipv4(make_lab):
    """One sentence, no lease written over, no IPv4 packet lost; and back again, all of IPv6."""
    lab = make_lab(nodes=2, families=(4, 6))
    settled(lab)
    host, other = lab.hosts
    records = values(lab, LEASES)
    source, target = host.container(0), other.container(0).address_in(4)
    with source.ping_steadily(target) as steady:
        host.run("sysctl", "-qw", "net.ipv6.conf.eth0.disable_ipv6=1")
        eventually(lambda: "family_missing" in conditions(host), within=SOON)
        assert set(conditions(host)) == {"family_missing"}
        assert "eth0" in conditions(host)["family_missing"]
        assert host.ready
        host.kill_daemon()
        host.start_daemon()
        eventually(lambda: "family_missing" in conditions(host), within=SOON)
        assert {dst for dst, _ in ours(host)} == {str(other.subnets()[4])}
        assert values(lab, LEASES) == records
        host.run("sysctl", "-qw", "net.ipv6.conf.eth0.disable_ipv6=0")
        host.ip("address", "add", str(host.plan.addresses[1]), "dev", "eth0")
        settled(lab)
        eventually(lambda: conditions(host) == {}, within=SOON)
    assert steady.result.sent > 20
    assert steady.result.lost == 0
    assert values(lab, LEASES) == records
    assert unanswered(lab) == []


def test_a_host_without_ipv6_joins_with_ipv4_and_gets_ipv6_later(make_lab):
    """It writes no lease of both families before it has an address of both."""
    lab = make_lab(nodes=2, families=(4, 6), daemons=False)
    host, other = lab.hosts
    other.start_daemon()
    host.ip("address", "del", str(host.plan.addresses[1]), "dev", "eth0")
    host.start_daemon()
    assert 6 not in host.subnets()
    assert set(conditions(host)) == {"family_missing"}
    ipv4 = host.subnets()[4]
    eventually(lambda: (str(ipv4), "198.18.0.1") in ours(other), within=SOON)
    assert sorted("&" in key for key in values(lab, LEASES)) == [False, True]
    host.ip("address", "add", str(host.plan.addresses[1]), "dev", "eth0")
    eventually(lambda: 6 in host.subnets(), within=SOON)
    assert host.subnets()[4] == ipv4
    settled(lab)
    assert conditions(host) == {}
    for each in lab.hosts:
        each.attach_containers()
    assert unanswered(lab) == []


@pytest.mark.parametrize("families", [(4, 6), (6,)])
def test_another_ipv6_address_is_told_to_all(make_lab, families):
    """The lease says the new one, the others' routes lead there, and IPv4's stay."""
    lab = make_lab(nodes=2, families=families)
    settled(lab)
    host, other = lab.hosts
    subnet = str(host.subnets()[6])
    host.ip("address", "add", "2001:2::77/64", "dev", "eth0")
    host.ip("address", "del", "2001:2::1/64", "dev", "eth0")
    eventually(lambda: (subnet, "2001:2::77") in ours(other), within=SOON)
    assert {gateway for _, gateway in ours(other)} == {"2001:2::77", "198.18.0.1"} - (
        set() if 4 in families else {"198.18.0.1"}
    )
    eventually(lambda: unanswered(lab) == [], within=SOON)


def test_a_link_that_went_down_has_its_ipv6_routes_back(make_lab):
    """The kernel takes them with the link; when the address is there again, a pass brings them."""
    lab = make_lab(nodes=2, families=(4, 6))
    settled(lab)
    host = lab.hosts[0]
    host.ip("link", "set", "eth0", "down")
    eventually(lambda: ours(host) == set(), within=SOON)
    host.ip("link", "set", "eth0", "up")
    eventually(lambda: {gateway for _, gateway in ours(host)} == {"198.18.0.2"}, within=SOON)
    host.ip("address", "add", str(host.plan.addresses[1]), "dev", "eth0")
    settled(lab)
    eventually(lambda: conditions(host) == {}, within=SOON)
    assert unanswered(lab) == []

"""Connections that the kernel remembers stay as they began until they are forgotten."""

from __future__ import annotations

import socket
from ipaddress import ip_network

import pytest

from hostgw_daemon.netlink.conntrack import Conntrack
from hostgw_daemon.rules.ruleset import desired
from support.pod_packets import FIRST, FIRST6, OUTSIDER, OUTSIDER6, POD6_ELSEWHERE, POD_ELSEWHERE
from support.pod_site import flow, spec

pytestmark = [pytest.mark.root, pytest.mark.usefixtures("in_force")]

MOVED = (ip_network("10.5.2.0/24"), ip_network("fd00:5:0:2::/64"))


@pytest.fixture
def conntrack(site):
    """Give the adapter on the first host."""
    with site.first.enter():
        adapter = Conntrack.open()
    with adapter:
        yield adapter


@pytest.mark.parametrize(
    "ends",
    [(POD_ELSEWHERE, FIRST, OUTSIDER), (POD6_ELSEWHERE, FIRST6, OUTSIDER6)],
    ids=["IPv4", "IPv6"],
)
async def test_a_connection_follows_a_moved_subnet_once_it_is_forgotten(
    site, firewall, conntrack, ends
):
    """Masqueraded while the subnet was elsewhere, and still so when it is ours: until forgotten."""
    destination, host, client = ends
    site.wait_for_ipv6()
    with (
        flow(site.outsider, site.pod_elsewhere, destination) as seen,
        flow(site.pod, site.outsider, OUTSIDER) as untouched,
    ):
        other = untouched()
        assert seen()[0] == host
        await firewall.write(desired(spec(own=MOVED)), (4, 6))
        assert seen()[0] == host  # it is remembered as it began
        assert await conntrack.forget(MOVED) == 1
        assert seen()[0] == client
        assert untouched() == other  # the port that was drawn at random is still its own


async def test_an_end_that_only_the_answers_show_counts(site, conntrack):
    """A service's address, translated to a pod: the connection goes with the pod's subnet."""
    service = "table ip service { chain c { type nat hook prerouting priority dstnat; }; }"
    site.run("nft -f -", given=service)
    translate = "nft add rule ip service c ip daddr 203.0.113.1 dnat to"
    site.run(f"{translate} {POD_ELSEWHERE}")
    site.outsider.ip("route", "add", "203.0.113.1", "via", FIRST)
    with flow(site.outsider, site.pod_elsewhere, "203.0.113.1") as seen:
        assert seen()[0] == FIRST
        site.run("nft flush chain ip service c")
        site.run(f"{translate} 10.5.1.2")
        assert seen()[0] == FIRST  # it goes where it went before
        assert await conntrack.forget(MOVED[:1]) == 1
        with pytest.raises(TimeoutError):
            seen(0.3)  # now it goes to the other pod


async def test_nothing_to_forget_is_nothing_done(conntrack):
    """An empty table, no network at all, and a network of which nothing is known."""
    assert await conntrack.forget(()) == 0
    assert await conntrack.forget(MOVED) == 0
    assert await conntrack.forget((ip_network("0.0.0.0/0"),)) == 0


async def test_thousands_of_connections_are_forgotten(site, conntrack):
    """More than fit into one answer, or into one deletion; those beside them stay."""
    with site.outsider.enter():
        mouth = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with mouth:
        for port in range(1, 2001):
            mouth.sendto(b"?", (POD_ELSEWHERE, port))
            if not port % 4:
                mouth.sendto(b"?", ("10.5.1.2", port))
    assert await conntrack.forget(MOVED) == 2000
    assert await conntrack.forget(MOVED) == 0
    assert await conntrack.forget((ip_network("10.4.0.0/15"),)) == 500

"""What the host is held against, from what is understood of each network."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address, ip_network

from hostgw_core.model import Addresses, Subnets
from hostgw_daemon.circumstances import circumstances, gateways_on
from hostgw_daemon.host.facts import Circumstances
from hostgw_daemon.link.uplink import NoUplink
from hostgw_daemon.routes.ground import Ground
from hostgw_daemon.routes.peers import Peer
from support.parts import CONFIG, OWN, POOL, UPLINK, lease, roster, understanding

NONE = Subnets()


def test_before_anything_is_known_the_host_is_wanted_for_nothing():
    """No link, no network, nobody."""
    assert circumstances(NoUplink("none"), (None, None, NONE)) == Circumstances()
    assert circumstances(UPLINK, (None, None, NONE)).link == UPLINK.link


def test_a_network_gives_its_pool_our_subnet_and_its_nodes():
    """We are none of the others; a subnet counts as held when it is exactly that of a node."""
    ground = Ground()
    for number in range(4):
        for subnet in lease(number).subnets:
            ground.take(subnet, lease(number).key)
    now = understanding(roster=replace(roster(3), ground=ground))
    given = circumstances(UPLINK, (now, OWN, OWN.subnets))
    assert given.pools == (POOL,)
    assert given.own == (ip_network("10.0.0.0/24"),)
    assert given.peers == 3
    assert ip_network("10.0.2.0/24") in given.routed
    assert ip_network("10.0.2.0/25") not in given.routed
    assert ip_network("10.0.9.0/24") not in given.routed
    assert "10.0.2.0/24" not in given.routed


def test_without_a_lease_all_are_others():
    """Our own record is then somebody's."""
    assert circumstances(UPLINK, (understanding(3), None, NONE)).peers == 4
    assert circumstances(UPLINK, (understanding(3, roster=None), None, NONE)).peers == 0


def test_a_subnet_that_is_lost_for_a_moment_is_our_own_still():
    """Its bridge is no stranger in the cluster's network: the containers are where they were."""
    given = circumstances(UPLINK, (understanding(3), None, OWN.subnets))
    assert given.own == (ip_network("10.0.0.0/24"),)


def test_a_node_of_two_networks_is_one_neighbour():
    """Its address is the same in both."""
    given = circumstances(
        UPLINK, (understanding(3), OWN, OWN.subnets), (understanding(5), OWN, OWN.subnets)
    )
    assert given.peers == 5
    assert given.pools == (CONFIG.ipv4, CONFIG.ipv4)


def test_the_gateways_to_keep_resolved_are_those_of_others_on_our_link():
    """Each once, whatever the number of networks; not our own, and none that is elsewhere."""
    far = replace(lease(9), gateways=Addresses(IPv4Address("198.51.100.9")))
    now = understanding(roster=roster(3, n2=Peer(far)))
    found = gateways_on(UPLINK, now, None, understanding(3), understanding(roster=None))
    assert {str(address) for address in found} == {"192.0.2.1", "192.0.2.2", "192.0.2.3"}
    only = gateways_on(UPLINK, now)
    assert {str(address) for address in only} == {"192.0.2.1", "192.0.2.3"}

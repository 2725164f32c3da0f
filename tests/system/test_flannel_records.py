"""Leases that flannel has written, or would have believed, as hostgwd takes them."""

import pytest

from support.flannel_site import (
    OURS,
    SUBNETS,
    FlannelSite,
    conditions,
    peers,
    refusals,
    subnet,
)
from support.waiting import eventually

pytestmark = pytest.mark.root


@pytest.fixture
def make_site(make_lab):
    """Give a factory of sites: so many hosts, and no daemon yet."""
    return lambda nodes: FlannelSite(make_lab(nodes=nodes, daemons=False))


def test_another_host_that_takes_its_key_by_an_unconditional_put_is_followed(make_site):
    """The route has the gateway of the last put, and no other is left beside it."""
    site = make_site(1)
    (one,) = site.hosts
    one.start_daemon()
    for last in (7, 8, 9):
        site.put("10.244.240.0-24", via=f"198.18.0.{last}")
        route = (OURS, f"198.18.0.{last}")
        eventually(lambda route=route: peers(one).get("10.244.240.0/24") == route)
    assert len(one.ip_json("route", "show", "exact", "10.244.240.0/24")) == 1


def test_records_that_flannel_would_route_to_are_refused_with_a_reason(make_site):
    """On the same records flannel gives up other networks, and then all of its own routes."""
    site = make_site(2)
    one, two = site.hosts
    one.start_daemon()
    site.flannel[two].start()
    site.attach()
    site.put("10.244.201.0-24", via="198.18.0.7", BackendType="vxlan", BackendData={"VNI": 1})
    site.put("8.8.8.0-24", via="198.18.0.7")
    site.put("198.18.64.0-18", via="198.18.0.7")
    site.put("10.244.0.0-16", via="198.18.0.7")
    site.put("10.244.202.0-24&fd00:5:0:1::-64", via="198.18.0.7", via6="fd01::7")
    eventually(lambda: "8.8.8.0/24" in two.routes())
    eventually(lambda: len(refusals(one)) == 4)
    assert one.container(0).ping(two.container(0), count=5)
    site.etcd.ctl("put", SUBNETS + "10.244.203.0-24", SUBNETS + "10.244.203.0-24")
    eventually(lambda: not peers(two))  # flannel withdraws all that it had
    eventually(lambda: len(refusals(one)) == 5)
    assert refusals(one) == {
        "10.244.201.0-24": "other_backend",
        "8.8.8.0-24": "outside_network",
        "198.18.64.0-18": "outside_network",
        "10.244.0.0-16": "outside_network",
        "10.244.203.0-24": "malformed_value",
    }
    # flannel hangs on a lease of a family that the network has not; its IPv4 subnet is good.
    assert set(peers(one)) == {subnet(two), "10.244.202.0/24"}


def test_dual_stack_leases_of_flannel_are_seen_and_adopted(make_site):
    """Both families are routed to, and our own pair is kept though flannel drew it by lot."""
    site = make_site(1)
    (one,) = site.hosts
    site.configure(EnableIPv6=True, IPv6Network="fd00:5::/48")
    one.ip("address", "add", "fd01::1/64", "dev", "eth0", "nodad")
    own = "10.244.32.0-24&fd00:5:0:3::-64"
    site.put(own, via=one.plan.address.ip, via6="fd01::1")
    site.put("10.244.47.0-24&fd00:5:0:9::-64", via="198.18.0.2", via6="fd01::2")
    one.ip("route", "add", "fd00:5:0:9::/64", "via", "fd01::2", "dev", "eth0")
    one.start_daemon("--iface=eth0")
    assert one.subnet_env()["FLANNEL_IPV6_SUBNET"] == "fd00:5:0:3::1/64"
    eventually(lambda: peers(one) == {"10.244.47.0/24": (OURS, "198.18.0.2")})

    def routes():
        found = one.ip_json("-6", "-details", "route", "show", "root", "fd00:5::/48")
        return [(each["dst"], each["protocol"], each["gateway"]) for each in found]

    eventually(lambda: routes() == [("fd00:5:0:9::/64", OURS, "fd01::2")])
    assert site.etcd.keys(SUBNETS)[0] == SUBNETS + own


def test_a_flannel_that_knows_of_no_ipv6_is_waited_for(make_lab):
    """It would hang on a lease of both families: none is written while its own is of IPv4 alone."""
    site = FlannelSite(make_lab(nodes=2, families=(4, 6), daemons=False))
    one, two = site.hosts
    site.configure(EnableIPv6=False)
    one.start_daemon()
    site.flannel[two].start()
    site.attach()
    before = site.etcd.keys(SUBNETS)
    site.configure()
    eventually(lambda: "outside_config" in conditions(one), within=20)
    said = conditions(one)["outside_config"]
    assert f"once flannel's lease {subnet(two)} has one, or is gone" in said
    assert site.etcd.keys(SUBNETS) == before
    assert one.container(0).ping(two.container(0), count=5)
    # The host goes over to hostgwd, which adopts the lease: nobody is left who would hang.
    site.flannel[two].stop()
    two.start_daemon()
    eventually(lambda: all("&" in each for each in site.etcd.keys(SUBNETS)), within=30)
    eventually(lambda: not conditions(one) and not conditions(two), within=20)
    assert [each.partition("&")[0] for each in site.etcd.keys(SUBNETS)] == before
    assert one.container(0).ping(two.container(0), count=5)

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest

from hostgw_daemon.kernel import DefaultRoute
from hostgw_daemon.netlink.host import HostReader
from support.netns_fixtures import offers_vrf
from support.waiting import eventually

pytestmark = pytest.mark.root


@pytest.fixture
def reader(underlay):
    """Open a reader in the underlay's namespace."""
    with underlay.netns.enter():
        opened = HostReader.open()
    with opened:
        yield opened


def _stable(reader):
    return {str(each.address): each.stable for each in reader.look().addresses}


def _flagged(netns, flag):
    return {
        address["local"]
        for link in netns.ip_json("-6", "address", "show")
        for address in link["addr_info"]
        if address.get(flag)
    }


def test_links_are_those_that_ip_shows(underlay, reader):
    """Index, name, MTU, state and carrier are what `ip` says, and so is their change."""
    for change in (["mtu", "1400"], ["down"], ["up"]):
        underlay.netns.ip("link", "set", "u1", *change)
        seen = {
            (link.index, link.name, link.mtu, link.up, link.carrier, link.loopback)
            for link in reader.look().links
        }
        assert seen == {
            (
                each["ifindex"],
                each["ifname"],
                each["mtu"],
                "UP" in each["flags"],
                "LOWER_UP" in each["flags"],
                "LOOPBACK" in each["flags"],
            )
            for each in underlay.netns.ip_json("link", "show")
        }


@pytest.mark.parametrize(("kind", "offered"), [("no-such-kind", False), ("vxlan", True)])
def test_what_the_kernel_offers(underlay, reader, kind, offered):
    """A kind of link that needs parameters is known or not, and no link is made by the question."""
    before = underlay.netns.ip_json("link", "show")
    assert reader.offers(kind) is offered
    assert underlay.netns.ip_json("link", "show") == before


def test_a_vrf_is_offered_where_it_can_be_made(underlay, reader):
    """The question has the answer that `ip` gets when it makes one."""
    with underlay.netns.enter():
        assert reader.offers("vrf") is offers_vrf()


def test_a_port_is_known_by_its_master(underlay, reader):
    """The bridge that a link is put into is read, and its end too."""
    underlay.netns.ip("link", "add", "lan0", "type", "bridge")
    underlay.netns.ip("link", "set", "u1", "master", "lan0")
    seen = {link.name: link for link in reader.look().links}
    assert seen["u1"].master == seen["lan0"].index
    assert seen["lan0"].master == 0
    underlay.netns.ip("link", "set", "u1", "nomaster")
    assert {link.master for link in reader.look().links} == {0}


def test_addresses_are_those_that_ip_shows(underlay, reader):
    """Every address is there, with its link and network."""
    seen = {
        (each.link, str(each.address), each.network.prefixlen) for each in reader.look().addresses
    }
    assert seen == {
        (link["ifindex"], address["local"], address["prefixlen"])
        for link in underlay.netns.ip_json("address", "show")
        for address in link["addr_info"]
    }


def test_only_addresses_that_stay_are_stable(underlay, reader):
    """Global addresses are stable; those of link or host scope and deprecated ones are not."""
    netns = underlay.netns
    netns.ip("address", "add", "172.16.0.2/16", "dev", "u0")
    netns.ip("address", "add", "169.254.1.1/16", "dev", "u0", "scope", "link")
    lifetime = ["nodad", "valid_lft", "3600", "preferred_lft", "0"]
    netns.ip("address", "add", "fd00::dead/64", "dev", "u0", *lifetime)
    stable = _stable(reader)
    link_local = {text for text in stable if text.startswith("fe80:")}
    assert link_local
    assert {text for text, is_stable in stable.items() if is_stable} == {
        "172.16.0.1",
        "172.16.0.2",
        "fd00::1",
    }


def test_temporary_and_tentative_addresses_are_not_stable(underlay, reader):
    """A privacy address, and one whose duplicate check still runs, are not to be relied on."""
    netns = underlay.netns
    netns.run("sysctl", "-qw", "net.ipv6.conf.u0.use_tempaddr=2", "net.ipv6.conf.u0.accept_dad=0")
    managed = ["nodad", "mngtmpaddr", "valid_lft", "7200", "preferred_lft", "3600"]
    netns.ip("address", "add", "fd77::1/64", "dev", "u0", *managed)
    settled = eventually(lambda: _flagged(netns, "temporary") - _flagged(netns, "tentative"))
    (temporary,) = settled
    netns.run(
        *["sysctl", "-qw", "net.ipv6.conf.u0.accept_dad=1", "net.ipv6.conf.u0.dad_transmits=1000"]
    )
    netns.ip("address", "add", "fd88::1/64", "dev", "u0")
    assert "fd88::1" in _flagged(netns, "tentative")
    stable = _stable(reader)
    assert (stable[temporary], stable["fd88::1"]) == (False, False)
    assert stable["fd77::1"]


def test_a_duplicate_address_is_not_stable(lan):
    """An IPv6 address that another host holds already fails its check and is not to be used."""
    site = lan(2)
    one, two = site.hosts
    one.ip("address", "add", "fd50::77/64", "dev", "eth0", "nodad")
    two.ip("address", "add", "fd50::77/64", "dev", "eth0")
    with two.enter():
        reader = HostReader.open()
    with reader:
        eventually(lambda: _flagged(two, "dadfailed"), what="the duplicate is found")
        assert not _stable(reader)["fd50::77"]


def test_permanent_addresses_come_first(underlay, reader):
    """An address that a lease may take back is listed after those that stay."""
    for address in ("172.20.0.1/16", "172.21.0.1/16"):
        life = ["valid_lft", "3600", "preferred_lft", "3600"] if "20" in address else []
        underlay.netns.ip("address", "add", address, "dev", "u0", *life)
    order = [str(each.address) for each in reader.look().addresses]
    assert order.index("172.21.0.1") < order.index("172.20.0.1")


def test_a_point_to_point_address_covers_the_peers_network(underlay, reader):
    """Of an address with a peer it is the peer's network that is on the link."""
    underlay.netns.ip("address", "add", "10.0.0.1", "peer", "10.0.9.0/24", "dev", "u0")
    (found,) = (each for each in reader.look().addresses if each.address == ip_address("10.0.0.1"))
    assert found.network == ip_network("10.0.9.0/24")


def test_default_routes_with_their_metrics(underlay, reader):
    """Default routes of both families are found, those of other tables are not."""
    netns = underlay.netns
    assert reader.look().defaults == ()
    netns.ip("route", "add", "default", "via", "172.16.0.9", "metric", "100")
    netns.ip("route", "add", "default", "via", "172.16.0.8", "metric", "50", "proto", "dhcp")
    netns.ip("route", "add", "default", "via", "172.16.0.7", "table", "99")
    netns.ip("route", "add", "blackhole", "default", "metric", "900")
    netns.ip("-6", "route", "add", "blackhole", "default", "metric", "900")
    netns.ip("-6", "route", "add", "default", "via", "fd00::9")
    link = underlay.link
    assert set(reader.look().defaults) == {
        DefaultRoute(4, link, 100),
        DefaultRoute(4, link, 50),
        DefaultRoute(6, link, 1024),
    }


def test_a_default_route_of_two_ways(underlay, reader):
    """Each way of a default route with several counts."""
    ways = [
        "nexthop",
        "via",
        "172.16.0.9",
        "dev",
        "u0",
        "nexthop",
        "via",
        "172.16.0.8",
        "dev",
        "u0",
    ]
    underlay.netns.ip("route", "add", "default", *ways)
    assert set(reader.look().defaults) == {DefaultRoute(4, underlay.link, 0)}


def test_the_way_to_an_address(underlay, reader):
    """The link by which the kernel would reach an address is told; unreachable ones are absent."""
    near, far = ip_address("172.16.5.5"), ip_address("203.0.113.5")
    six = ip_address("fd00::55")
    assert reader.look([near, far, six]).reached_by == (
        (near, underlay.link),
        (six, underlay.link),
    )
    underlay.netns.ip("route", "add", "default", "via", "172.16.0.9")
    assert (far, underlay.link) in reader.look([far]).reached_by


def test_a_default_route_is_found_among_many(underlay, reader):
    """Among thousands of other routes the default one is found, and alone."""
    lines = "".join(
        f"route add 10.{n >> 8}.{n & 255}.0/24 via 172.16.0.9 metric {n + 1}\n" for n in range(3000)
    )
    underlay.netns.run("ip", "-batch", "-", input=lines)
    underlay.netns.ip("route", "add", "default", "via", "172.16.0.9", "metric", "7")
    assert reader.look().defaults == (DefaultRoute(4, underlay.link, 7),)

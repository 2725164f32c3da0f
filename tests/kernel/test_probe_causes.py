"""Each cause, made for real between three hosts, and what each host says of the others."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from support.netns_fixtures import Lan
from support.probe_site import Prospect, build, probing
from support.waiting import eventually_async

pytestmark = pytest.mark.root

NAMED, CLEARED = 10.0, 15.0


def verdicts(hosts: list[Prospect]) -> dict[tuple[int, int], str]:
    """Give what each says of each other."""
    return {
        (one.number, other): one.says(other)
        for one in hosts
        for other in range(1, 4)
        if other != one.number
    }


async def all_well(hosts: list[Prospect], *, within: float = CLEARED) -> None:
    """Wait until everybody says that all is well."""

    def look() -> bool:
        assert set(verdicts(hosts).values()) == {"ok"}, verdicts(hosts)
        return True

    await eventually_async(look, within=within)


async def named(hosts: list[Prospect], expected: dict[tuple[int, int], str]) -> None:
    """Wait until exactly these are named, and nothing else was named on the way."""

    def look() -> bool:
        said = verdicts(hosts)
        for pair, cause in said.items():
            assert cause in {"ok", expected.get(pair, "ok")}, said
        for pair, cause in expected.items():
            assert said[pair] == cause, said
        return True

    await eventually_async(look, within=NAMED)


def about(number: int, cause: str) -> dict[tuple[int, int], str]:
    """Expect every other host to say this of one."""
    return {(other, number): cause for other in range(1, 4) if other != number}


def with_all(number: int, cause: str) -> dict[tuple[int, int], str]:
    """Expect that, and that it says the same of all others."""
    others = {(number, other): cause for other in range(1, 4) if other != number}
    return about(number, cause) | others


async def test_healthy_hosts_are_well(lan: Callable[[int], Lan]):
    """Nothing is said of anybody."""
    net = lan(3)
    build(net)
    async with probing(net) as hosts:
        await all_well(hosts)


async def test_a_host_that_does_not_forward(lan: Callable[[int], Lan]):
    """It says so itself when it is asked."""
    net = lan(3)
    build(net)
    async with probing(net) as hosts:
        await all_well(hosts)
        hosts[1].sysctl("ipv4/ip_forward", 0)
        await named(hosts, about(2, "not_forwarding"))
        hosts[1].sysctl("ipv4/ip_forward", 1)
        await all_well(hosts)


async def test_a_host_that_does_not_answer_on_the_link(lan: Callable[[int], Lan]):
    """Its cable is pulled; the neighbour table says so, before anything else is said."""
    net = lan(3)
    build(net)
    async with probing(net) as hosts:
        await all_well(hosts)
        net.switch.ip("link", "set", "port2", "down")
        await named(hosts[:1], {(1, 2): "unresolved"})
        net.switch.ip("link", "set", "port2", "up")
        await all_well(hosts)


async def test_a_cloud_that_drops_what_is_not_from_the_hosts_own_address(lan: Callable[[int], Lan]):
    """The packets of pods are lost both ways, and those of hosts are not."""
    net = lan(3)
    build(net)
    async with probing(net) as hosts:
        await all_well(hosts)
        net.hosts[1].run(
            "nft",
            "add table ip cloud; add chain ip cloud out { type filter hook postrouting"
            " priority 300; }; add rule ip cloud out oifname eth0 ip saddr != 192.168.50.2 drop",
        )
        await named(hosts, with_all(2, "path_filtered"))
        net.hosts[1].run("nft", "delete table ip cloud")
        await all_well(hosts)


async def test_a_strict_filter_without_a_route_back(lan: Callable[[int], Lan]):
    """Only the host whose pods have no way back there says so."""
    net = lan(3)
    build(net)
    async with probing(net) as hosts:
        await all_well(hosts)
        hosts[1].sysctl("ipv4/conf/all/rp_filter", 1)
        net.hosts[1].ip("route", "del", "10.5.1.0/24")
        await named([hosts[0], hosts[2]], {(1, 2): "rp_filter"})
        net.hosts[1].ip("route", "add", "10.5.1.0/24", "via", "192.168.50.1")
        await all_well(hosts)


async def test_a_missing_route_back_beside_a_default_route(lan: Callable[[int], Lan]):
    """Its kernel sends the answers to a router, by the right link: no filter is to blame."""
    net = lan(3)
    build(net)
    for host in net.hosts:
        host.ip("route", "add", "default", "via", "192.168.50.99")
    async with probing(net) as hosts:
        await all_well(hosts)
        hosts[1].sysctl("ipv4/conf/all/rp_filter", 1)
        net.hosts[1].ip("route", "del", "10.5.1.0/24")
        await named([hosts[0], hosts[2]], {(1, 2): "no_way_back"})
        net.hosts[1].ip("route", "add", "10.5.1.0/24", "via", "192.168.50.1")
        await all_well(hosts)


async def test_a_network_between_that_takes_less_than_the_links(lan: Callable[[int], Lan]):
    """The switch drops what is large, and tells nobody."""
    net = lan(3)
    build(net)
    async with probing(net) as hosts:
        await all_well(hosts)
        net.switch.ip("link", "set", "port2", "mtu", "1400")
        await named(hosts, with_all(2, "mtu"))
        net.switch.ip("link", "set", "port2", "mtu", "1500")
        await all_well(hosts)


async def test_a_host_whose_daemon_is_silent(lan: Callable[[int], Lan]):
    """A firewall in front of the port, or a host that hangs."""
    net = lan(3)
    build(net)
    async with probing(net) as hosts:
        await all_well(hosts)
        net.hosts[1].run(
            "nft",
            "add table ip wall; add chain ip wall in { type filter hook input priority 0; };"
            " add rule ip wall in udp dport 9746 drop",
        )
        await named([hosts[0], hosts[2]], {(1, 2): "unreachable", (3, 2): "unreachable"})
        net.hosts[1].run("nft", "delete table ip wall")
        await all_well(hosts)


async def test_a_host_without_our_daemon_is_probed_by_its_kernel(lan: Callable[[int], Lan]):
    """It may be flannel's."""
    net = lan(3)
    build(net)
    async with probing(net, silent=frozenset({3})) as hosts:

        def look() -> bool:
            assert [host.says(3) for host in hosts] == ["ok", "ok"]
            return True

        await eventually_async(look, within=CLEARED)

"""What three hosts that only probe say of one another, where no daemon puts a route back.

What a whole daemon can be brought into is in tests/causes.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from support.netns_fixtures import Lan
from support.probe_site import Prospect, build, probing
from support.waiting import eventually_async

pytestmark = pytest.mark.root

NAMED, CLEARED = 10.0, 15.0


@pytest.fixture
def net(lan: Callable[[int], Lan]) -> Lan:
    """Three hosts with routes to the pods of each other."""
    made = lan(3)
    build(made)
    return made


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


async def test_healthy_hosts_are_well(net: Lan):
    """Nothing is said of anybody."""
    async with probing(net) as hosts:
        await all_well(hosts)


async def test_a_strict_filter_without_a_route_back(net: Lan):
    """Only the host whose pods have no way back there says so."""
    async with probing(net) as hosts:
        await all_well(hosts)
        hosts[1].sysctl("ipv4/conf/all/rp_filter", 1)
        net.hosts[1].ip("route", "del", "10.5.1.0/24")
        await named([hosts[0], hosts[2]], {(1, 2): "rp_filter"})
        net.hosts[1].ip("route", "add", "10.5.1.0/24", "via", "192.168.50.1")
        await all_well(hosts)


async def test_a_missing_route_back_beside_a_default_route(net: Lan):
    """Its kernel sends the answers to a router, by the right link: no filter is to blame."""
    for host in net.hosts:
        host.ip("route", "add", "default", "via", "192.168.50.99")
    async with probing(net) as hosts:
        await all_well(hosts)
        hosts[1].sysctl("ipv4/conf/all/rp_filter", 1)
        net.hosts[1].ip("route", "del", "10.5.1.0/24")
        await named([hosts[0], hosts[2]], {(1, 2): "no_way_back"})
        net.hosts[1].ip("route", "add", "10.5.1.0/24", "via", "192.168.50.1")
        await all_well(hosts)


async def test_a_host_without_our_daemon_is_probed_by_its_kernel(net: Lan):
    """It may be flannel's; and its cable may be pulled."""
    async with probing(net, silent=frozenset({3})) as hosts:

        def both(say: str) -> bool:
            assert [host.says(3) for host in hosts] == [say, say]
            return True

        await eventually_async(lambda: both("ok"), within=CLEARED)
        net.switch.ip("link", "set", "port3", "down")
        await eventually_async(lambda: both("unresolved"), within=2 * NAMED)
        net.switch.ip("link", "set", "port3", "up")
        await eventually_async(lambda: both("ok"), within=CLEARED)

"""What every implementation of the port `Kernel` does: run against the fake and the real one.

Each test is written once for both families; the world it works in is `support.kernel_world`.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address, ip_network

import pytest

from hostgw_daemon.kernel import MAIN_TABLE, Outcome, Route, Verb, Verdict, Write
from support.kernel_world import BIRD, BOOT, IPV4, IPV6, NO_LINK, STATIC, KernelWorld, Names


class BothFamilies:
    """Tests that run for each family; a subclass gives the fixture `world`."""

    @pytest.fixture(params=[IPV4, IPV6], ids=["ipv4", "ipv6"])
    def names(self, request: pytest.FixtureRequest) -> Names:
        """Run every test for each family."""
        names: Names = request.param
        return names


class KernelContract(BothFamilies):
    """What is so of every route."""

    def test_create_makes_the_route(self, world: KernelWorld, names: Names) -> None:
        """A free key is taken, and the dump gives back exactly what was written."""
        route = route_of(world, names.prefix(1), names.near)
        assert verdicts(create(world, route)) == [Verdict.CREATED]
        assert world.ours(names.family) == {(names.prefix(1), names.near, 2000)}
        assert world.kernel.routes(names.family) == {route}

    def test_create_refuses_our_own_key(self, world: KernelWorld, names: Names) -> None:
        """A key that we hold ourselves is a conflict, and what holds it stays."""
        create(world, route_of(world, names.prefix(1), names.near))
        outcomes = create(world, route_of(world, names.prefix(1), names.second))
        assert verdicts(outcomes) == [Verdict.CONFLICT]
        assert world.ours(names.family) == {(names.prefix(1), names.near, 2000)}

    def test_create_refuses_a_foreign_key(self, world: KernelWorld, names: Names) -> None:
        """A key that another protocol holds is a conflict, and nothing is stolen."""
        world.add(names.prefix(1), names.second, protocol=STATIC, metric=2000)
        outcomes = create(world, route_of(world, names.prefix(1), names.near))
        assert verdicts(outcomes) == [Verdict.CONFLICT]
        assert world.others(names.prefix(1)) == {(names.second, 2000)}
        assert world.kernel.routes(names.family) == frozenset()

    def test_another_metric_is_another_key(self, world: KernelWorld, names: Names) -> None:
        """Routes to one destination with different metrics stand beside each other."""
        one = route_of(world, names.prefix(1), names.near, metric=2000)
        two = route_of(world, names.prefix(1), names.near, metric=2001)
        assert verdicts(create(world, one, two)) == [Verdict.CREATED, Verdict.CREATED]
        assert world.kernel.routes(names.family) == {one, two}

    def test_append_and_delete_move_a_route(self, world: KernelWorld, names: Names) -> None:
        """A route moves to another gateway with both there in between: never none."""
        old = route_of(world, names.prefix(1), names.near)
        new = route_of(world, names.prefix(1), names.second)
        create(world, old)
        assert verdicts(do(world, Verb.APPEND, new)) == [Verdict.CREATED]
        assert world.kernel.routes(names.family) == {old, new}
        assert verdicts(do(world, Verb.DELETE, old)) == [Verdict.DELETED]
        assert world.ours(names.family) == {(names.prefix(1), names.second, 2000)}

    def test_append_of_the_very_route_is_a_conflict(self, world: KernelWorld, names: Names) -> None:
        """Appending what is there already changes nothing."""
        route = route_of(world, names.prefix(1), names.near)
        create(world, route)
        assert verdicts(do(world, Verb.APPEND, route)) == [Verdict.CONFLICT]
        assert world.kernel.routes(names.family) == {route}

    def test_delete_of_nothing_is_gone(self, world: KernelWorld, names: Names) -> None:
        """Deleting a route that is not there says so, and is no failure."""
        outcomes = do(world, Verb.DELETE, route_of(world, names.prefix(1), names.near))
        assert verdicts(outcomes) == [Verdict.GONE]

    def test_delete_never_hits_a_foreign_route(self, world: KernelWorld, names: Names) -> None:
        """A foreign route of the same key, gateway and link survives our delete."""
        for protocol, metric in ((STATIC, 2000), (BIRD, 2001), (BOOT, 2002)):
            world.add(names.prefix(1), names.near, protocol=protocol, metric=metric)
        outcomes = do(
            world,
            Verb.DELETE,
            *(route_of(world, names.prefix(1), names.near, metric=m) for m in (2000, 2001, 2002)),
        )
        assert verdicts(outcomes) == [Verdict.GONE] * 3
        assert {metric for _, metric in world.others(names.prefix(1))} == {2000, 2001, 2002}

    def test_delete_needs_the_very_gateway(self, world: KernelWorld, names: Names) -> None:
        """A delete with another gateway than the route has misses it."""
        route = route_of(world, names.prefix(1), names.near)
        create(world, route)
        outcomes = do(world, Verb.DELETE, route_of(world, names.prefix(1), names.second))
        assert verdicts(outcomes) == [Verdict.GONE]
        assert world.kernel.routes(names.family) == {route}

    def test_a_gateway_that_is_not_on_the_link(self, world: KernelWorld, names: Names) -> None:
        """A gateway that no address of the link covers is off_link, with the kernel's words."""
        (outcome,) = create(world, route_of(world, names.prefix(1), names.far))
        assert outcome.verdict is Verdict.OFF_LINK
        assert outcome.message
        assert world.ours(names.family) == set()

    def test_a_link_that_does_not_exist(self, world: KernelWorld, names: Names) -> None:
        """IPv6 sees that the link is missing; to IPv4 its gateway is off the link."""
        (outcome,) = create(world, route_of(world, names.prefix(1), names.near, link=NO_LINK))
        expected = Verdict.OFF_LINK if names.family == 4 else Verdict.LINK_DOWN
        assert outcome.verdict is expected

    def test_link_down_empties_the_table(self, world: KernelWorld, names: Names) -> None:
        """A link that goes down takes every route with it, and takes no new one."""
        routes = [route_of(world, names.prefix(n), names.gateway(n)) for n in range(5)]
        create(world, *routes)
        world.link_down()
        assert world.kernel.routes(names.family) == frozenset()
        assert verdicts(create(world, routes[0])) == [Verdict.OFF_LINK]

    def test_the_dump_gives_only_ours(self, world: KernelWorld, names: Names) -> None:
        """Foreign routes, whatever their protocol, are in no dump of ours."""
        world.add(names.prefix(1), names.near, protocol=BIRD, metric=5)
        world.add(names.prefix(2), names.near)
        assert world.kernel.routes(names.family) == frozenset()

    @pytest.mark.parametrize("table", [100, 1000])
    def test_tables_are_apart(self, world: KernelWorld, names: Names, table: int) -> None:
        """A route in another table, also above 255, is read back as one of that table."""
        route = route_of(world, names.prefix(1), names.near, table=table)
        assert verdicts(create(world, route)) == [Verdict.CREATED]
        assert world.ours(names.family, table=table) == {(names.prefix(1), names.near, 2000)}
        assert world.kernel.routes(names.family) == {route}
        assert world.ours(names.family) == set()
        assert verdicts(do(world, Verb.DELETE, route)) == [Verdict.DELETED]

    def test_a_table_that_nobody_has_used_is_empty(self, world: KernelWorld, names: Names) -> None:
        """Reading a table that does not exist gives no route and no error."""
        network = ip_network(names.prefix(1))
        destination = (network.network_address.packed, network.prefixlen)
        assert world.kernel.foreign([destination], 4711) == []

    def test_foreign_looks_into_the_table_that_is_asked_for(
        self, world: KernelWorld, names: Names
    ) -> None:
        """What is in another table is not given, whether its number has eight bits or more."""
        network = ip_network(names.prefix(1))
        destination = (network.network_address.packed, network.prefixlen)
        for table in (MAIN_TABLE, 100, 1000):
            world.add(names.prefix(1), names.near, protocol=STATIC, metric=table, table=table)
        for table in (MAIN_TABLE, 100, 1000):
            found = world.kernel.foreign([destination], table)
            assert [(each.metric, each.table) for each in found] == [(table, table)]

    def test_a_large_batch_maps_every_refusal(self, world: KernelWorld, names: Names) -> None:
        """Of 2,000 writes the bad ones get their own verdicts and the others are done."""
        world.add(names.prefix(1500), names.second, protocol=STATIC, metric=2000)
        routes = [route_of(world, names.prefix(n), names.gateway(n)) for n in range(2000)]
        for n in (0, 3, 999, 1000, 1999):
            routes[n] = route_of(world, names.prefix(n), names.far)
        routes[700] = routes[699]
        expected = [Verdict.CREATED] * 2000
        for n in (0, 3, 999, 1000, 1999):
            expected[n] = Verdict.OFF_LINK
        expected[700] = expected[1500] = Verdict.CONFLICT
        outcomes = create(world, *routes)
        assert verdicts(outcomes) == expected
        assert [outcome.write.route for outcome in outcomes] == routes
        assert len(world.ours(names.family)) == 2000 - 7

    def test_no_writes_no_outcomes(self, world: KernelWorld) -> None:
        """Nothing asked for is nothing done."""
        assert world.kernel.write([]) == []

    def test_verbs_are_done_in_order(self, world: KernelWorld, names: Names) -> None:
        """One batch may delete and create the same key: the order is kept."""
        old = route_of(world, names.prefix(1), names.near)
        new = route_of(world, names.prefix(1), names.second)
        create(world, old)
        outcomes = world.kernel.write([Write(Verb.DELETE, old), Write(Verb.CREATE, new)])
        assert verdicts(outcomes) == [Verdict.DELETED, Verdict.CREATED]
        assert world.kernel.routes(names.family) == {new}

    def test_foreign_gives_exact_destinations_only(self, world: KernelWorld, names: Names) -> None:
        """Foreign routes to the very destinations are given, with protocol, metric and gateway."""
        world.add(names.prefix(1), names.second, protocol=STATIC, metric=7)
        world.add(names.prefix(1), names.third, protocol=BIRD, metric=3000)
        world.add(names.prefix(2), names.second, protocol=STATIC, metric=7)
        create(world, route_of(world, names.prefix(1), names.near))
        network = ip_network(names.prefix(1))
        destination = (network.network_address.packed, network.prefixlen)
        found = world.kernel.foreign([destination])
        assert {(f.protocol, f.metric, str(ip_address(f.gateway))) for f in found} == {
            (STATIC, 7, names.second),
            (BIRD, 3000, names.third),
        }
        assert {(f.destination, f.length) for f in found} == {destination}
        assert world.kernel.foreign([(destination[0], destination[1] + 1)]) == []
        assert world.kernel.foreign([]) == []

    def test_leftovers_are_flannels_routes_and_no_others(
        self, world: KernelWorld, names: Names
    ) -> None:
        """Only routes of protocol boot without a metric count as left over by flannel."""
        world.add(names.prefix(1), names.near)
        world.add(names.prefix(2), names.near, metric=50)
        world.add(names.prefix(3), names.near, protocol=STATIC)
        create(world, route_of(world, names.prefix(4), names.near))
        found = world.kernel.leftovers(world.link, names.family)
        assert [_prefix(route.destination, route.length) for route in found] == [names.prefix(1)]
        assert found[0].metric == names.no_metric
        assert world.kernel.leftovers(NO_LINK, names.family) == []

    def test_take_over_deletes_exactly_the_leftovers(
        self, world: KernelWorld, names: Names
    ) -> None:
        """Taking over deletes flannel's routes; those of a metric of their own survive."""
        world.add(names.prefix(1), names.near)
        world.add(names.prefix(1), names.near, metric=50)
        world.add(names.prefix(2), names.near)
        (wanted,) = (
            route
            for route in world.kernel.leftovers(world.link, names.family)
            if _prefix(route.destination, route.length) == names.prefix(1)
        )
        ours = route_of(world, names.prefix(1), names.second)
        create(world, ours)
        outcomes = world.kernel.take_over([wanted])
        assert verdicts(outcomes) == [Verdict.DELETED]
        assert outcomes[0].write.route.prefix == names.prefix(1)
        assert world.others(names.prefix(1)) == {(names.near, 50)}
        assert world.others(names.prefix(2)) == {(names.near, names.no_metric)}
        assert world.kernel.routes(names.family) == {ours}

    def test_take_over_of_what_is_gone(self, world: KernelWorld, names: Names) -> None:
        """A leftover that went meanwhile is gone; its twin with a metric is not taken for it."""
        world.add(names.prefix(1), names.near)
        (wanted,) = world.kernel.leftovers(world.link, names.family)
        world.kernel.take_over([wanted])
        world.add(names.prefix(1), names.near, metric=50)
        assert verdicts(world.kernel.take_over([wanted])) == [Verdict.GONE]
        assert world.others(names.prefix(1)) == {(names.near, 50)}


def route_of(
    world: KernelWorld,
    prefix: str,
    gateway: str,
    *,
    metric: int = 2000,
    link: int = 0,
    table: int = MAIN_TABLE,
) -> Route:
    """Write a route of ours through the link the short way."""
    network = ip_network(prefix)
    return Route(
        network.network_address.packed,
        network.prefixlen,
        metric,
        ip_address(gateway).packed,
        link or world.link,
        table,
    )


def do(world: KernelWorld, verb: Verb, *routes: Route) -> list[Outcome]:
    """Do one verb for routes."""
    return world.kernel.write([Write(verb, route) for route in routes])


def create(world: KernelWorld, *routes: Route) -> list[Outcome]:
    """Create routes."""
    return do(world, Verb.CREATE, *routes)


def verdicts(outcomes: Sequence[Outcome]) -> list[Verdict]:
    """Give what became of each."""
    return [outcome.verdict for outcome in outcomes]


def _prefix(destination: bytes, length: int) -> str:
    return f"{ip_address(destination)}/{length}"

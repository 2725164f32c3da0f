"""What every implementation of the port does with routes that have a form of their own."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from hostgw_daemon.kernel import BLACKHOLE, UNREACHABLE, Form, Leg, Route, Verb, Verdict
from hostgw_daemon.routes.plan import plan
from support.kernel_contract import BothFamilies, create, do, route_of, verdicts
from support.kernel_world import IPV4, IPV6, KernelWorld, Names


class FormContract(BothFamilies):
    """Routes with a source or an MTU, and routes that lead nowhere."""

    def test_forms_are_read_back(self, world: KernelWorld, names: Names) -> None:
        """Source and MTU of a route are content, and a delete finds the route by them."""
        source = ip_address(names.own).packed
        forms = [Form(source=source), Form(mtu=1400), Form(source=source, mtu=1300)]
        routes = [
            route_of(world, names.prefix(n), names.near)._replace(form=form)
            for n, form in enumerate(forms)
        ]
        assert verdicts(create(world, *routes)) == [Verdict.CREATED] * 3
        assert world.kernel.routes(names.family) == set(routes)
        assert verdicts(do(world, Verb.DELETE, *routes)) == [Verdict.DELETED] * 3

    def test_a_source_that_is_not_ours(self, world: KernelWorld, names: Names) -> None:
        """A source address that this host does not have is refused, in the kernel's words."""
        route = route_of(world, names.prefix(1), names.near)
        outcomes = create(world, route._replace(form=Form(source=ip_address(names.third).packed)))
        assert verdicts(outcomes) == [Verdict.FAILED]
        assert outcomes[0].message
        assert world.kernel.routes(names.family) == frozenset()

    def test_an_ipv4_route_of_several_ways(self, world: KernelWorld) -> None:
        """It is one route: made, read, moved and deleted whole, in the order of its ways."""
        old, new = (
            _several(world, *(IPV4.gateway(n) for n in numbers)) for numbers in ((1, 2), (2, 3, 4))
        )
        assert verdicts(create(world, old)) == [Verdict.CREATED]
        assert world.kernel.routes(4) == {old}
        assert verdicts(do(world, Verb.APPEND, new)) == [Verdict.CREATED]
        assert verdicts(do(world, Verb.DELETE, old)) == [Verdict.DELETED]
        assert verdicts(do(world, Verb.DELETE, old)) == [Verdict.GONE]
        assert world.kernel.routes(4) == {new}
        lame = _several(world, IPV4.near, IPV4.far)._replace(metric=7)
        assert verdicts(create(world, lame)) == [Verdict.OFF_LINK]

    @pytest.mark.parametrize("back", [False, True], ids=["there", "back"])
    def test_a_second_way_comes_and_goes(
        self, world: KernelWorld, names: Names, back: bool
    ) -> None:
        """By the writes of a plan, in both families: the first way is there at any time."""
        near = route_of(world, names.prefix(1), names.near)
        if names.family == 4:
            both = frozenset({_several(world, names.near, names.second)})
        else:
            both = frozenset({near, route_of(world, names.prefix(1), names.second)})
        steps = [frozenset({near}), both]
        before, after = reversed(steps) if back else steps
        create_all = world.kernel.write(plan(before, frozenset()))
        assert {outcome.verdict for outcome in create_all} == {Verdict.CREATED}
        assert world.kernel.routes(names.family) == before
        for outcome in world.kernel.write(plan(after, before)):
            assert outcome.verdict in {Verdict.CREATED, Verdict.DELETED}
        assert world.kernel.routes(names.family) == after

    def test_ipv4_over_an_ipv6_gateway(self, world: KernelWorld) -> None:
        """An IPv4 route may lead by an IPv6 address of the link, and moves as any other does."""
        plain = route_of(world, IPV4.prefix(1), IPV4.near)
        old, new, far = (
            plain._replace(gateway=ip_address(each).packed)
            for each in (IPV6.near, IPV6.second, IPV6.far)
        )
        assert verdicts(create(world, old)) == [Verdict.CREATED]
        assert world.kernel.routes(4) == {old}
        assert world.ours(4) == {(IPV4.prefix(1), IPV6.near, 2000)}
        assert verdicts(do(world, Verb.APPEND, new)) == [Verdict.CREATED]
        assert verdicts(do(world, Verb.DELETE, far)) == [Verdict.GONE]
        assert verdicts(do(world, Verb.DELETE, old)) == [Verdict.DELETED]
        assert world.kernel.routes(4) == {new}
        other = far._replace(metric=7)
        assert verdicts(create(world, other)) == [Verdict.OFF_LINK]

    @pytest.mark.parametrize("kind", [BLACKHOLE, UNREACHABLE])
    def test_a_route_to_nowhere(self, world: KernelWorld, names: Names, kind: int) -> None:
        """It needs no link, outlives it, and is found by its kind."""
        nowhere = _nowhere(world, names, kind)
        assert verdicts(create(world, nowhere)) == [Verdict.CREATED]
        assert world.kernel.routes(names.family) == {nowhere}
        assert verdicts(create(world, nowhere)) == [Verdict.CONFLICT]
        world.link_down()
        assert world.kernel.routes(names.family) == {nowhere}
        assert verdicts(do(world, Verb.DELETE, nowhere)) == [Verdict.DELETED]
        assert verdicts(do(world, Verb.DELETE, nowhere)) == [Verdict.GONE]

    def test_nowhere_and_a_gateway_stand_beside_each_other(
        self, world: KernelWorld, names: Names
    ) -> None:
        """Under another metric each has a key of its own, and a delete takes the one it names."""
        black, unreachable = (_nowhere(world, names, kind) for kind in (BLACKHOLE, UNREACHABLE))
        route = route_of(world, names.prefix(1), names.near)
        create(world, black, unreachable, route)
        assert world.kernel.routes(names.family) == {black, unreachable, route}
        assert verdicts(do(world, Verb.DELETE, unreachable)) == [Verdict.DELETED]
        assert world.kernel.routes(names.family) == {black, route}

    def test_another_form_beside_the_first(self, world: KernelWorld, names: Names) -> None:
        """IPv4 takes the same way in another form beside the first; to IPv6 it is the same."""
        plain = route_of(world, names.prefix(1), names.near)
        other = plain._replace(form=Form(mtu=1400))
        create(world, plain)
        appended = verdicts(do(world, Verb.APPEND, other))
        assert appended == [Verdict.CREATED if names.family == 4 else Verdict.CONFLICT]

    @pytest.mark.parametrize("back", [False, True], ids=["there", "back"])
    def test_a_plan_changes_the_form(self, world: KernelWorld, names: Names, back: bool) -> None:
        """What the plan says is what the kernel does: the new form alone is there in the end."""
        plain = route_of(world, names.prefix(1), names.near)
        forms = [plain, plain._replace(form=Form(mtu=1400))]
        old, new = reversed(forms) if back else forms
        create(world, old)
        outcomes = world.kernel.write(plan(frozenset({new}), frozenset({old})))
        assert {outcome.verdict for outcome in outcomes} == {Verdict.CREATED, Verdict.DELETED}
        assert world.kernel.routes(names.family) == {new}


def _several(world: KernelWorld, *gateways: str) -> Route:
    legs = tuple(Leg(ip_address(each).packed, world.link) for each in gateways)
    plain = route_of(world, IPV4.prefix(1), IPV4.near)
    return plain._replace(gateway=b"", link=0, form=Form(legs=legs))


def _nowhere(world: KernelWorld, names: Names, kind: int) -> Route:
    route = route_of(world, names.prefix(1), names.near, metric=4000 + kind)
    return route._replace(gateway=b"", link=0, form=Form(kind))

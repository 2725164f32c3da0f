"""Tables of routes drawn at random, and a kernel of ten lines that does a write to one."""

from __future__ import annotations

import hypothesis.strategies as st

from hostgw_daemon.kernel import PLAIN, Form, Route, Table, Verb, Write

routes = st.builds(
    Route,
    destination=st.sampled_from([b"\x0a\x05\x01\x00", b"\x0a\x05\x02\x00", b"\xfd" + bytes(15)]),
    length=st.sampled_from([24, 25]),
    metric=st.sampled_from([1024, 1025]),
    gateway=st.sampled_from([b"\xac\x10\x00\x04", b"\xac\x10\x00\x05", b"\xac\x10\x00\x06"]),
    link=st.sampled_from([2, 3]),
    table=st.sampled_from([254, 1000]),
    form=st.sampled_from([PLAIN, PLAIN, Form(mtu=1400), Form(source=b"\xac\x10\x00\x01")]),
)


def taken_for(route: Route) -> Route:
    """Give what the kernel compares: of a route of IPv6 not its form."""
    return route._replace(form=PLAIN) if route.family == 6 else route


@st.composite
def observed_tables(draw: st.DrawFn) -> Table:
    """Draw a table that a kernel can hold."""
    several = draw(st.lists(routes, max_size=12))
    return frozenset({taken_for(route): route for route in several}.values())


@st.composite
def desired_tables(draw: st.DrawFn) -> Table:
    """Draw a table with one owner a subnet: one route a key, or in IPv6 ways of one form."""
    table: dict[tuple[object, ...], Route] = {}
    for route in draw(st.lists(routes, max_size=12)):
        form = next((each.form for each in table.values() if each.key == route.key), route.form)
        where = (*route.key, route.gateway, route.link) if route.family == 6 else route.key
        table[where] = route._replace(form=form)
    return frozenset(table.values())


def do(table: Table, write: Write) -> Table:
    """Do one write as the kernel does: exclusive, or beside, or exactly this one."""
    if write.verb is Verb.CREATE:
        assert write.route.key not in {route.key for route in table}, "EEXIST"
        return table | {write.route}
    if write.verb is Verb.APPEND:
        there = {taken_for(route) for route in table}
        assert taken_for(write.route) not in there, "EEXIST"
        return table | {write.route}
    assert write.route in table, "ESRCH"
    return table - {write.route}

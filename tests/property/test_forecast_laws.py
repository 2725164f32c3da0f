"""The laws of the forecast: it says of the kernel's table what doing the plan makes of it."""

from __future__ import annotations

import hypothesis.strategies as st
from hypothesis import given, settings

from hostgw_daemon.routes.forecast import Action, Past, changes
from hostgw_daemon.routes.plan import plan
from support.routes_drawn import desired_tables, do, observed_tables


@settings(deadline=None)
@given(desired_tables(), observed_tables(), st.data())
def test_it_tells_what_doing_the_plan_makes_of_the_table(desired, observed, data):
    """Whatever is fought over and whatever may not go: added, moved and removed make the table."""
    anything = sorted(desired | observed)
    some = st.frozensets(st.sampled_from(anything)) if anything else st.just(frozenset())
    fought, stuck = data.draw(some), data.draw(some)
    past = Past(fought_over=fought, may_go=lambda route: route not in stuck)
    table = observed
    for write in plan(desired - (fought - observed), observed, past.may_go):
        table = do(table, write)
    told = list(changes(desired, observed, past))
    expected = observed
    for each in told:
        if each.action is Action.ADD:
            expected |= {each.route}
        elif each.action is Action.REMOVE:
            assert each.route in expected
            expected -= {each.route}
        elif each.action is Action.MOVE:
            assert each.before in observed
            assert each.before.key == each.route.key
            expected = {e for e in expected if e.key != each.route.key or e in desired}
            expected |= {each.route}
        assert each.why
    assert expected == table
    assert len({(each.action, each.route) for each in told}) == len(told)


@settings(deadline=None)
@given(desired_tables())
def test_where_nothing_is_to_be_done_nothing_is_told(table):
    """However it came to be so."""
    assert list(changes(table, table, Past(aimed=table))) == []

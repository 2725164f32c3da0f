"""The laws of the plan, on a kernel of ten lines that was written by hand."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import hypothesis.strategies as st
from hypothesis import given, settings

from hostgw_daemon.kernel import Verb
from hostgw_daemon.routes.plan import plan
from support.routes_drawn import desired_tables, do, observed_tables, taken_for


def every_prefix(table, writes):
    """Give the tables that there are while the writes are done, the first and the last included."""
    tables = [table]
    for write in writes:
        tables.append(do(tables[-1], write))
    return tables


@given(desired_tables(), observed_tables())
@settings(max_examples=250, deadline=None)
def test_doing_the_plan_gives_what_is_desired(desired, observed):
    """The kernel takes every write, and in the end there is exactly what there should be."""
    assert every_prefix(observed, plan(desired, observed))[-1] == desired


@given(desired_tables())
@settings(max_examples=100, deadline=None)
def test_there_is_nothing_to_do_where_all_is_well(desired):
    """A second pass writes nothing."""
    assert plan(desired, desired) == ()


@given(desired_tables(), observed_tables())
@settings(max_examples=150, deadline=None)
def test_no_route_is_written_twice(desired, observed):
    """Every route is in one write at most, and no more routes than differ, but for bridges."""
    writes = plan(desired, observed)
    counts = Counter(write.route for write in writes)
    differing = desired ^ observed
    assert {route for route in counts if route in differing} == differing
    for route, count in counts.items():
        if route in differing:
            assert count == 1
        else:
            assert (count, route.family) == (2, 6)
            assert route.key not in {each.key for each in desired | observed}


@given(desired_tables(), observed_tables())
@settings(max_examples=150, deadline=None)
def test_what_comes_goes_in_before_anything_goes_out(desired, observed):
    """No deletion stands before a creation, where the two can stand beside each other."""
    writes = plan(desired, observed)
    there = {taken_for(route) for route in observed}
    blocked = {route.key for route in desired - observed if taken_for(route) in there}
    verbs = [
        write.verb is Verb.DELETE
        for write in writes
        if write.route in desired ^ observed and write.route.key not in blocked
    ]
    assert verbs == sorted(verbs)


@given(desired_tables(), observed_tables())
@settings(max_examples=250, deadline=None)
def test_a_destination_that_stays_is_never_without_a_route(desired, observed):
    """Whatever moves, at every moment there is a way to all that had one and shall have one."""

    def reached(table):
        return {(route.destination, route.length, route.table) for route in table}

    lasting = reached(desired) & reached(observed)
    for table in every_prefix(observed, plan(desired, observed)):
        assert lasting <= reached(table)


@given(desired_tables(), observed_tables())
@settings(max_examples=100, deadline=None)
def test_the_same_difference_is_the_same_plan(desired, observed):
    """The order is that of the routes, not of a set in memory."""
    again = plan(frozenset(sorted(desired, reverse=True)), frozenset(sorted(observed)))
    assert again == plan(desired, observed)
    appended = [write.route for write in again if write.verb is Verb.APPEND]
    descents = sum(one > other for one, other in pairwise(appended))
    assert descents <= 1  # those that can stand beside the old ones, then those that cannot


@given(desired_tables(), observed_tables(), st.data())
@settings(max_examples=150, deadline=None)
def test_what_may_not_go_stays(desired, observed, data):
    """It is there at every moment, alone under its key; everything else is as it should be."""
    extra = sorted(observed - desired)
    staying = frozenset(route for route in extra if data.draw(st.booleans()))
    tables = every_prefix(observed, plan(desired, observed, lambda route: route not in staying))
    assert all(staying <= table for table in tables)
    keys = {route.key for route in staying}
    assert {r for r in tables[-1] if r.key not in keys} == {r for r in desired if r.key not in keys}
    assert {r for r in tables[-1] if r.key in keys} == {r for r in observed if r.key in keys}

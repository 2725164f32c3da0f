"""The laws of withdrawing routes: the floor above all, whatever states peers come into and when."""

from __future__ import annotations

from collections import Counter
from math import ceil

import hypothesis.strategies as st
from hypothesis import given, settings

from hostgw_daemon.routes.withdrawals import MOST, Terms, Withdrawals

STATES = ("ok", "unreachable", "unresolved", "mtu", "path_filtered")
ASKED = frozenset({"unreachable", "path_filtered"})
KEYS = [(b"/%d" % number, family) for number in range(8) for family in (4, 6)]

worlds = st.dictionaries(st.sampled_from(KEYS), st.sampled_from(STATES), max_size=len(KEYS))
pauses = st.integers(0, 400).map(lambda quarters: quarters / 4)  # sums of these are exact
looks = st.lists(st.tuples(worlds, pauses, st.booleans()), min_size=1, max_size=25)
floors = st.sampled_from([0.0, 0.1, 0.5, 0.67, 0.9, 1.0])


def terms(floor: float = 0.5, after: float = 30.0) -> Terms:
    """Give terms of two states."""
    return Terms(ASKED, after, floor)


@given(looks, floors)
@settings(max_examples=300, deadline=None)
def test_the_floor_holds_and_only_who_is_bad_for_long_goes(looks, floor):
    """In each family, at every look; and who is well again has its route at once."""
    decides, moment = Withdrawals(terms(floor)), 0.0
    since: dict[object, float] = {}
    before: set[object] = set()
    for world, pause, sure in looks:
        moment += pause
        found = decides.look(world, world, moment, sure=sure)
        bad = {key for key, state in world.items() if state in ASKED}
        since = {key: since.get(key, moment) for key in bad}
        for family in (4, 6):  # while too many are, it may be this node: no time counts
            most = sum(key[1] == family for key in world)
            most -= ceil(floor * most)
            if sum(key[1] == family for key in bad) > most:
                since |= {key: moment for key in bad if key[1] == family}
        gone = set(found.routes)
        assert gone <= bad
        fresh = gone - before
        assert all(moment - since[key] >= 30 for key in fresh)
        assert sure or not fresh
        for family in (4, 6):
            peers = [key for key in world if key[1] == family]
            kept = [key for key in peers if key not in gone]
            assert len(kept) >= ceil(floor * len(peers))
            hit = sum(key[1] == family for key in bad)
            if hit > len(peers) - ceil(floor * len(peers)):
                assert not any(key[1] == family for key in fresh)
        assert all(found.routes[key].state == world[key] for key in gone)
        before = gone


@given(looks)
@settings(max_examples=100, deadline=None)
def test_where_no_state_is_named_nobody_goes(looks):
    """Nor is any moment waited for: what is off costs nothing."""
    decides, moment = Withdrawals(Terms(frozenset(), 1.0, 0.0)), 0.0
    for world, pause, sure in looks:
        moment += pause
        assert not decides.look(world, world, moment, sure=sure).routes
        assert decides.next() is None


@given(worlds, st.floats(1, 1000))
def test_after_the_moment_that_is_named_nothing_is_left_to_wait_for(world, after):
    """So a loop that sleeps until then misses nothing, and does not spin."""
    decides = Withdrawals(terms(0.0, after))
    decides.look(world, world, 0.0)
    bad = {key for key, state in world.items() if state in ASKED}
    due = decides.next()
    assert (due == after) if bad else (due is None)
    assert set(decides.look(world, world, after).routes) == bad
    assert decides.next() is None


def peers(count: int) -> list[tuple[bytes, int]]:
    """Give so many peers."""
    return [(b"/%d" % number, 4) for number in range(count)]


def bad(*numbers: int) -> dict[tuple[bytes, int], str]:
    """Let some of them be out of reach."""
    return {(b"/%d" % number, 4): "unreachable" for number in numbers}


def test_a_node_that_is_cut_off_keeps_all_its_routes():
    """Nine of ten fall silent within seconds: none goes, not even the first one."""
    decides, ten = Withdrawals(terms()), peers(10)
    for second in range(9):
        decides.look(bad(*range(second + 1)), ten, float(second))
    for second in range(9, 200):
        found = decides.look(bad(*range(9)), ten, float(second))
        assert not found.routes
        assert found.spared == {4: 9}


def test_a_node_that_was_cut_off_empties_nothing_while_the_others_are_found_again():
    """They answer one after the other: who is last has not been out of reach for all that time."""
    decides, ten = Withdrawals(terms()), peers(10)
    for second in range(60):
        assert not decides.look(bad(*range(10)), ten, float(second), reached={4: -1.0}).routes
    for back in range(10):
        moment = 60.0 + back
        assert not decides.look(bad(*range(back + 1, 10)), ten, moment, reached={4: moment}).routes
    assert decides.next() is None


def test_who_stays_behind_when_the_others_are_back_waits_his_time_from_then():
    """One node is really gone; it was this one that could not know it before."""
    decides, ten = Withdrawals(terms()), peers(10)
    for second in range(60):
        decides.look(bad(*range(10)), ten, float(second), reached={4: -1.0})
    for second in range(60, 89):
        assert not decides.look(bad(0), ten, float(second), reached={4: float(second)}).routes
    assert decides.look(bad(0), ten, 90.0, reached={4: 90.0}).routes.keys() == bad(0).keys()


def test_nobody_goes_before_somebody_else_has_answered():
    """One is silent, and the others have not been asked since; unless nobody need keep a route."""
    decides, lone, ten = Withdrawals(terms()), Withdrawals(terms(0.0)), peers(10)
    for second in range(120):
        assert not decides.look(bad(0), ten, float(second), reached={4: 0.0}).routes
        found = lone.look(bad(0), ten, float(second), reached={4: -1.0})
        assert bool(found.routes) == (second >= 30)
    # Somebody has answered now: only from then on is it known that it is not this node.
    assert not decides.look(bad(0), ten, 120.0, reached={4: 119.0}).routes
    assert decides.next() == 149.0
    assert not decides.look(bad(0), ten, 148.0, reached={4: 148.0}).routes
    assert decides.look(bad(0), ten, 149.0, reached={4: 149.0}).routes.keys() == bad(0).keys()


def test_that_somebody_answers_in_the_other_family_proves_nothing():
    """A node may be cut off in one of them alone, and of many few are known to be bad at first."""
    decides, moment = Withdrawals(terms()), 0.0
    both = [(key, family) for key, _ in peers(10) for family in (4, 6)]
    lost = {(b"/0", 6): "unreachable"}
    while (moment := moment + 1.0) < 100:
        assert not decides.look(lost, both, moment, reached={4: moment}).routes


def test_while_it_is_not_sure_no_moment_is_waited_for():
    """Time alone does not make it sure."""
    decides, ten = Withdrawals(terms()), peers(10)
    for second in range(100):
        assert not decides.look(bad(0), ten, float(second), sure=False).routes
        assert decides.next() is None
    assert decides.look(bad(0), ten, 100.0).routes.keys() == bad(0).keys()


def test_those_that_are_gone_stay_gone_where_one_more_is_too_many():
    """And where there are fewer peers than before, the last one comes back."""
    decides, ten = Withdrawals(terms()), peers(10)
    for second in range(5):
        decides.look(bad(*range(second + 1)), ten, float(second))
    for second in range(5, 60):
        decides.look(bad(*range(5)), ten, float(second))
    assert set(decides.now.routes) == set(bad(*range(5)))
    found = decides.look(bad(*range(6)), ten, 60.0)
    assert (set(found.routes), found.spared) == (set(bad(*range(5))), {4: 1})
    found = decides.look(bad(*range(5)), peers(8), 61.0)
    assert set(found.routes) == set(bad(*range(4)))


def test_who_comes_and_goes_waits_twice_as_long_each_time():
    """Up to a bound; and after ten quiet minutes as long as ever."""
    decides, ten = Withdrawals(terms()), peers(10)
    waits: Counter[int] = Counter()
    moment = 0.0
    for turn in range(7):
        while not decides.look(bad(0), ten, moment).routes:
            moment += 1.0
            waits[turn] += 1
        moment += 1.0
        assert not decides.look({}, ten, moment).routes
        moment += 1.0
    assert [waits[turn] for turn in range(7)] == [30 * min(MOST, 2**turn) for turn in range(7)]
    moment += 601.0
    decides.look({}, ten, moment)
    decides.look(bad(0), ten, moment)
    assert decides.next() == moment + 30

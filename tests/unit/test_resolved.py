"""Which gateways are kept resolved: plans by a table written by hand, and what is true of all."""

from __future__ import annotations

from ipaddress import IPv4Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hostgw_daemon.host.resolved import Wanted, wanted
from hostgw_daemon.switches import Neighbour
from support.neighbourhood import (
    ANOTHERS,
    BUSY,
    DEAD,
    FOR_GOOD,
    KEPT,
    KEPT_STALE,
    OLD,
    RELEASED,
    SILENT,
    at,
)


def there(**entries: Neighbour) -> dict[IPv4Address, Neighbour]:
    """Give a table: `n3` is the entry of 192.0.2.3."""
    return {at(int(name[1:]))[0]: entry for name, entry in entries.items()}


TABLE = [
    # the gateways, the table, how many at most, those that rest, what is to be done
    (at(1, 2), {}, 9, (), Wanted(create=at(1, 2))),
    ((), there(n1=BUSY, n2=FOR_GOOD, n3=ANOTHERS), 9, (), Wanted()),
    (at(1, 2), there(n1=KEPT, n2=KEPT_STALE), 9, (), Wanted()),
    (at(1, 2, 3), there(n1=OLD, n2=BUSY, n3=RELEASED), 9, (), Wanted(adopt=at(1, 2, 3))),
    (at(1), there(n1=DEAD), 9, (), Wanted(adopt=at(1))),
    (at(1, 2), there(n1=FOR_GOOD, n2=ANOTHERS), 9, (), Wanted()),
    (at(1), there(n1=KEPT, n2=KEPT, n3=RELEASED), 9, (), Wanted(drop=at(2))),
    (at(1), there(n1=SILENT), 9, (), Wanted(drop=at(1), failed=at(1))),
    (at(1, 2), {}, 9, at(1), Wanted(create=at(2))),
    (at(1, 2), there(n1=BUSY), 9, at(1), Wanted(create=at(2), adopt=at(1))),  # it is back
    (at(1, 2), there(n1=OLD), 9, at(1), Wanted(create=at(2))),
    (at(1, 2), {}, 0, (), Wanted()),
    # more than may be: those that packets go to
    (at(1, 2, 3), {}, 2, (), Wanted()),
    (at(1, 2, 3), there(n1=OLD, n3=BUSY), 2, (), Wanted(adopt=at(3))),
    (at(1, 2, 3), there(n1=BUSY, n2=BUSY, n3=BUSY), 2, (), Wanted(adopt=at(1, 2))),
    (at(1, 2, 3), there(n2=KEPT, n3=KEPT, n1=BUSY), 2, (), Wanted()),
    (at(1, 2, 3), there(n1=KEPT, n2=KEPT, n3=KEPT), 2, (), Wanted(release=at(3))),
    (at(1, 2, 3), there(n1=ANOTHERS, n2=BUSY), 2, (), Wanted(adopt=at(2))),
    (at(1, 2, 3), there(n1=SILENT, n2=BUSY), 2, (), Wanted(adopt=at(2), drop=at(1), failed=at(1))),
]


@pytest.mark.parametrize(("gateways", "table", "most", "resting", "plan"), TABLE)
def test_what_is_to_be_done(gateways, table, most: int, resting, plan: Wanted):
    """Each line of the table."""
    assert wanted(gateways, table, most=most, resting=resting) == plan


ADDRESSES = st.integers(1, 12).map(lambda number: at(number)[0])
ENTRIES = st.builds(
    Neighbour,
    managed=st.booleans(),
    ours=st.booleans(),
    taken=st.booleans(),
    used=st.booleans(),
    failed=st.booleans(),
).filter(lambda entry: not (entry.ours and entry.taken) and (entry.taken or not entry.failed))


@given(
    st.frozensets(ADDRESSES),
    st.dictionaries(ADDRESSES, ENTRIES),
    st.integers(0, 8),
    st.frozensets(ADDRESSES),
)
def test_nobody_elses_entry_is_touched_and_never_are_there_too_many(gateways, table, most, resting):
    """Whatever the table holds; and what was done needs not be done again."""
    plan = wanted(gateways, table, most=most, resting=resting)
    assert all(table[a].ours and table[a].managed for a in (*plan.release, *plan.drop))
    assert all(not table[a].taken for a in plan.adopt)
    assert not set(plan.create) & table.keys()
    assert {*plan.create, *plan.adopt} <= gateways
    after = {a: entry for a, entry in table.items() if a not in plan.drop}
    after |= dict.fromkeys((*plan.create, *plan.adopt), KEPT)
    after |= dict.fromkeys(plan.release, RELEASED)
    assert sum(entry.ours and entry.managed for entry in after.values()) <= most
    rest = resting | set(plan.failed)
    assert wanted(gateways, after, most=most, resting=rest) == Wanted()


def test_both_families_are_kept():
    """IPv4 first, where there is not room for all."""
    both = {ip_address("fd00::1"), ip_address("192.0.2.1")}
    assert wanted(both, {}, most=2).create == (ip_address("192.0.2.1"), ip_address("fd00::1"))

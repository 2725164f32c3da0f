"""What a change of the store costs behind the guard: the same, however many peers and holds."""

from __future__ import annotations

import sys

import pytest

from support.lease_world import entry, gone
from support.understanding import NETWORK, GuardedStore

FEW, MANY = 300, 3000


def name(number):
    """Name a subnet; 16 to a /24."""
    return f"10.5.{number // 16}.{number % 16 * 16}-28"


def store_of(count):
    """Make a cluster of so many peers."""
    store = GuardedStore()
    store.list(NETWORK, *(entry(name(n), node=f"n{n}", created=n + 1) for n in range(count)))
    return store


def calls(act, *arguments):
    """Count the calls of functions, and every turn of a loop that a generator makes."""
    count = 0

    def note(frame, event, argument):
        nonlocal count
        count += event == "call"

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        act(*arguments)
    finally:
        sys.setprofile(before)
    return count


def nothing_is_held(store):
    """All is well."""


def one_is_held(store):
    """One has just left."""
    store.change(gone(name(7)))


def all_but_some_are_held(store):
    """An accident."""
    store.change(*(gone(name(number)) for number in range(100, len(store.entries) - 1)))


@pytest.mark.parametrize("before", [nothing_is_held, one_is_held, all_but_some_are_held])
def test_a_change_costs_the_same_however_many_there_are(before):
    """A new lease, one that goes, one that comes back, and one that moves."""
    costs = []
    for count in (FEW, MANY):
        store = store_of(count)
        before(store)
        store.change(entry(name(4095), node="last", created=8000))  # what is many is printed once
        store.time += 0.1
        cost = [
            calls(store.change, entry(name(4000), node="new", created=9000)),
            calls(store.change, gone(name(8))),
            calls(store.change, entry(name(8), node="n8", created=9001)),
            calls(store.change, gone(name(9)), entry(name(4001), node="n9", created=9002)),
            calls(store.cluster.release, [name(7)], "accepted"),
        ]
        costs.append(cost)
    few, many = costs
    assert all(more <= 1.1 * less + 10 for less, more in zip(few, many, strict=True)), costs

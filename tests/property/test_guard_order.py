"""It does not matter how a change of the store is heard: at once, one by one, or as a list."""

from __future__ import annotations

import hypothesis.strategies as st
from hypothesis import given, settings

from hostgw_core.store import Deleted, Entry
from support.lease_world import key, value
from support.understanding import NETWORK, GuardedStore, names, peers_of

NODES = ("n1", "n2", "n3", "n4")
acts = st.lists(
    st.tuples(
        st.sampled_from(names(8)),
        st.none() | st.sampled_from(NODES) | st.sampled_from(["bad", "quarantine"]),
    ),
    max_size=14,
)


def content(who):
    """Give what this node writes, or somebody who spoils."""
    if who == "bad":
        return b"?"
    if who == "quarantine":
        return value(backend="quarantine")
    return value(f"172.16.0.{101 + NODES.index(who)}", node=who)


def happen(entries, acts):
    """Let etcd do it: give every change on the way."""
    for revision, (name, who) in enumerate(acts, 200):
        old = entries.get(key(name))
        if who is None:
            if entries.pop(key(name), None) is not None:
                yield Deleted(key(name), revision)
            continue
        created = old.created if old is not None else revision
        entries[key(name)] = Entry(key(name), content(who), created, revision, 1, 7)
        yield entries[key(name)]


def begin():
    """Eight peers, of as many nodes."""
    store = GuardedStore()
    store.list(NETWORK, *peers_of(*names(8)))
    return store


@given(acts, st.lists(st.integers(1, 4), min_size=14, max_size=14))
@settings(max_examples=150, deadline=None)
def test_however_it_is_heard_the_same_is_believed_in_the_end(acts, sizes):
    """At once the same of every record that stands but was spoilt; after the hold of all others.

    A record that was good for a moment only is heard of by whoever hears everything.
    """
    changes = [*happen(dict(begin().entries), acts)]
    worlds = []
    for cut in ([1] * 14, sizes, [14], []):
        store = begin()
        if cut:
            rest = changes
            for size in cut:
                part, rest = rest[:size], rest[size:]
                if part:
                    store.change(*part)
        else:
            entries = dict(store.entries)
            [*happen(entries, acts)]
            store.list(*entries.values())
        worlds.append(store)
    spoilt = {key(name).decode().rpartition("/")[2] for name, who in acts if who == "bad"}
    standing = [
        {
            name: word
            for name, word in store.says.items()
            if key(name) in store.entries and name not in spoilt
        }
        for store in worlds
    ]
    assert all(each == standing[0] for each in standing)
    for store in worlds:
        store.pass_time(700)
        store.pass_time(700)
        assert store.held() == {}
    ends = [{n: w for n, w in store.says.items() if n not in spoilt} for store in worlds]
    assert all(each == ends[0] for each in ends)


@given(st.permutations(names(8)), st.integers(0, 8))
@settings(max_examples=60, deadline=None)
def test_in_whatever_order_they_go_it_is_one_accident(order, several):
    """Half of eight are an accident for each of them, heard at once, one by one or as a list."""
    gone = [Deleted(key(name), 200) for name in order[:several]]
    cause = "many" if several >= 4 else "leaving"
    at_once, one_by_one, listed = begin(), begin(), begin()
    if gone:
        at_once.change(*gone)
    for each in gone:
        one_by_one.change(each)
    listed.list(NETWORK, *peers_of(*order[several:]))
    want = dict.fromkeys(order[:several], cause)
    assert at_once.held() == one_by_one.held() == listed.held() == want
    assert at_once.says == one_by_one.says == listed.says

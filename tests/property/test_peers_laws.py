"""The laws of the judgement, against a brute force that compares every pair by hand."""

from __future__ import annotations

import json

import hypothesis.strategies as st
from hypothesis import given, settings

from hostgw_core.store import Deleted, Entry
from hostgw_daemon.routes.judgement import accept, amend
from support.judging import reasons, used
from support.lease_world import MY_ADDRESS, believe, config, key, policy, value

# Few subnets, that nest: most of what is drawn meets something else.
NAMES = (
    "10.5.0.0-16",
    "10.5.0.0-22",
    "10.5.0.0-23",
    "10.5.2.0-23",
    "10.5.0.0-24",
    "10.5.1.0-24",
    "10.5.2.0-24",
    "10.5.3.0-24",
    "10.5.1.64-26",
    "10.6.0.0-24",
    "10.5.8.0-24&fd00:5:0:1::-64",
    "10.5.9.0-24&fd00:5:0:1::-64",
    "10.5.9.0-24&fd00:6:0:1::-64",
    "hostgw/other/10.5.1.0-24",
)
POLICIES = (
    policy(),
    policy(address=""),
    policy(networks=["10.5.2.0/24"]),
    policy(config("10.5.0.0/22", revision=2)),
    policy(config("10.6.0.0/16", revision=3)),
    policy(config(ipv6="fd00:5::/48", revision=4), address6="fd00::1"),
)
names = st.sampled_from(NAMES)
values = st.one_of(
    st.builds(
        value,
        st.sampled_from(["172.16.0.2", "172.16.0.3", "10.5.1.1", MY_ADDRESS, "224.0.0.1", None]),
        gateway6=st.sampled_from([None, "fd00::2", "fd00:5:0:1::7"]),
        node=st.sampled_from(["", "", "n1", "me"]),
        backend=st.sampled_from(["host-gw", "host-gw", "host-gw", "vxlan"]),
    ),
    st.sampled_from([b"?", b"{}", b"[]"]),
)
acts = st.lists(st.tuples(names, st.none() | values), max_size=12)
"""Each is a put of this value, or the end of the key."""


def happen(start, acts):
    """Let etcd do it: the entries in the end, and every change on the way."""
    entries, changes = dict(start), []
    revision = max((each.modified for each in entries.values()), default=1)
    for name, content in acts:
        revision += 1
        before = entries.get(key(name))
        if content is None:
            if before is not None:
                changes.append(Deleted(key(name), revision))
                del entries[key(name)]
            continue
        created = before.created if before is not None else revision
        entries[key(name)] = Entry(key(name), content, created, revision, 1, 7)
        changes.append(entries[key(name)])
    return entries, changes


def after(entries, changes):
    """Apply changes to entries, as a view does."""
    found = dict(entries)
    for change in changes:
        if isinstance(change, Deleted):
            del found[change.key]
        else:
            found[change.key] = change
    return found


def by_hand(found):
    """Say it the same way; a family without a subnet has no gateway that matters."""
    return {each: (one.subnets, set(one.gateways), one.state) for each, one in found.items()}


@given(acts, acts, st.sampled_from(POLICIES), st.sampled_from(POLICIES))
@settings(max_examples=400, deadline=None)
def test_the_judgement_is_what_brute_force_finds(first, second, rules, later):
    """Judged at once, and judged again after changes, under another policy."""
    entries, _ = happen({}, first)
    roster, found = accept(entries.values(), rules), believe(entries.values(), rules)
    assert used(roster) == by_hand(found)
    entries, _ = happen(entries, second)
    again = accept(entries.values(), later, roster)
    assert used(again) == by_hand(believe(entries.values(), later, found))


@given(acts, acts, st.sampled_from(POLICIES), st.sampled_from(POLICIES))
@settings(max_examples=400, deadline=None)
def test_an_amended_judgement_is_that_of_the_whole(first, second, rules, later):
    """Whenever `amend` answers, `accept` says the same of every peer and every refusal."""
    entries, _ = happen({}, first)
    before = accept(entries.values(), later, accept(entries.values(), rules))
    entries, changes = happen(entries, second)
    result = amend(before, changes)
    if result is None:
        return
    roster, moved = result
    whole = accept(entries.values(), later, before)
    assert roster.peers == whole.peers
    assert reasons(roster) == reasons(whole)
    assert moved == {
        each
        for each in before.peers.keys() | roster.peers.keys()
        if before.peers.get(each) != roster.peers.get(each)
    }


@given(acts, acts, acts, st.sampled_from(POLICIES))
@settings(max_examples=200, deadline=None)
def test_amending_goes_on_from_an_amended_judgement(first, second, third, rules):
    """What is kept beside the judgement, to amend it quickly, stays true over many steps."""
    entries, _ = happen({}, first)
    roster = accept(entries.values(), rules)
    for each in [[act] for act in (*second, *third)]:
        entries, changes = happen(entries, each)
        result = amend(roster, changes)
        whole = accept(entries.values(), rules, roster)
        roster = whole if result is None else result[0]
        assert roster.peers == whole.peers
        assert reasons(roster) == reasons(whole)


@given(acts, st.sampled_from(POLICIES), st.randoms(use_true_random=False))
@settings(max_examples=200, deadline=None)
def test_the_order_of_reading_does_not_matter(first, rules, random):
    """A list in any order is one judgement: that of every other node that lists the same."""
    entries = [*happen({}, first)[0].values()]
    shuffled = entries.copy()
    random.shuffle(shuffled)
    assert accept(shuffled, rules) == accept(entries, rules)


@given(acts, st.sampled_from(POLICIES))
@settings(max_examples=200, deadline=None)
def test_judging_again_changes_nothing(first, rules):
    """The same records by the same policy are the same judgement, however often.

    Of an overlap with several the words name one, and the second time perhaps another.
    """
    entries = happen({}, first)[0].values()
    once = accept(entries, rules)
    again = accept(entries, rules, once)
    assert again.peers == once.peers
    assert reasons(again) == reasons(once)


@given(acts, st.sampled_from(POLICIES), st.lists(st.integers(1, 4), min_size=12, max_size=12))
@settings(max_examples=200, deadline=None)
def test_squashed_and_split_events_are_the_same_peers(first, rules, sizes):
    """One by one, in groups or at once: the same peers, unless a meaning was kept on the way.

    Kept are a lease that was good once, and the first of two that overlapped for a while.
    """
    whole, changes = happen({}, first)
    rosters = []
    for cut in ([1] * 12, sizes, [12]):
        rest, entries, roster, memory = list(changes), {}, accept([], rules), False
        for size in cut:
            part, rest = rest[:size], rest[size:]
            entries = after(entries, part)
            result = amend(roster, part)
            roster = accept(entries.values(), rules, roster) if result is None else result[0]
            memory |= accept(entries.values(), rules).peers != roster.peers
        rosters.append((roster, memory))
        assert entries == whole
    if not any(memory for _, memory in rosters):
        assert rosters[0][0].peers == rosters[1][0].peers == rosters[2][0].peers


@given(acts, st.sampled_from(POLICIES))
@settings(max_examples=200, deadline=None)
def test_what_came_and_went_again_leaves_nothing(first, rules):
    """Events and then their reverse leave no peer, no refusal and no ground behind."""
    empty = accept([], rules)
    entries, _ = happen({}, first)
    there = accept(entries.values(), rules)
    result = amend(there, [Deleted(each, 1000) for each in reversed(entries)])
    roster = empty if result is None else result[0]
    assert roster == empty
    again = amend(roster, entries.values())
    assert again is not None
    assert again[0] == there


@given(st.binary(max_size=40), st.binary(max_size=60), st.sampled_from(POLICIES))
@settings(max_examples=200, deadline=None)
def test_no_bytes_raise(tail, content, rules):
    """Whatever is under the prefix is a peer or a refusal, and never an exception."""
    one = Entry(key("") + tail, content, 5, 5, 1, 0)
    roster = accept([one], rules)
    assert {*roster.peers, *roster.refusals} == {one.key}
    json.dumps([refusal.detail for refusal in roster.refusals.values()])

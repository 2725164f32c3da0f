"""The laws of the judgement hold with doubts as well: with leases that are held, and leftovers.

The store, the holds and the leftovers are moved at random, as the guard never would, and the
judgement is compared with one by brute force.
"""

from __future__ import annotations

import hypothesis.strategies as st
from hypothesis import given, settings

from hostgw_core.store import Deleted, Entry
from hostgw_daemon.routes.doubts import Doubts
from hostgw_daemon.routes.guard import entry_of
from hostgw_daemon.routes.judgement import accept, amend
from hostgw_daemon.routes.peers import PeerState
from support.judging import reasons, used
from support.lease_world import MY_ADDRESS, believe, config, key, policy, value

NAMES = (
    "10.5.0.0-22",
    "10.5.0.0-23",
    "10.5.0.0-24",
    "10.5.1.0-24",
    "10.5.2.0-24",
    "10.5.1.64-26",
    "10.6.0.0-24",
    "10.5.9.0-24&fd00:5:0:1::-64",
    "10.5.10.0-24&fd00:5:0:1::-64",
)
BOTH = config(ipv6="fd00:5::/48")
POLICIES = (
    policy(BOTH, address6="fd00::1"),
    policy(BOTH, networks=["10.5.2.0/24"]),
    policy(config("10.5.0.0/22", ipv6="fd00:5::/48", revision=2)),
)
names = st.sampled_from(NAMES)
good = st.builds(
    value,
    st.sampled_from(["172.16.0.2", "172.16.0.3"]),
    gateway6=st.just("fd00::2"),
    node=st.sampled_from(["", "n1", "n2"]),
)
bad = st.sampled_from([b"?", value(MY_ADDRESS), value(node="me"), value(backend="vxlan")])
act = st.one_of(
    st.tuples(st.just("hold"), names, st.none()),
    st.tuples(st.just("hold"), names, st.none()),
    st.tuples(st.just("put"), names, good),
    st.tuples(st.just("put"), names, good),
    st.tuples(st.just("put"), names, bad),
    st.tuples(st.just("leftover"), names, good | bad),
    st.tuples(st.sampled_from(["delete", "release"]), names, st.none()),
)
steps = st.lists(st.lists(act, min_size=1, max_size=4), min_size=2, max_size=8)
start = st.lists(st.tuples(st.just("put"), names, good), min_size=3, max_size=9)


class World:
    """The records of the store, which of them are leftovers, and what is held beside them."""

    def __init__(self):
        self.records, self.held, self.leftovers, self.revision = {}, {}, set(), 1

    @property
    def doubts(self):
        """Say it as the guard does."""
        return Doubts(dict.fromkeys(self.held, "a reason"), frozenset(self.leftovers))

    @property
    def believed(self):
        """Give the records that are judged: of a held lease what it said."""
        return [
            *(each for each in self.records.values() if each.key not in self.held),
            *self.held.values(),
        ]

    def act(self, roster, acts):
        """Let it all happen in one batch; give the changes that the judgement is told."""
        changes = []
        for what, name, content in acts:
            self.revision += 1
            changes += getattr(self, what)(key(name), content, roster.peers.get(key(name)))
        return changes

    def hold(self, one, _, peer):
        """Let a believed lease go from the store, unless a leftover stands there, and hold it."""
        if peer is None or peer.state is PeerState.SELF:
            return []
        if one not in self.leftovers:
            self.records.pop(one, None)
        self.held[one] = entry_of(peer.lease)
        return [self.held[one]]

    def release(self, one, _content, _peer):
        """End a hold; what stands there is a leftover."""
        if self.held.pop(one, None) is None:
            return []
        return [self.records.get(one, Deleted(one, 0))]

    def delete(self, one, _content, _peer):
        """Let a record go for good."""
        self.leftovers.discard(one)
        was = self.records.pop(one, None)
        return [Deleted(one, self.revision)] if was is not None and one not in self.held else []

    def put(self, one, content, _):
        """Write a record of the history that is ours."""
        self.leftovers.discard(one)
        self.held.pop(one, None)
        return self.written(one, content)

    def leftover(self, one, content, _):
        """Show a record of another history; a held lease stays held."""
        self.leftovers.add(one)
        change = self.written(one, content)
        return [] if one in self.held else change

    def written(self, one, content):
        """Let etcd write it."""
        old = self.records.get(one)
        created = old.created if old is not None else self.revision
        self.records[one] = Entry(one, content, created, self.revision, 1, 7)
        return [self.records[one]]

    def follow(self, roster):
        """Take note of whoever yielded; a leftover under its key is gone with it."""
        for each in roster.yielded:
            del self.held[each]
            self.records.pop(each, None)
            self.leftovers.discard(each)


@given(start, steps, st.sampled_from(POLICIES), st.sampled_from(POLICIES))
@settings(max_examples=200, deadline=None)
def test_the_judgement_with_doubts_is_what_brute_force_finds(first, batches, rules, later):
    """Who is held comes last of all and yields; of a leftover nothing is believed."""
    world, roster, found = World(), accept([], rules), {}
    for at, batch in enumerate([first, *batches]):
        world.act(roster, batch)
        policy = later if at % 2 else rules
        doubts = world.doubts
        roster = accept(world.believed, policy, roster, doubts)
        found = believe(world.believed, policy, found, held=world.held, leftovers=doubts.leftovers)
        assert used(roster) == {
            each: (one.subnets, set(one.gateways), one.state) for each, one in found.items()
        }
        assert roster.yielded == world.held.keys() - found.keys()
        assert world.leftovers - world.held.keys() <= roster.refusals.keys()
        world.follow(roster)


@given(start, steps, st.sampled_from(POLICIES))
@settings(max_examples=200, deadline=None)
def test_an_amended_judgement_with_doubts_is_that_of_the_whole(first, batches, rules):
    """Whenever `amend` answers, `accept` says the same: of peers, refusals and who yielded."""
    world, roster = World(), accept([], rules)
    for batch in (first, *batches):
        changes = world.act(roster, batch)
        result = amend(roster, changes, world.doubts)
        whole = accept(world.believed, rules, roster, world.doubts)
        if result is not None:
            amended, moved = result
            assert amended.peers == whole.peers
            assert reasons(amended) == reasons(whole)
            assert amended.yielded == whole.yielded
            assert moved == {
                each
                for each in roster.peers.keys() | whole.peers.keys()
                if roster.peers.get(each) != whole.peers.get(each)
            }
            whole = amended
        roster = whole
        world.follow(roster)

"""The claim's loop in virtual time: what is done when it does not go well."""

from __future__ import annotations

import asyncio
import json
from itertools import pairwise

import pytest

from hostgw_core.records import lease_value
from hostgw_core.store import Put, StoreRefused, StoreUnavailable
from support.claim_node import KEYS, TTL, Node, alive, at
from support.loops import Counted, now, running, until

pytestmark = pytest.mark.looptime


class Stolen(Counted):
    """A store in which the wanted subnet is taken just before every commit that wants one."""

    def __init__(self, store, times):
        super().__init__(store)
        self.times = times
        self.lost_at = []

    async def commit(self, compares, writes):
        """Let somebody else be quicker."""
        leases = [w for w in writes if isinstance(w, Put) and w.key in KEYS.subnets]
        if leases and self.times:
            self.times -= 1
            self.lost_at.append(now())
            value = lease_value(gateways=at("192.0.2.99"), node_id="quick")
            self.store.commit_now([], [Put(leases[0].key, value)])
        return await super().commit(compares, writes)


async def test_a_lost_race_is_tried_again_after_a_pause_that_nothing_shortens(store):
    """Each loss waits longer, and the sight of the winner's key does not end the pause."""
    node = Node(store, asks=Stolen(store, 5))
    async with running(*node.works):
        await until(lambda: node.state.held)
        pauses = [late - early for early, late in pairwise(node.counted.lost_at)]
        steps = [0.1, 0.2, 0.4, 0.8]
        assert all(
            step / 2 - 1e-3 <= pause <= step + 0.01
            for step, pause in zip(steps, pauses, strict=True)
        )
        assert node.state.how == "new"


async def test_many_nodes_that_start_together_all_hold_a_subnet_soon(store):
    """Sixty nodes, one subnet each, and not a list for every sight of another's key."""
    nodes = [Node(store, f"id-{n}", f"192.0.2.{n + 1}") for n in range(60)]
    works = [work for node in nodes for work in node.works]
    async with running(*works):
        await until(lambda: all(node.state.held for node in nodes), within=10)
        await asyncio.sleep(10)
        assert len({node.state.lease.subnets for node in nodes}) == 60
        assert sum(len(node.asked("list")) for node in nodes) <= 60 * 5


async def test_a_store_that_is_away_at_the_start_is_tried_for_ever(store):
    """It asks at most every five seconds on average, and claims soon after the store is there."""
    node = Node(store)
    store.down()
    async with running(*node.works):
        await asyncio.sleep(1200)
        assert 1200 / 10 <= len(node.counted.calls) <= 1200 / 5 + 10
        store.up()
        await until(lambda: node.state.held, within=10.1)


@pytest.mark.parametrize("verb", ["list", "grant", "commit"])
@pytest.mark.parametrize("answer", ["nothing was done", "only the answer is lost"])
async def test_a_request_that_fails_once_is_made_good(store, verb, answer):
    """Whichever request fails, and whether it was done or not: one lease, one presence, kept."""
    node = Node(store)
    store.faults.once(verb, StoreUnavailable("torn"), after=answer.startswith("only"))
    async with alive(store, node):
        await asyncio.sleep(600)
        assert len([key for key in store.entries if key in KEYS.subnets]) == 1
        assert node.entry.lease == node.claimant.lease_session.state.lease
        assert node.presence is not None
        assert node.presence.lease == node.claimant.presence_session.state.lease
        assert len(node.states) == 1


async def test_the_answer_to_the_second_commit_may_be_lost(store):
    """A lease that was written without our knowing is ours, on the grant that is kept alive."""
    node = Node(store)

    class Torn(Counted):
        async def commit(self, compares, writes):
            first = not self.asked_for_a_lease
            self.asked_for_a_lease |= any(w.key in KEYS.subnets for w in writes)
            done = await super().commit(compares, writes)
            if first and self.asked_for_a_lease:
                raise StoreUnavailable("torn")
            return done

        asked_for_a_lease = False

    node = Node(store, asks=Torn(store))
    async with alive(store, node):
        await asyncio.sleep(2 * TTL)
        assert node.entry.version == 1
        assert node.entry.lease == node.claimant.lease_session.state.lease


async def test_a_grant_that_ended_before_it_was_used_is_replaced(store):
    """A write on a lease that is gone is refused: the next try is on a new one."""

    class Slow(Counted):
        async def commit(self, compares, writes):
            for write in writes:
                if isinstance(write, Put) and write.key in KEYS.subnets and not self.ended:
                    self.ended = write.lease
                    self.store.revoke_now(write.lease)
            return await super().commit(compares, writes)

        ended = 0

    node = Node(store, asks=Slow(store))
    async with alive(store, node):
        assert node.counted.ended
        assert node.entry.lease not in (0, node.counted.ended)


class Full(Counted):
    """A store without space: whatever writes is refused, leases are kept alive."""

    full = False

    async def commit(self, compares, writes):
        """Refuse, as etcd does under its NOSPACE alarm."""
        if self.full:
            self.calls.append(("commit", tuple(writes)))
            raise StoreRefused("mvcc: database space exceeded")
        return await super().commit(compares, writes)


async def test_a_full_store_costs_no_lease(store):
    """While a correction is refused, for days, lease and presence are kept alive all the same."""
    node = Node(store, asks=Full(store))
    async with alive(store, node):
        before = node.entry
        node.counted.full = True
        node.claimant.stand_at(at("192.0.2.50"), ())
        await asyncio.sleep(3 * TTL)
        assert node.entry == before
        assert node.presence is not None
        assert node.state.held
        node.counted.full = False
        await until(lambda: node.entry.version == 2)
        assert json.loads(node.entry.value)["PublicIP"] == "192.0.2.50"
        assert node.entry.lease == before.lease

"""The claim's loop in virtual time: what a claim asks for, and how a lease is kept."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import pytest

from hostgw_core.store import Delete
from hostgw_core.view import View
from support.claim_node import KEYS, NETWORK, Node, alive, peer, write_config
from support.loops import now, running, settled, until

pytestmark = pytest.mark.looptime


async def test_a_claim_takes_these_requests_and_no_more(store):
    """Announce, take, and say so: three commits, two grants, and a list before each decision.

    What rang before a look began is seen by it.
    """
    node = Node(store)
    node.claimant.look()
    async with running(*node.works):
        await until(lambda: node.state.held)
        await settled()
        assert node.counted.verbs == [
            *("list", "grant", "commit"),
            *("list", "grant", "commit"),
            *("list", "commit"),
        ]
        assert json.loads(node.entry.value)["PublicIP"] == "192.0.2.1"
        said = json.loads(node.presence.value)
        assert said["Subnets"] == [str(node.state.lease.subnets)]
        assert node.entry.lease != node.presence.lease


async def test_a_held_lease_asks_for_nothing_but_its_renewals(store):
    """A thousand changes of other nodes' keys cause no request; each state is told once."""
    node = Node(store)
    async with alive(store, node):
        free = [n for n in range(256) if f"10.5.{n}.0/24" != str(node.state.lease.subnets)]
        for number in range(1000):
            other = peer(store, free[number % 250], f"192.0.2.{number % 90 + 100}")
            if number % 3 == 0:
                store.commit_now([], [Delete(other)])
            await settled()
            assert set(node.counted.verbs) <= {"keep_alive"}
        await asyncio.sleep(7200)
        assert set(node.counted.verbs) == {"keep_alive"}
        assert len(node.states) == 1
        assert node.entry.version == 1


async def test_an_own_key_that_is_deleted_is_back_at_once(store):
    """One transaction, on the etcd lease that still lives; the loss and the return are told."""
    node = Node(store)
    async with alive(store, node):
        before = node.entry
        store.commit_now([], [Delete(before.key)])
        took = await until(lambda: before.key in store.entries)
        assert took <= 0.05
        await settled()
        assert len(node.asked("commit")) == 1
        assert node.asked("grant") == []
        assert (node.entry.lease, node.entry.value) == (before.lease, before.value)
        assert [state.held for state in node.states] == [True, False, True]
        assert str(node.states[1].lost) == str(node.state.lease.subnets)


async def test_an_etcd_lease_that_ended_is_replaced(store):
    """Revoked by somebody: the key goes with it, and the same subnet is back on a new lease."""
    node = Node(store)
    async with alive(store, node):
        before = node.entry
        await store.revoke(before.lease)
        await until(lambda: before.key in store.entries and node.state.held)
        assert node.entry.lease != before.lease
        assert node.entry.lease in store.leases
        assert node.claimant.lease_session.state.lease == node.entry.lease


async def test_a_wiped_store_gets_the_same_subnet_back_at_once(store):
    """In a history that began again our revisions mean nothing: it is looked at all the same."""
    for number in range(50):
        peer(store, number)
    node = Node(store)
    async with alive(store, node):
        subnets = node.state.lease.subnets
        store.wipe()
        write_config(store, NETWORK)
        took = await until(lambda: KEYS.lease(subnets) in store.entries)
        assert took <= 2.5
        await until(lambda: node.state.held)
        assert node.state.lease.subnets == subnets
        assert node.presence is not None
        assert not any(node.state.moved_from)


async def test_a_view_that_lags_proves_nothing(store):
    """A snapshot older than what was read shows no loss, and causes no request."""
    node = Node(store)
    async with running(node.claimant.run):
        late = View(store, *node.looks_at, seen=lambda _: None, clock=now)
        async with running(late.run):
            await settled()
        assert node.state.held
        node.counted.forget()
        old = replace(late.snapshot, entries=type(late.snapshot.entries)({}))
        old = replace(old, header=replace(old.header, revision=2))
        node.claimant.saw(old)
        await asyncio.sleep(1)
        assert node.state.held
        assert node.counted.calls == []

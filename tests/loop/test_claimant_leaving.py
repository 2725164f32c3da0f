"""A claim that leaves on purpose, in virtual time: what is in the store, and what comes back."""

from __future__ import annotations

import asyncio
import json
from ipaddress import IPv4Network

import pytest

from hostgw_core.model import Subnets
from hostgw_core.records import Status, lease_value, presence_value
from hostgw_core.store import Delete, Put
from hostgw_daemon.claim.withdrawal import Withdrawal
from support.claim_node import KEYS, Node, alive, at, expiring, peer, presence
from support.fake_store import FakeStore
from support.loops import running, until

pytestmark = pytest.mark.looptime


def backend(node: Node) -> str:
    """Give what its key says, "" where it is gone."""
    assert node.states
    last = next(state.lease for state in reversed(node.states) if state.lease is not None)
    entry = node.store.entries.get(last.key)
    return json.loads(entry.value)["BackendType"] if entry is not None else ""


async def test_it_leaves_in_order_and_comes_back_to_the_same(store):
    """Quarantine on its etcd lease, three seconds, release, no presence; then nothing, for days."""
    node = Node(store)
    async with alive(store, node):
        before = node.state.lease
        node.claimant.leave(on=True)
        await until(lambda: backend(node) == "quarantine", within=0.5)
        assert node.entry.lease == before.etcd_lease
        assert (node.state.held, [*node.state.conditions]) == (True, ["draining"])
        await asyncio.sleep(2.9)
        assert backend(node) == "quarantine"
        await until(lambda: node.state.drained, within=1.5)
        assert (node.state.held, node.presence, backend(node)) == (False, None, "")
        assert not any(node.state.lost)
        node.counted.forget()
        await asyncio.sleep(20_000)
        assert node.asked("commit", "grant", "keep_alive") == []
        node.claimant.leave(on=False)
        await until(lambda: node.state.held, within=0.5)
        assert (node.state.lease.subnets, node.state.conditions) == (before.subnets, {})
        assert node.presence is not None


async def test_another_one_may_have_it_meanwhile(store):
    """Then it is a new one that is taken, and that is said."""
    node = Node(store)
    async with alive(store, node):
        before = node.state.lease.subnets
        node.claimant.leave(on=True)
        await until(lambda: node.state.drained, within=6)
        peer(store, int(str(before.ipv4).split(".")[2]))
        await asyncio.sleep(60)
        assert node.state.drained
        node.claimant.leave(on=False)
        await until(lambda: node.state.held, within=1)
        assert node.state.lease.subnets != before
        assert node.state.moved_from == before


async def test_whoever_changes_his_mind_stays(store):
    """Out of quarantine, with the very same lease."""
    node = Node(store)
    async with alive(store, node):
        before = node.state.lease
        node.claimant.leave(on=True)
        await until(lambda: backend(node) == "quarantine", within=0.5)
        node.claimant.leave(on=False)
        await until(lambda: backend(node) == "host-gw", within=12)
        await until(lambda: node.state.conditions == {}, within=5)
        assert node.state.lease.subnets == before.subnets
        assert node.entry.created == before.created


async def test_to_leave_and_to_come_back_is_no_quarrel(store):
    """However often an operator does it: nobody else wrote over the key."""
    node = Node(store)
    async with alive(store, node):
        for turn in range(8):
            node.claimant.leave(on=True)
            done = ("drained", "") if turn % 2 else ("draining", "quarantine")
            await until(lambda want=done: (*node.state.conditions, backend(node)) == want, within=6)
            node.claimant.leave(on=False)
            await until(lambda: backend(node) == "host-gw", within=0.5)
            await until(lambda: node.state.conditions == {}, within=1)


async def test_a_lease_that_goes_while_it_leaves_is_not_taken_back(store):
    """Somebody else has released it: that is what was wanted."""
    node = Node(store)
    async with alive(store, node):
        key = node.state.lease.key
        node.claimant.leave(on=True)
        await until(lambda: backend(node) == "quarantine", within=0.5)
        store.commit_now([], [Delete(key)])
        await until(lambda: node.state.drained, within=2)
        assert key not in store.entries
        assert KEYS.node("id-1") not in store.entries


def says(store: FakeStore, node_id: str, applied: int) -> None:
    """Have another node say up to where it has applied what it read."""
    status = Status(applied=applied)
    value = presence_value(
        instance=f"of-{node_id}", node=node_id, addresses=at("192.0.2.99"), status=status
    )
    store.commit_now([], [Put(KEYS.node(node_id), value)])


async def test_it_waits_for_those_that_can_say_that_they_let_go(store):
    """Whoever hangs is waited for; the state says who; then it goes at once."""
    node = Node(store)
    async with alive(store, node):
        key = node.state.lease.key
        for other in ("n2", "n3"):
            says(store, other, 1)
        node.claimant.leave(on=True)
        await until(lambda: backend(node) == "quarantine", within=0.5)
        written = store.entries[key].modified
        says(store, "n2", written)
        await asyncio.sleep(40)
        assert backend(node) == "quarantine"
        assert node.state.withdrawal == Withdrawal(written, 1, ("n3",))
        assert "n3 not yet" in node.state.conditions["draining"]
        says(store, "n3", store.entries[KEYS.node("n2")].modified)
        await until(lambda: node.state.drained, within=2)
        assert key not in store.entries
        assert node.state.withdrawal == Withdrawal(written, 2, released=True)


async def test_it_does_not_wait_for_ever(store):
    """So long, as was asked for; and whoever dies meanwhile is not waited for any more."""
    node = Node(store)
    async with alive(store, node):
        says(store, "n2", 1)
        presence(store, "n3", "192.0.2.98")
        peer(store, 9)  # its node has no presence: it cannot say anything
        node.claimant.leave(on=True, wait=70.0)
        await asyncio.sleep(68)
        assert node.state.withdrawal.behind == ("n2",)  # n3 has ended
        assert node.state.withdrawal.mute == ("p9",)
        assert not node.state.drained
        await until(lambda: node.state.drained, within=5)
        assert node.state.withdrawal.behind == ("n2",)
        assert "n2 not yet" in node.state.conditions["drained"]


async def test_what_others_do_meanwhile_is_nothing_to_look_at(store):
    """A look reads every lease and every presence: it has its own time, and once it left, none."""
    node = Node(store)
    async with alive(store, node):
        says(store, "n2", 1)
        node.claimant.leave(on=True)
        await until(lambda: "n2 not yet" in node.state.conditions.get("draining", ""), within=2)
        node.counted.forget()
        for number in range(20, 60):
            peer(store, number)
            await asyncio.sleep(0.1)
        looks = len(node.asked("list"))
        assert looks <= 2 * 4 / 0.5 + 2  # leases and presences, every half a second
        await until(lambda: node.state.drained, within=100)
        await asyncio.sleep(1)
        node.counted.forget()
        for number in range(60, 90):
            peer(store, number)
            await asyncio.sleep(0.1)
        await asyncio.sleep(10)
        assert node.asked("list") == []


async def test_a_quarantine_is_kept_alive_though_the_lease_was_not_yet(store):
    """Asked to leave as soon as it has started: nobody takes its subnet while others are behind."""
    key = KEYS.lease(Subnets(IPv4Network("10.5.7.0/24")))
    value = lease_value(gateways=at("192.0.2.1"), node="id-1", node_id="id-1")
    grant = store.grant_now(20)  # of the process before this one
    store.commit_now([], [Put(key, value, grant.id)])
    says(store, "n2", 1)
    node = Node(store)
    node.claimant.leave(on=True)
    async with running(expiring(store), *node.works):
        await asyncio.sleep(60)
        assert json.loads(store.entries[key].value)["BackendType"] == "quarantine"
        await until(lambda: node.state.drained, within=60)
        assert key not in store.entries

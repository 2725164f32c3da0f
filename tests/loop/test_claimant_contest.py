"""The claim's loop in virtual time: two nodes with one address, and how that ends."""

from __future__ import annotations

import asyncio

import pytest

from hostgw_core.store import Delete
from support.claim_node import KEYS, Node, at, expiring, peer, presence
from support.fake_store import FakeStore
from support.loops import running, until

pytestmark = pytest.mark.looptime

NOTE = KEYS.dispute("p9", "id-1")
NAMED = 5.0  # seconds


def lives(store: FakeStore, *leases: int):
    """Give the work that keeps other nodes' presences alive."""

    async def work():
        while True:
            for lease in leases:
                store.keep_alive_now(lease)
            await asyncio.sleep(20)

    return work


async def test_it_is_said_at_once_even_while_our_node_id_may_be_somebody_elses(store):
    """What is claimed waits for the life of a presence; what is so is said before."""
    peer(store, 9, "192.0.2.1")
    theirs, stranger = presence(store, "p9", "192.0.2.1"), presence(store, "id-1", "192.0.2.66")
    node = Node(store)
    async with running(expiring(store), *node.works, lives(store, theirs, stranger)):
        await until(lambda: NOTE in store.entries, within=NAMED)
        await until(lambda: "duplicate_address" in node.state.conditions, within=NAMED)
        assert list(node.state.conditions) == ["identity_unsure", "duplicate_address"]
        assert "p9" in node.state.conditions["duplicate_address"]
        assert store.entries[KEYS.node("id-1")].lease == stranger


async def test_a_node_with_a_lease_that_gets_the_address_of_another_gives_way(store):
    """However old its own lease is; that stays as it is, and its presence tells where it is."""
    node = Node(store, address="192.0.2.7")
    async with running(expiring(store), *node.works):
        await until(lambda: node.state.held)
        peer(store, 9, "192.0.2.1")
        async with running(lives(store, presence(store, "p9", "192.0.2.1"))):
            before = node.entry
            node.claimant.stand_at(at("192.0.2.1"), ())
            await until(lambda: NOTE in store.entries, within=NAMED)
            await until(lambda: b"192.0.2.1" in node.presence.value, within=NAMED)
            assert list(node.state.conditions) == ["duplicate_address"]
            assert node.entry == before
            node.claimant.stand_at(at("192.0.2.7"), ())
            await until(lambda: NOTE not in store.entries, within=NAMED)
            await until(lambda: not node.state.conditions, within=NAMED)
            assert (node.state.held, node.entry) == (True, before)


async def test_two_nodes_swap_their_addresses(store):
    """Neither waits for the other for longer than until it looks again."""
    nodes = [Node(store, f"id-{n}", f"192.0.2.{n}") for n in (1, 2)]
    async with running(expiring(store), *(work for node in nodes for work in node.works)):
        await until(lambda: all(node.state.held for node in nodes))
        nodes[0].claimant.stand_at(at("192.0.2.2"), ())
        nodes[1].claimant.stand_at(at("192.0.2.1"), ())
        await until(lambda: b"192.0.2.2" in nodes[0].entry.value, within=30)
        await until(lambda: b"192.0.2.1" in nodes[1].entry.value, within=30)
        await until(lambda: all(not node.state.conditions for node in nodes), within=30)
        assert not [key for key in store.entries if key in KEYS.disputes]


async def test_a_process_that_is_stopped_takes_its_note_back(store):
    """Its presence stays: whoever has none is taken for dead, and a restart is no death."""
    peer(store, 9, "192.0.2.1")
    theirs = presence(store, "p9", "192.0.2.1")
    node = Node(store)
    async with running(expiring(store), *node.works, lives(store, theirs)):
        await until(lambda: NOTE in store.entries, within=NAMED)
    assert NOTE not in store.entries
    assert node.presence is not None


async def test_the_next_process_takes_back_the_note_of_one_that_was_killed(store):
    """It does not wait for the killed one's presence to end, if it knows which it was."""
    peer(store, 9, "192.0.2.1")
    theirs = presence(store, "p9", "192.0.2.1")
    node = Node(store)
    node.claimant.announcement.end = lambda: asyncio.sleep(0)  # as kill -9 has it
    async with running(expiring(store), *node.works, lives(store, theirs)):
        await until(lambda: NOTE in store.entries, within=NAMED)
    assert NOTE in store.entries
    again = Node(store, address="192.0.2.7", former=node.me.instance)
    async with running(expiring(store), *again.works, lives(store, theirs)):
        await until(lambda: NOTE not in store.entries, within=NAMED)
        await until(lambda: again.state.held, within=NAMED)


async def test_a_note_that_somebody_deleted_is_written_again(store):
    """It is a level: what is so is said for as long as it is so."""
    peer(store, 9, "192.0.2.1")
    theirs = presence(store, "p9", "192.0.2.1")
    node = Node(store)
    async with running(expiring(store), *node.works, lives(store, theirs)):
        await until(lambda: NOTE in store.entries, within=NAMED)
        store.commit_now([], [Delete(NOTE)])
        await until(lambda: NOTE in store.entries, within=15)

"""The claim's loop in virtual time: waiting for a rival, a free subnet, or a network."""

from __future__ import annotations

import asyncio
from ipaddress import IPv4Network

import pytest

from hostgw_core.model import Subnets
from hostgw_core.records import lease_value
from hostgw_core.store import Delete, Put
from support.claim_node import (
    KEYS,
    NETWORK,
    PREFIX,
    Node,
    alive,
    at,
    expiring,
    peer,
    presence,
    write_config,
)
from support.loops import running, until

pytestmark = pytest.mark.looptime
ONE_LEFT = {**NETWORK, "SubnetMin": "10.5.7.0", "SubnetMax": "10.5.7.0"}


async def test_the_node_at_our_address_is_told_once(store):
    """One note, on the presence's etcd lease, however long we wait; it ends with us."""
    peer(store, 9, "192.0.2.1")
    lease = presence(store, "p9", "192.0.2.1")
    node = Node(store)

    async def lives():
        while True:
            store.keep_alive_now(lease)
            await asyncio.sleep(30)

    async with running(expiring(store), *node.works, lives):
        await asyncio.sleep(600)
        key = KEYS.dispute("p9", "id-1")
        assert "p9" in node.state.conditions["duplicate_address"]
        assert store.entries[key].lease == node.presence.lease
        assert store.entries[key].version == 1
        noted = [writes for _, writes in node.asked("commit") if writes[0].key == key]
        assert len(noted) == 1
        assert not node.state.held


async def test_a_rival_that_dies_is_our_former_life(store):
    """When the other node's presence has ended, its subnet is ours within a few seconds."""
    key = peer(store, 9, "192.0.2.1")
    presence(store, "p9", "192.0.2.1")
    node = Node(store)
    async with running(expiring(store), *node.works):
        await until(lambda: node.state.held, within=60 + 12)
        assert node.state.lease.key == key
        assert node.state.conditions == {}


async def test_a_stranger_under_our_id_is_waited_for_and_then_named(store):
    """Unsure for the life of a presence, then sure; and over when it is gone."""
    node = Node(store)
    lease = presence(store, "id-1", "192.0.2.66")

    async def lives():
        for _ in range(6):
            store.keep_alive_now(lease)
            await asyncio.sleep(30)

    async with running(expiring(store), *node.works):
        async with running(lives):
            await asyncio.sleep(50)
            assert list(node.state.conditions) == ["identity_unsure"]
            await asyncio.sleep(30)
            assert list(node.state.conditions) == ["duplicate_identity"]
            await asyncio.sleep(60)
        await until(lambda: node.state.held, within=60 + 12)
        assert node.asked("grant")


async def test_a_freed_subnet_is_taken_soon(store):
    """Who waits for a subnet takes the one that becomes free, without being asked."""
    write_config(store, ONE_LEFT)
    key = peer(store, 7)
    node = Node(store)
    async with running(expiring(store), *node.works):
        await until(lambda: "subnets_exhausted" in node.state.conditions)
        store.commit_now([], [Delete(key)])
        await until(lambda: node.state.held, within=1)
        assert node.state.lease.key == key
        assert node.state.conditions == {}


async def test_waiting_costs_a_list_every_ten_seconds(store):
    """Nothing free and nothing changing: a look now and then, in case no event told."""
    write_config(store, ONE_LEFT)
    peer(store, 7)
    node = Node(store)
    async with running(expiring(store), *node.works):
        await until(lambda: node.state.conditions)
        node.counted.forget()
        await asyncio.sleep(600)
        assert 600 / 11.5 <= len(node.asked("list")) <= 600 / 8.5
        assert node.asked("commit", "grant") == []


async def test_a_network_that_comes_is_used_at_once(store):
    """A node that was started before the network was written claims as soon as it is there."""
    store.commit_now([], [Delete(KEYS.config)])
    node = Node(store)
    async with running(*node.works):
        await asyncio.sleep(30)
        assert "no_config" in node.state.conditions
        write_config(store, NETWORK)
        await until(lambda: node.state.held, within=0.5)


async def test_a_subnet_outside_the_network_is_kept_and_said(store):
    """A network that no longer has our subnet is a condition; it ends with the network's return."""
    node = Node(store, remembered=Subnets(IPv4Network("10.5.200.0/24")))
    async with alive(store, node):
        before = node.entry
        write_config(store, {**NETWORK, "SubnetMax": "10.5.100.0"})
        await until(lambda: "outside_config" in node.state.conditions, within=1)
        node.counted.forget()
        for number in range(100):
            peer(store, number)
            await asyncio.sleep(0.5)
        assert node.asked("list", "commit", "grant") == []
        write_config(store, NETWORK)
        await until(lambda: not node.state.conditions, within=5)
        assert node.entry == before


async def test_a_network_that_is_deleted_costs_no_lease(store):
    """What is held stays held, and its presence with it; nothing is wrong with this node."""
    node = Node(store)
    async with alive(store, node):
        before = node.entry
        store.commit_now([], [Delete(KEYS.config)])
        await asyncio.sleep(300)
        assert node.entry == before
        assert node.presence is not None
        assert node.state.held
        assert node.state.conditions == {}


async def test_a_change_of_the_network_is_looked_at_in_turn(store):
    """A thousand leases: each node reads them at its own moment within ten seconds."""
    for number in range(250):
        for part in range(4):
            key = f"{PREFIX}/subnets/10.6.{number}.{part * 64}-26".encode()
            value = lease_value(gateways=at("192.0.2.250"), node_id=f"x{number}-{part}")
            store.commit_now([], [Put(key, value)])
    nodes = [Node(store, f"id-{n}", f"192.0.2.{n + 1}") for n in range(20)]
    async with alive(store, *nodes):
        await asyncio.sleep(20)
        for node in nodes:
            node.counted.forget()
        write_config(store, {**NETWORK, "SubnetMin": "10.5.1.0"})
        await asyncio.sleep(0.5)
        assert sum(len(node.asked("list")) for node in nodes) <= 5
        await asyncio.sleep(10)
        assert all(len(node.asked("list")) == 1 for node in nodes)

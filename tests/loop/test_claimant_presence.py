"""The claim's loop in virtual time: the presence is announced, watched, and announced again."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import pytest

from hostgw_core.store import Delete, StoreUnavailable
from hostgw_core.view import View
from support.claim_node import KEYS, Node, alive, at, expiring, presence
from support.loops import now, running, settled, until

pytestmark = pytest.mark.looptime


async def test_our_own_announcement_shown_late_is_no_news(store):
    """A view that shows our presence after we have read it ourselves causes no request."""
    node = Node(store, presence_watched=True)
    async with running(node.claimant.run):
        late = View(store, *node.looks_at, seen=lambda _: None, clock=now)
        async with running(late.run):
            await until(lambda: node.state.held)
            await settled()
        node.counted.forget()
        entries = dict(late.snapshot.entries)
        del entries[KEYS.node("id-1")]
        node.claimant.saw(replace(late.snapshot, entries=type(late.snapshot.entries)(entries)))
        node.claimant.saw(late.snapshot)
        await asyncio.sleep(1)
        assert node.counted.calls == []


async def test_a_presence_that_lapsed_is_announced_again(store):
    """A process that was cut off for longer than its presence lives is a new presence after."""
    node = Node(store)
    async with running(expiring(store), *node.works):
        await until(lambda: node.state.held)
        await asyncio.sleep(1)
        before, lease = node.presence, node.entry
        real, node.counted.keep_alive = node.counted.keep_alive, silent
        await asyncio.sleep(90)
        assert node.presence is None
        node.counted.forget()
        node.counted.keep_alive = real
        await until(lambda: node.presence is not None, within=11)
        assert node.presence.created > before.created
        assert node.entry == lease
        await asyncio.sleep(600)
        assert len(node.asked("commit")) == 1
        assert node.presence is not None


async def test_a_presence_that_outlived_its_etcd_lease_is_put_on_a_new_one(store):
    """The server says that the lease is gone while the key still stands, for a moment more."""
    node = Node(store)
    async with alive(store, node):
        before = node.presence
        del store.leases[before.lease]
        await until(lambda: node.presence.lease != before.lease, within=25)
        assert node.presence.lease in store.leases
        assert node.presence.created == before.created


async def test_who_announced_himself_without_hearing_so_deposes_nobody(store):
    """The answer was lost; who stands there now came after us, and has deposed us."""
    node = Node(store)
    store.faults.once("commit", StoreUnavailable("torn"), after=True)
    async with alive(store, node):
        store.commit_now([], [Delete(node.presence.key)])
        presence(store, "id-1", "192.0.2.1", instance="copy")
        node.claimant.look()
        await asyncio.sleep(30)
        assert json.loads(node.presence.value)["Instance"] == "copy"
        assert "identity_unsure" in node.state.conditions


async def silent(_lease):
    """Be a member that does not answer."""
    raise StoreUnavailable("silence")


async def test_a_presence_that_somebody_deleted_is_announced_again_where_it_is_watched(store):
    """The mutex on our id does not stay away because its etcd lease still lives."""
    node = Node(store, presence_watched=True)
    async with alive(store, node):
        before = node.presence
        store.commit_now([], [Delete(before.key)])
        await until(lambda: node.presence is not None, within=1)
        assert node.presence.lease == before.lease
        assert len(node.asked("commit")) == 1
        await settled()
        node.counted.forget()
        await asyncio.sleep(30)
        assert set(node.counted.verbs) == {"keep_alive"}


async def test_watching_the_own_presence_costs_no_request(store):
    """Our own announcement, seen by the view, is no news."""
    node = Node(store, presence_watched=True)
    async with running(*node.works):
        await until(lambda: node.state.held)
        await asyncio.sleep(1)
        assert len(node.asked("list")) == 3
        node.counted.forget()
        node.claimant.stand_at(at("192.0.2.77"), ())
        await asyncio.sleep(1)
        assert len(node.asked("list")) == 2
        assert len(node.asked("commit")) == 2

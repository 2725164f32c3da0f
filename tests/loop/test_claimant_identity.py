"""The claim's loop in virtual time: an address, a name or an instance that changes."""

from __future__ import annotations

import asyncio
import json

import pytest

from support.claim_node import KEYS, Node, alive, at
from support.loops import running, settled, until

pytestmark = pytest.mark.looptime


async def test_another_address_is_written_to_the_same_key_and_lease(store):
    """Peers learn the new gateway from one write; the presence tells it, too."""
    node = Node(store)
    async with alive(store, node):
        before, announced = node.entry, node.presence
        node.claimant.stand_at(at("192.0.2.77"), ())
        await until(lambda: node.entry.version == 2)
        await settled()
        assert json.loads(node.entry.value)["PublicIP"] == "192.0.2.77"
        assert (node.entry.created, node.entry.lease) == (before.created, before.lease)
        assert json.loads(node.presence.value)["Addresses"] == ["192.0.2.77"]
        assert node.presence.created == announced.created
        assert len(node.asked("commit")) == 2
        assert node.asked("grant") == []


async def test_the_same_address_again_asks_for_nothing(store):
    """Every look at the host tells where it stands; that is no news."""
    node = Node(store)
    async with alive(store, node):
        node.claimant.stand_at(at("192.0.2.1"), ())
        await asyncio.sleep(1)
        assert node.counted.calls == []


async def test_a_look_that_finds_nothing_new_is_told_to_nobody(store):
    """Whoever asks for a look, as a reload does, costs one list, and no state is told again."""
    node = Node(store)
    async with alive(store, node):
        node.claimant.look()
        await asyncio.sleep(1)
        assert node.counted.verbs == ["list"]
        assert len(node.states) == 1


async def test_a_renamed_host_says_its_new_name(store):
    """The next process writes its name to its key, on the etcd lease that it found."""
    first = Node(store, name="old")
    async with alive(store, first):
        before = first.entry
    second = Node(store, name="new", former=first.me.instance)
    async with alive(store, second):
        assert second.entry.key == before.key
        assert json.loads(second.entry.value)["Node"] == "new"
        assert (second.entry.lease, second.entry.version) == (before.lease, 2)


async def test_a_restart_writes_only_the_presence(store):
    """The lease of the life before is found, kept alive at once, and not written again."""
    first = Node(store)
    async with alive(store, first):
        before = first.entry
    second = Node(store, former=first.me.instance)
    works = second.works
    async with running(*works):
        await until(lambda: second.state.held)
        await settled()
        assert second.entry == before
        assert second.asked("keep_alive") == [("keep_alive", before.lease)]
        written = {w.key for _, writes in second.asked("commit") for w in writes}
        assert written == {KEYS.node("id-1")}
        assert second.state.how == "kept"

"""A claimant that runs in a loop of virtual time, with what the agent puts around it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from ipaddress import IPv4Address
from typing import Any

from hostgw_core.keys import Keys
from hostgw_core.model import Addresses, Subnets
from hostgw_core.records import Status, lease_value, presence_value
from hostgw_core.store import Entry, Put, Span
from hostgw_core.view import View
from hostgw_daemon.claim.claimant import Claimant
from hostgw_daemon.claim.sight import Me
from hostgw_daemon.claim.state import ClaimState
from support.fake_store import FakeStore
from support.loops import Counted, now, running, until

PREFIX = "/coreos.com/network"
KEYS = Keys(PREFIX)
NETWORK = {"Network": "10.5.0.0/16", "SubnetLen": 24, "Backend": {"Type": "host-gw"}}
TTL = 600


def write_config(store: FakeStore, network: Mapping[str, Any]) -> None:
    """Write the network as an administrator does."""
    store.commit_now([], [Put(KEYS.config, json.dumps(network).encode())])


def at(text: str) -> Addresses:
    """Give an address of a node."""
    return Addresses(IPv4Address(text))


class Node:
    """A claimant with what the agent puts around it: its sessions, its view, who is told.

    `asks` is its store where it is not the plain one; `former` the instance that ran here before.
    """

    def __init__(
        self,
        store: FakeStore,
        node_id: str = "id-1",
        address: str = "192.0.2.1",
        *,
        name: str = "",
        former: str = "",
        remembered: Subnets | None = None,
        asks: Counted | None = None,
        presence_watched: bool = False,
    ) -> None:
        self.store = store
        self.counted = asks or Counted(store)
        self.states: list[ClaimState] = []
        self.looks_at = [Span(KEYS.config), KEYS.subnets, KEYS.subnets6]
        if presence_watched:
            self.looks_at.append(Span(KEYS.node(node_id)))
        self.me = Me(node_id, name or node_id, f"instance-of-{node_id}", former, at(address))
        self.claimant = Claimant(
            self.counted,
            KEYS,
            self.me,
            ttl=TTL,
            told=self.states.append,
            clock=now,
            remembered=remembered or Subnets(),
            said=Status(),
        )
        self.view = View(
            store,
            *self.looks_at,
            seen=lambda sighting: self.claimant.saw(sighting.snapshot),
            clock=now,
        )

    @property
    def works(self) -> tuple[Callable[[], Awaitable[object]], ...]:
        """What runs for it."""
        claimant = self.claimant
        return (
            self.view.run,
            claimant.run,
            claimant.lease_session.run,
            claimant.presence_session.run,
        )

    @property
    def state(self) -> ClaimState:
        """How its claim stands."""
        return self.claimant.state

    @property
    def entry(self) -> Entry:
        """Its lease as it stands in the store."""
        assert self.state.lease is not None
        return self.store.entries[self.state.lease.key]

    @property
    def presence(self) -> Entry | None:
        """Its presence as it stands in the store."""
        return self.store.entries.get(KEYS.node(self.me.node_id))

    def asked(self, *verbs: str) -> list[tuple[str, Any]]:
        """Give the requests of these verbs."""
        return [call for call in self.counted.calls if call[0] in verbs]


def expiring(store: FakeStore) -> Callable[[], Awaitable[object]]:
    """Give the work that ends leases on time: etcd is quicker, and more work to imitate."""
    return lambda: store.expire_forever(every=2.5)


@asynccontextmanager
async def alive(store: FakeStore, *nodes: Node) -> AsyncIterator[None]:
    """Let nodes run until all hold a lease; leases end on time."""
    works = [work for node in nodes for work in node.works]
    async with running(expiring(store), *works):
        await until(lambda: all(node.state.held for node in nodes))
        await asyncio.sleep(1)
        for node in nodes:
            node.counted.forget()
        yield


def peer(store: FakeStore, number: int, address: str = "192.0.2.200") -> bytes:
    """Let another node have a subnet."""
    key = f"{PREFIX}/subnets/10.5.{number}.0-24".encode()
    value = lease_value(gateways=at(address), node=f"p{number}", node_id=f"p{number}")
    store.commit_now([], [Put(key, value)])
    return key


def presence(store: FakeStore, node_id: str, address: str, instance: str = "theirs") -> int:
    """Let another process be present under a node id for a minute."""
    value = presence_value(instance=instance, node=node_id, addresses=at(address))
    grant = store.grant_now(60)
    store.commit_now([], [Put(KEYS.node(node_id), value, grant.id)])
    return grant.id

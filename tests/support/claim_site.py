"""Hosts that claim subnets from one store, moved by hand, one store call at a time.

The claimants are the real ones; only the event loop is missing. A claimant's step is a coroutine
that stops before every call of the store, so a test decides who goes next, and any interleaving of
any number of nodes is a sequence of `advance` calls.
"""

from __future__ import annotations

import json
from collections.abc import Coroutine, Generator, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_network
from itertools import combinations, count
from typing import Any

from hostgw_core.history import History
from hostgw_core.keys import Keys
from hostgw_core.model import Addresses, Subnets
from hostgw_core.records import Status
from hostgw_core.store import (
    Committed,
    Compare,
    Entry,
    Grant,
    Listing,
    Put,
    Span,
    StoreError,
    Write,
)
from hostgw_daemon.claim.claimant import Claimant
from hostgw_daemon.claim.sight import Me
from support.fake_store import FakeStore

PREFIX = "/coreos.com/network"
TTL = 3600


class _Turn:
    """Awaiting it gives the turn back to the test."""

    def __await__(self) -> Generator[None, None, None]:
        yield


class OneByOne:
    """The store as one node has it: every call waits for its turn.

    `about` is the key that is to be written or deleted first, b"" where another call waits.
    """

    def __init__(self, store: FakeStore) -> None:
        self.store = store
        self.about = b""

    async def list(self, *spans: Span) -> Listing:
        """List when it is our turn."""
        await _Turn()
        return self.store.list_now(*spans)

    async def commit(self, compares: Sequence[Compare], writes: Sequence[Write]) -> Committed:
        """Commit when it is our turn."""
        self.about = writes[0].key
        await _Turn()
        self.about = b""
        return self.store.commit_now(compares, writes)

    async def grant(self, ttl: int) -> Grant:
        """Grant when it is our turn."""
        await _Turn()
        return self.store.grant_now(ttl)

    async def keep_alive(self, lease: int) -> int:
        """Renew at once: renewals take no part in any race."""
        return self.store.keep_alive_now(lease)


@dataclass
class Host:
    """A machine: what survives its processes, and the process that runs on it, if one does.

    `saw` is the store's revision at which the step read that its process is in, 0 for not yet.
    """

    node_id: str
    node: str
    address: str
    remembered: Subnets = field(default_factory=Subnets)
    address6: str = ""
    instance: str = ""
    claimant: Claimant | None = None
    store: OneByOne | None = None
    step: Coroutine[Any, Any, float | None] | None = None
    saw: int = 0
    frozen: bool = False

    @property
    def runs(self) -> bool:
        """Whether its process can do anything now."""
        return self.claimant is not None and not self.frozen

    @property
    def about(self) -> bytes:
        """The key that its step stands before writing, b"" for none."""
        return self.store.about if self.step is not None and self.store is not None else b""


class Site:
    """One store, its clock, and the hosts."""

    def __init__(self, network: dict[str, Any]) -> None:
        self.time = 1000.0
        self.store = FakeStore(lambda: self.time)
        self.keys = Keys(PREFIX)
        self.hosts: list[Host] = []
        self._instances = count(1)
        self.configure(network)

    def configure(self, network: dict[str, Any]) -> None:
        """Write the network configuration, as an administrator does."""
        value = json.dumps({"Backend": {"Type": "host-gw"}, **network}).encode()
        self.store.commit_now([], [Put(self.keys.config, value)])

    def start(self, host: Host) -> None:
        """Start a process on a host that has none."""
        former, host.instance = host.instance, f"instance-{next(self._instances)}"
        host.store = OneByOne(self.store)
        host.claimant = Claimant(
            host.store,  # type: ignore[arg-type]  # a claimant never watches or revokes
            self.keys,
            Me(
                host.node_id,
                host.node,
                host.instance,
                former=former,
                addresses=Addresses(
                    IPv4Address(host.address),
                    IPv6Address(host.address6) if host.address6 else None,
                ),
            ),
            ttl=TTL,
            told=lambda state: self._remember(host, state.lease.subnets if state.lease else None),
            clock=lambda: self.time,
            remembered=host.remembered,
            said=Status(),
            history=lambda: self.history_of(host),
            network=lambda: self.network_of(host),
        )

    def history_of(self, _host: Host) -> History:
        """Give what a host knows of the store's past: here the store has none but its own."""
        return History()

    def network_of(self, _host: Host) -> Entry | None:
        """Give the record of the network that a host goes by, beside what it has read."""
        return None

    @staticmethod
    def _remember(host: Host, subnets: Subnets | None) -> None:
        if subnets is not None:
            host.remembered = subnets

    def crash(self, host: Host) -> None:
        """End the process wherever it is, as kill -9 does."""
        if host.step is not None:
            host.step.close()
        host.claimant = host.step = None
        host.frozen = False

    def advance(self, host: Host) -> bool:
        """Let the process go on to its next store call; give whether its step has ended."""
        if not host.runs:
            return True
        assert host.claimant is not None
        if host.step is None:
            host.step = host.claimant.step()
            host.saw = 0
        elif host.saw == 0:
            host.saw = self.store.revision  # a step begins by reading
        try:
            host.step.send(None)
        except (StopIteration, StoreError):
            host.step = None
            return True
        return False

    def pass_time(self, seconds: float) -> None:
        """Let time pass; every process that runs renews its leases, and the store ends others."""
        end = self.time + seconds
        while self.time < end:
            self.time = min(end, self.time + 15)
            for host in self.hosts:
                if host.runs and host.claimant is not None:
                    for session in (host.claimant.lease_session, host.claimant.presence_session):
                        if session.state.lease:
                            run(session.renew())
            self.store.expire()

    def settle(self, rounds: int = 40) -> None:
        """Let everybody go on, in turn, for a good while."""
        for _ in range(rounds):
            for host in self.hosts:
                for _ in range(30):
                    if self.advance(host):
                        break
            self.pass_time(15)

    # -- an independent reading of the store ----------------------------------------------------

    def leases(self) -> dict[str, dict[str, Any]]:
        """Give what stands under subnets/, read by hand: the key's last part to the value."""
        start = f"{PREFIX}/subnets/".encode()
        return {
            key[len(start) :].decode(): json.loads(entry.value)
            for key, entry in self.store.entries.items()
            if key.startswith(start)
        }

    def overlaps(self) -> list[tuple[str, str]]:
        """Give the pairs of leases, both written by hostgwd, that overlap in any family."""
        ours = [key for key, value in self.leases().items() if value.get("NodeID")]
        return [
            (one, other)
            for one, other in combinations(sorted(ours), 2)
            if any(
                a.version == b.version and a.overlaps(b)
                for a in networks_of(one)
                for b in networks_of(other)
            )
        ]


def networks_of(key: str) -> list[Any]:
    """Read a lease's key by hand."""
    return [ip_network(part.replace("-", "/")) for part in key.split("&")]


def run(work: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine that never waits."""
    try:
        work.send(None)
    except StopIteration as ended:
        return ended.value
    raise AssertionError("it waited")

"""A store that is deleted from, wiped, restored and swapped, in front of one node's guard.

A backup is restored only where the header betrays it: a store that was wiped, has grown again and
is then replaced by an older one of a higher revision cannot be told from one that goes on.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

import hypothesis.strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from hostgw_core.store import Change, Deleted, Entry, Header
from hostgw_daemon.routes.holds import Patience
from hostgw_daemon.routes.peers import Peer
from support.lease_world import entry, key, value
from support.understanding import NETWORK, PATIENT, GuardedStore

NAMES = tuple(f"10.5.{number}.0-24" for number in range(1, 9))
WIDE = ("10.5.0.0-22", "10.5.4.0-23", "10.5.1.0-25", "10.9.0.0-24")
NODES = ("me", "n1", "n2", "n3", "n4", "n5", "n6", "", "n7")
FOREIGN = 2
HASTY = Patience(grace=0, hold=300)


def whose(node: str) -> bytes:
    """Give the value that a node writes; the one without a name is flannel's."""
    return value(f"172.16.0.{10 + NODES.index(node)}", node=node)


nodes, names = st.sampled_from(NODES), st.sampled_from(NAMES)


class GuardWorld(RuleBasedStateMachine):
    """One node's guard, and the world that it guards against; what must be so is said elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.world = GuardedStore()
        self.store: dict[bytes, Entry] = {}
        self.header = Header(1, 10, 3)
        self.home: tuple[dict[bytes, Entry], Header] = {}, self.header
        self.backups: list[tuple[dict[bytes, Entry], Header]] = []
        self.pending: list[Change] = []
        self.known: dict[bytes, str] = {}
        self.fresh: set[bytes] = set()
        self.wrote: set[str] = set()
        self.freed: set[bytes] = set()

    @initialize(several=st.integers(3, 7), patience=st.sampled_from([PATIENT, PATIENT, HASTY]))
    def begin(self, several: int, patience: Patience) -> None:
        """A cluster that is well."""
        self.world = GuardedStore(patience)
        for name, node in zip(NAMES, NODES[:several], strict=False):
            self.write(key(name), whose(node))
        self.write(NETWORK.key, NETWORK.value)
        self.hear(whole=True)

    # -- what happens in the store ------------------------------------------------------------

    def write(self, one: bytes, content: bytes) -> None:
        """Let etcd write a key."""
        self.header = replace(self.header, revision=self.header.revision + 1)
        revision, old = self.header.revision, self.store.get(one)
        self.store[one] = Entry(one, content, old.created if old else revision, revision, 1, 7)
        self.pending.append(self.store[one])
        self.fresh.add(one)
        self.wrote |= {
            f"172.16.0.{10 + at}" for at, node in enumerate(NODES) if whose(node) == content
        }

    def remove(self, one: bytes) -> None:
        """Let etcd delete a key."""
        if self.store.pop(one, None) is not None:
            self.header = replace(self.header, revision=self.header.revision + 1)
            self.pending.append(Deleted(one, self.header.revision))

    @rule(name=names, node=nodes)
    def lease(self, name: str, node: str) -> None:
        """A node gets a subnet, or takes it from whoever had it; perhaps it had another."""
        self.write(key(name), whose(node))

    @rule(node=nodes, at=st.integers(0, 7))
    def come_back(self, node: str, at: int) -> None:
        """A node that lost its lease writes it again, as it was."""
        held = [hold.lease for hold in self.world.guard.state.holds.values()]
        if held:
            mine = held[at % len(held)]
            owner = mine.node or ""
            self.write(mine.key, whose(owner))

    @rule(name=st.sampled_from(WIDE), node=nodes)
    def lease_wide(self, name: str, node: str) -> None:
        """A lease over several others, in a part of one, or outside the network."""
        self.write(key(name), whose(node))

    @rule(
        name=names, content=st.sampled_from([b"?", value(backend="quarantine"), value("10.5.1.1")])
    )
    def spoil(self, name: str, content: bytes) -> None:
        """Somebody writes over a record that stands."""
        if key(name) in self.store:
            self.write(key(name), content)

    @rule(name=st.sampled_from(NAMES + WIDE))
    def delete(self, name: str) -> None:
        """One lease goes."""
        self.remove(key(name))

    @rule(first=st.integers(0, 7), several=st.integers(2, 8))
    def delete_several(self, first: int, several: int) -> None:
        """Many leases go."""
        for name in NAMES[first : first + several]:
            self.remove(key(name))

    @rule(content=st.sampled_from([None, b"{", NETWORK.value]))
    def configure(self, content: bytes | None) -> None:
        """The network's record goes, is spoilt, or is put back."""
        if content is None:
            self.remove(NETWORK.key)
        else:
            self.write(NETWORK.key, content)

    @rule()
    def back_up(self) -> None:
        """Somebody keeps the store as it is."""
        if self.header.cluster != FOREIGN:
            self.backups.append((dict(self.store), self.header))

    # -- what happens to the store ------------------------------------------------------------

    def swap(self, store: Mapping[bytes, Entry], header: Header) -> None:
        """Answer with another store from now on: it is listed at once."""
        self.store, self.header = dict(store), header
        self.pending = []
        self.fresh, self.wrote, self.freed = set(), set(), set()
        others = {each: peer for each, peer in self.peers.items() if peer.state != "self"}
        self.known = {each: str(peer.lease.gateways) for each, peer in others.items()}
        self.hear(whole=True)

    @rule()
    def wipe(self) -> None:
        """Etcd begins anew, in the same cluster or what is left of it."""
        if self.header.cluster != FOREIGN:
            self.hear(whole=False)
            self.swap({}, Header(1, 1, 1))

    @rule(at=st.integers(0, 7))
    @precondition(lambda self: self.backups and self.header.cluster != FOREIGN)
    def restore(self, at: int) -> None:
        """Somebody restores what he kept, of this morning or last week."""
        store, header = self.backups[at % len(self.backups)]
        self.hear(whole=False)
        if header.revision < self.header.revision:
            self.swap(store, replace(header, term=self.header.term))

    @rule(several=st.integers(0, 4), at=st.integers(0, 4), network=st.booleans())
    @precondition(lambda self: self.header.cluster != FOREIGN)
    def go_abroad(self, several: int, at: int, network: bool) -> None:
        """The etcd of another cluster answers."""
        self.hear(whole=False)
        self.home = dict(self.store), self.header
        theirs = [entry(name, "172.16.9.9", node="they") for name in NAMES[at : at + several]]
        other = NETWORK.value.replace(b"10.5", b"10.6")
        store = {each.key: each for each in theirs}
        if network:
            store[NETWORK.key] = replace(NETWORK, value=other)
        self.swap(store, Header(FOREIGN, 900, 9))

    @rule()
    @precondition(lambda self: self.header.cluster == FOREIGN)
    def go_home(self) -> None:
        """Our own answers again."""
        self.swap(*self.home)

    # -- how it is heard ----------------------------------------------------------------------

    @rule(whole=st.booleans())
    def hear(self, whole: bool) -> None:
        """A watch tells what changed, or everything is listed."""
        self.world.entries, self.world.header = dict(self.store), self.header
        if whole:
            self.world.show(None)
        elif self.pending:
            self.world.show(tuple(self.pending))
        self.pending = []

    @rule()
    def hear_one_by_one(self) -> None:
        """A watch tells each change in a batch of its own."""
        entries, header = dict(self.world.entries), self.world.header
        for change in self.pending:
            entries.pop(change.key, None)
            if isinstance(change, Entry):
                entries[change.key] = change
            header = replace(header, revision=change.modified)
            self.world.entries, self.world.header = dict(entries), header
            self.world.show((change,))
        self.pending = []

    @rule(seconds=st.sampled_from([0.5, 2.0, 70.0, 301.0, 700.0]))
    def pass_time(self, seconds: float) -> None:
        """What is over is over; no gateway answers."""
        self.world.pass_time(seconds)

    @rule(alive=st.frozensets(st.sampled_from(NODES[1:7])))
    def witness(self, alive: frozenset[str]) -> None:
        """Some nodes show that they live."""
        self.hear(whole=False)
        if self.world.guard.history.broken is not None:
            self.freed |= {each for each, one in self.store.items() if _writer(one) in alive}
            self.world.cluster.witness(frozenset(f"id-{node}" for node in alive))

    @rule(at=st.integers(0, 7))
    def release(self, at: int) -> None:
        """An operator lets one go."""
        holds = [*self.world.guard.state.holds]
        if holds:
            self.freed.add(holds[at % len(holds)])
            self.world.cluster.release([holds[at % len(holds)]], "accepted")

    @rule()
    def believe(self) -> None:
        """An operator believes what the store says now."""
        self.hear(whole=False)
        if self.header.cluster != FOREIGN:
            self.world.cluster.believe()
            assert self.world.guard.state.holds == {}
            assert self.world.guard.history.broken is None

    @property
    def peers(self) -> Mapping[bytes, Peer]:
        """Give what is believed now."""
        return self.world.roster.peers if self.world.told else {}


def _writer(record: Entry) -> str:
    match = re.search(rb'"Node": ?"(\w+)"', record.value)
    return match[1].decode() if match else ""

"""A cluster that begins with what this node remembers, or with its own routes in the kernel."""

from __future__ import annotations

from types import MappingProxyType

import pytest

from hostgw_core.history import History
from hostgw_core.store import Deleted, Entry, Header
from hostgw_core.view import Sighting, Snapshot
from hostgw_daemon.routes.cluster import Cluster
from hostgw_daemon.routes.guard import Guard
from hostgw_daemon.routes.holds import Patience
from hostgw_daemon.routes.peers import PeerState
from hostgw_daemon.routes.understanding import News
from support.lease_world import KEYS, ME, entry, key, route
from support.understanding import cluster_of, guard_of

GOOD = b'{"Network": "10.5.0.0/16", "Backend": {"Type": "host-gw"}}'
OTHER = b'{"Network": "10.6.0.0/16", "Backend": {"Type": "host-gw"}}'
KNOWN = Header(1, 900, 5)


def network(content: bytes = GOOD, *, revision: int = 2) -> Entry:
    """Write the record of the network."""
    return Entry(KEYS.config, content, 2, revision, 1, 0)


def snapshot(*entries: Entry, header: Header = KNOWN) -> Snapshot:
    """Make a snapshot."""
    return Snapshot(header, MappingProxyType({each.key: each for each in entries}))


class Node:
    """A cluster with its guard, and all that it has told."""

    def __init__(self, *, known: Header | None = KNOWN) -> None:
        self.time = 0.0
        self.told: list[News] = []
        self.guard: Guard = guard_of(Patience(2.0, 300.0), History(known))
        self.cluster: Cluster = cluster_of(
            self.told.append, guard=self.guard, clock=lambda: self.time
        )

    def list(self, *entries: Entry, header: Header = KNOWN) -> None:
        """Let the store tell everything."""
        self.cluster.saw(Sighting(snapshot(*entries, header=header), None, 1.0))

    def states(self) -> dict[str, str]:
        """Give the state of each lease that is believed."""
        now = self.cluster.now
        assert now is not None
        peers = now.roster.peers.values() if now.roster is not None else ()
        return {each.lease.key.decode().rpartition("/")[2]: str(each.state) for each in peers}


REMEMBERED = (network(), entry("10.5.1.0-24"), entry("10.5.2.0-24", node="n2"))


def test_what_is_remembered_is_told_only_if_the_store_is_silent():
    """Until then nothing is told; and after the store has spoken, nothing of it."""
    node = Node()
    node.cluster.recall(snapshot(*REMEMBERED))
    assert node.told == []
    node.cluster.go_headless()
    (news,) = node.told
    assert (news.now.headless, news.moved) == (True, None)
    assert node.states() == {"10.5.1.0-24": "ok", "10.5.2.0-24": "ok"}
    quick = Node()
    quick.cluster.recall(snapshot(*REMEMBERED))
    quick.list(*REMEMBERED)
    quick.cluster.go_headless()
    assert [each.now.headless for each in quick.told] == [False]


def test_what_the_store_does_not_say_any_more_is_held():
    """A lease that went while we were away waits as if it had gone before our eyes."""
    node = Node()
    node.cluster.recall(snapshot(*REMEMBERED))
    node.cluster.go_headless()
    node.list(network(), entry("10.5.1.0-24"), header=Header(1, 950, 6))
    assert node.states() == {"10.5.1.0-24": "ok", "10.5.2.0-24": "held"}
    assert not node.told[-1].now.headless
    assert node.guard.history.broken is None


def test_a_store_that_was_wiped_while_we_were_away_changes_nothing():
    """The network stays in force, and every lease is held without end."""
    node = Node()
    node.cluster.recall(snapshot(*REMEMBERED))
    node.list(header=Header(1, 1, 2))
    assert set(node.states().values()) == {"held"}
    assert node.told[-1].now.config is not None
    assert node.guard.next_end() == float("inf")


@pytest.mark.parametrize("entries", [(), (entry("10.5.1.0-24"),)])
def test_without_a_network_nothing_is_remembered(entries: tuple[Entry, ...]):
    """Leases mean nothing without it: the node waits for the store."""
    node = Node()
    node.cluster.recall(snapshot(*entries))
    node.cluster.go_headless()
    assert node.told == []


def test_an_operators_word_to_a_headless_node_is_no_answer_of_the_store():
    """There is nothing to believe yet: it goes on by what it remembers, and removes nothing."""
    node = Node()
    node.cluster.recall(snapshot(*REMEMBERED))
    node.cluster.go_headless()
    node.cluster.believe()
    node.cluster.witness(frozenset({"id-n2"}))
    assert all(each.now.headless for each in node.told)
    assert node.cluster.now is not None
    assert node.cluster.now.headless
    assert node.guard.history == History(KNOWN)


ROUTES = [route(f"10.5.{n}.0/24", f"172.16.0.{n}") for n in range(1, 5)]


def test_routes_without_a_memory_are_held_over_an_empty_store():
    """The network is there and no lease: each of our routes stands for somebody's."""
    node = Node(known=None)
    node.cluster.recall_routes(ROUTES)
    node.list(network(), header=Header(1, 5, 2))
    assert set(node.states().values()) == {"held"}
    assert len(node.states()) == len(ROUTES)


@pytest.mark.parametrize("listed", [True, False])
def test_routes_without_a_memory_are_held_when_the_network_comes_later(listed: bool):
    """A store without a network says nothing of routes; the first network judges them."""
    node = Node(known=None)
    node.cluster.recall_routes(ROUTES)
    node.list(entry("10.5.1.0-24", "172.16.0.1"), header=Header(1, 5, 2))
    assert node.told[-1].now.roster is None
    written = network(revision=6)
    seen = snapshot(entry("10.5.1.0-24", "172.16.0.1"), written, header=Header(1, 6, 2))
    node.cluster.saw(Sighting(seen, None if listed else (written,), 1.0))
    assert node.states() == {
        "10.5.1.0-24": "ok",
        "10.5.2.0-24": "held",
        "10.5.3.0-24": "held",
        "10.5.4.0-24": "held",
    }
    assert (node.told[-1].moved, node.told[-1].now.headless) == (None, False)


def test_a_route_without_a_memory_goes_when_somebody_else_has_its_subnet():
    """A record beats a route of which nobody knows any more whose it was."""
    node = Node(known=None)
    node.cluster.recall_routes(ROUTES)
    node.list(network(), entry("10.5.2.0-24", "172.16.0.99"), header=Header(1, 5, 2))
    assert node.states()["10.5.2.0-24"] == "ok"
    assert node.states()["10.5.1.0-24"] == "held"


def test_our_own_lease_is_ours_from_memory_and_is_never_held():
    """It is not our guard that keeps it, but our claim that puts it back."""
    own = entry(
        "10.5.9.0-24",
        raw=b'{"PublicIP":"172.16.0.1","BackendType":"host-gw","NodeID":"%s"}' % ME.encode(),
    )
    node = Node()
    node.cluster.recall(snapshot(*REMEMBERED, own))
    assert node.states()["10.5.9.0-24"] == str(PeerState.SELF)
    node.list(*REMEMBERED, header=Header(1, 950, 6))
    assert "10.5.9.0-24" not in node.states()


def test_the_end_of_a_key_after_that_is_the_end_of_its_route():
    """A lease that was remembered and confirmed goes as any other."""
    node = Node()
    node.cluster.recall(snapshot(*REMEMBERED))
    node.list(*REMEMBERED, header=Header(1, 950, 6))
    rest = snapshot(network(), entry("10.5.1.0-24"), header=Header(1, 951, 6))
    node.cluster.saw(Sighting(rest, (Deleted(key("10.5.2.0-24"), 951),), 1.0))
    assert node.states()["10.5.2.0-24"] == "held"
    assert node.guard.next_end() == 2.0
